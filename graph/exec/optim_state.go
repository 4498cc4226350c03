package exec

import (
	encoding "encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/pare-ml/pare/internal/record"
)

// Optimizers remember something of the steps before. State and SetState write it down and put it back, so that a training
// can go on in another process with the same bits.

// State implements Optimizer: the velocities.
func (o *SGD) State() []byte {
	w := &record.Writer{}
	w.Len(len(o.velocity))
	for _, name := range slices.Sorted(maps.Keys(o.velocity)) {
		w.Text(name)
		w.Bytes(floatBytes(o.velocity[name]))
	}
	return w.Record()
}

// SetState implements Optimizer.
func (o *SGD) SetState(p *Program, state []byte) error {
	r := record.NewReader(state)
	velocity := map[string][]float32{}
	for range r.Len(2) {
		name := r.Text()
		v, err := floatsLike(p, name, r.Bytes())
		if err != nil {
			return err
		}
		velocity[name] = v
	}
	if err := r.End(); err != nil {
		return err
	}
	o.velocity = velocity
	return nil
}

// State implements Optimizer: the moments.
func (o *AdamW) State() []byte {
	w := &record.Writer{}
	w.Len(len(o.moments))
	for _, name := range slices.Sorted(maps.Keys(o.moments)) {
		s := o.moments[name]
		w.Text(name)
		w.Bytes(floatBytes(s.m))
		w.Bytes(floatBytes(s.v))
		w.Float(s.beta1)
		w.Float(s.beta2)
	}
	return w.Record()
}

// SetState implements Optimizer.
func (o *AdamW) SetState(p *Program, state []byte) error {
	r := record.NewReader(state)
	all := map[string]*moments{}
	for range r.Len(19) {
		name := r.Text()
		m, err := floatsLike(p, name, r.Bytes())
		if err != nil {
			return err
		}
		v, err := floatsLike(p, name, r.Bytes())
		if err != nil {
			return err
		}
		all[name] = &moments{m, v, r.Float(), r.Float()}
	}
	if err := r.End(); err != nil {
		return err
	}
	o.moments = all
	return nil
}

// ParamBytes returns a float32 parameter as it stands, for RestoreParam.
func (p *Program) ParamBytes(name string) ([]byte, error) {
	w := p.Param(name)
	if w == nil {
		return nil, fmt.Errorf("%q is not a parameter", name)
	}
	return floatBytes(w.Float32s()), nil
}

// RestoreParam gives a float32 parameter the value that ParamBytes returned.
func (p *Program) RestoreParam(name string, b []byte) error {
	v, err := floatsLike(p, name, b)
	if err != nil {
		return err
	}
	copy(p.Param(name).Float32s(), v)
	return nil
}

func floatBytes(v []float32) []byte {
	b := make([]byte, 0, 4*len(v))
	for _, x := range v {
		b = encoding.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

// floatsLike reads as many numbers as a parameter has.
func floatsLike(p *Program, name string, b []byte) ([]float32, error) {
	w := p.Param(name)
	if w == nil {
		return nil, fmt.Errorf("the state speaks of %q, which is not a parameter", name)
	}
	if len(b) != 4*w.Len() {
		return nil, fmt.Errorf("the state has %d bytes for %q, which has %d numbers", len(b), name, w.Len())
	}
	v := make([]float32, w.Len())
	for i := range v {
		v[i] = math.Float32frombits(encoding.LittleEndian.Uint32(b[4*i:]))
	}
	return v, nil
}
