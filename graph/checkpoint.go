package graph

import (
	"errors"

	"github.com/pare-ml/pare/graph/store"
)

// checkpoint keeps the state of one unit while it is being made, under two keys in turn, so that one is whole whenever
// the process dies.
type checkpoint struct {
	runner  *Runner
	keys    [2]store.Digest
	count   int64  // of states kept, those of earlier processes included
	resumed string // how far the state that was loaded had come
}

// saved is a state.
type saved struct {
	count int64
	at    string
	state []byte
}

var keptState = kept[saved]{
	title: "checkpoint",
	encode: func(w *entryWriter, v saved) error {
		w.Int(v.count)
		w.Text(v.at)
		return w.blob(v.state)
	},
	decode: func(r *entryReader) (saved, error) {
		v := saved{count: r.Int(), at: r.Text()}
		if err := r.End(); err != nil {
			return v, err
		}
		var err error
		v.state, err = r.blob()
		return v, err
	},
}

// checkpoint returns where a unit keeps its state; nil if nothing is kept.
func (r *Runner) checkpoint(unit store.Digest) *checkpoint {
	if r.Store == nil || r.Store.ReadOnly() || unit.IsZero() {
		return nil
	}
	c := &checkpoint{runner: r}
	for i := range c.keys {
		k := keyOf("checkpoint")
		k.Int(int64(i))
		k.of(unit)
		c.keys[i] = k.sum()
	}
	return c
}

// Load returns the later of the two states.
func (c *checkpoint) Load() ([]byte, bool) {
	var last saved
	for _, key := range c.keys {
		if v, ok, err := find(c.runner, key, keptState); err == nil && ok && v.count > last.count {
			last = v
		}
	}
	c.count, c.resumed = last.count, last.at
	return last.state, last.count > 0
}

// Save puts a state in the place of the earlier of the two.
func (c *checkpoint) Save(state []byte, at string) error {
	c.count++
	key := c.keys[c.count%2]
	if err := c.runner.Store.Delete(key); err != nil {
		return err
	}
	return put(c.runner, key, keptState, saved{c.count, at, state})
}

// end drops both states: the unit is done.
func (c *checkpoint) end() error {
	if c == nil {
		return nil
	}
	return errors.Join(c.runner.Store.Delete(c.keys[0]), c.runner.Store.Delete(c.keys[1]))
}
