package training

import (
	"fmt"
	"time"

	"github.com/pare-ml/pare/internal/record"
)

// A state is kept after so many steps or so much time, but never so often that keeping takes more than a fiftieth of the
// time: what a state costs grows with the model, and so do the steps that it saves.
const (
	everySteps = 50
	everyTime  = 30 * time.Second
	share      = 50
)

// stateVersion is raised when a state means something else.
const stateVersion = 1

// keeper keeps the state of a training: parameters, what the optimizer and the objective remember, and the losses so far.
// Batches and their augmentation follow from a step's number, so no random generator is in it. A training that goes on
// from a state computes the same bits as one that was never stopped.
type keeper struct {
	*loop
	losses []float64
	last   int // step of the state kept last
	at     time.Time
	cost   time.Duration // of keeping it
}

func newKeeper(l *loop, losses []float64) *keeper {
	return &keeper{loop: l, losses: losses, at: time.Now()}
}

// load puts back the state kept last and returns the step to go on with. A state that does not fit is none.
func (k *keeper) load() (step int, err error) {
	if k.Site.Checkpoint == nil {
		return 0, nil
	}
	state, ok := k.Site.Checkpoint.Load()
	if !ok {
		return 0, nil
	}
	if step, err = k.read(state); err != nil {
		return 0, fmt.Errorf("go on from a state that was kept: %w", err)
	}
	k.last = step
	return step, nil
}

func (k *keeper) read(state []byte) (step int, err error) {
	r := record.NewReader(state)
	if v := r.Uint(); v != stateVersion {
		return 0, fmt.Errorf("it is of version %d, not %d", v, stateVersion)
	}
	step = r.Small()
	if step < 1 || step > len(k.losses) {
		return 0, fmt.Errorf("it stands at step %d of %d", step, len(k.losses))
	}
	for i := range k.losses[:step] {
		k.losses[i] = r.Float()
	}
	for _, name := range k.names {
		if got := r.Text(); got != name {
			return 0, fmt.Errorf("it has parameter %q in the place of %q", got, name)
		}
		if err := k.program.RestoreParam(name, r.Bytes()); err != nil {
			return 0, err
		}
	}
	if err := k.optim.SetState(k.program, r.Bytes()); err != nil {
		return 0, err
	}
	memory := r.Bytes()
	if err := r.End(); err != nil {
		return 0, err
	}
	if k.Memory != nil {
		return step, k.Memory.Load(memory)
	}
	return step, nil
}

// done notes that so many steps are done, and keeps the state if it is time.
func (k *keeper) done(steps int) error {
	since := time.Since(k.at)
	if k.Site.Checkpoint == nil || steps == len(k.losses) || steps-k.last < everySteps && since < everyTime || since < share*k.cost {
		return nil
	}
	return k.save(steps)
}

// save keeps the state after so many steps, unless it is kept already.
func (k *keeper) save(steps int) error {
	if k.Site.Checkpoint == nil || steps == k.last {
		return nil
	}
	start := time.Now()
	w := &record.Writer{}
	w.Uint(stateVersion)
	w.Len(steps)
	for _, v := range k.losses[:steps] {
		w.Float(v)
	}
	for _, name := range k.names {
		b, err := k.program.ParamBytes(name)
		if err != nil {
			return err
		}
		w.Text(name)
		w.Bytes(b)
	}
	w.Bytes(k.optim.State())
	var memory []byte
	if k.Memory != nil {
		memory = k.Memory.Save()
	}
	w.Bytes(memory)
	if err := k.Site.Checkpoint.Save(w.Record(), fmt.Sprintf("step %d of %d", steps, len(k.losses))); err != nil {
		return err
	}
	k.last, k.at = steps, time.Now()
	k.cost = k.at.Sub(start)
	return nil
}
