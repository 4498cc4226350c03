package passtest

import (
	"context"
	"errors"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/passes"
)

// Resumes checks that a pass which keeps its state goes on from it: it is stopped when its progress comes to each of the
// places in stops, one after another, and what it makes in the end is what it makes without a stop.
func Resumes(t testing.TB, p *passes.Pass, m *ir.Model, s Step, stops ...int) {
	t.Helper()
	straight, err := try(p, m, m.Clone(), s, 1)
	if err != nil {
		t.Fatal(err)
	}
	c := &memory{}
	s.checkpoint = c
	for _, stop := range stops {
		ctx, cancel := context.WithCancel(context.Background())
		from := -1
		s.ctx, s.progress = ctx, func(done, _ int, _ string) {
			if from < 0 {
				from = done - 1
			}
			if done == stop {
				cancel()
			}
		}
		if _, err := try(p, m, m.Clone(), s, 2); !errors.Is(err, context.Canceled) {
			t.Fatalf("stopped at %d: %v", stop, err)
		}
		cancel()
		if c.saves == 0 {
			t.Fatalf("stopped at %d and nothing was kept", stop)
		}
		if c.loads > 0 && from == 0 {
			t.Errorf("started anew after a stop")
		}
	}
	s.ctx, s.progress = nil, nil
	r, err := try(p, m, m.Clone(), s, 1)
	if err != nil {
		t.Fatal(err)
	}
	if c.loads == 0 {
		t.Error("no state was loaded")
	}
	if digest(t, r.Model) != digest(t, straight.Model) {
		t.Error("what was stopped and went on gave another model than what was not")
	}
}

// memory keeps a state in memory.
type memory struct {
	state        []byte
	loads, saves int
}

func (c *memory) Load() ([]byte, bool) {
	if c.state == nil {
		return nil, false
	}
	c.loads++
	return c.state, true
}

func (c *memory) Save(state []byte, _ string) error {
	c.state = state
	c.saves++
	return nil
}
