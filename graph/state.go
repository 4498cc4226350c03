package graph

import (
	"fmt"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/passes"
)

func statesOf(m *ir.Model) map[string]passes.State {
	out := map[string]passes.State{}
	for _, l := range m.Layers() {
		out[l.Name] = passes.StateOf(l)
	}
	return out
}

// merge puts what a pass says of layers into the step's treatments; a layer it had to carry along without being asked
// to treat it gets a line of its own. An effect without a layer speaks of the model as a whole.
func merge(s *Step, effects []passes.Effect) {
	for _, e := range effects {
		if e.Layer == "" {
			s.Did = e.Did
			continue
		}
		found := false
		for _, t := range s.Layers {
			if t.Layer.Name == e.Layer {
				t.Effect, found = e, true
			}
		}
		if !found {
			s.Layers = append(s.Layers, &Treatment{Layer: ir.Layer{Name: e.Layer}, Effect: e})
		}
	}
}

// fill completes the states of a step's effects from the model before and after it.
func fill(s *Step, before, after map[string]passes.State) {
	for _, t := range s.Layers {
		name := t.Layer.Name
		zeros := t.Effect.To.Zeros
		if b, ok := before[name]; ok {
			b.Zeros = t.Effect.From.Zeros
			t.Effect.From = b
		}
		if a, ok := after[name]; ok {
			a.Zeros = zeros
			t.Effect.To = a
		} else {
			t.Effect.To = passes.State{Gone: true}
		}
	}
}

// totals adds up a model's layers.
func totals(m *ir.Model) Totals {
	var t Totals
	for _, l := range m.Layers() {
		t.Layers++
		t.Params += int64(l.Params)
		t.Bytes += l.Bytes
	}
	for _, w := range m.Work(nil) {
		t.Work += w
	}
	return t
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// shorten cuts a list of names after n, saying how many more there are.
func shorten(names []string, n int) []string {
	if len(names) <= n {
		return names
	}
	return append(names[:n:n], fmt.Sprintf("and %d more", len(names)-n))
}
