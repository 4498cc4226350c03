package distill

import (
	"context"
	"fmt"

	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/measure"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/passes/internal/training"
)

// cacheLimit bounds the teacher's remembered logits, in bytes.
const cacheLimit = 256 << 20

// teacher answers for batches. Without augmentation it sees each sample once an epoch and says the same every time, so
// its logits are kept.
type teacher struct {
	program *exec.Program
	input   string
	logits  string
	hidden  []string          // values of the hidden loss
	cache   map[int][]float32 // by sample; nil: nothing is kept
}

func newTeacher(m *ir.Model, s *passes.Site, p *Params) (*teacher, error) {
	logits, err := measure.Logits(m)
	if err != nil {
		return nil, fmt.Errorf("teacher: %w", err)
	}
	t := &teacher{input: m.Graph.Feeds()[0].Name, logits: logits, hidden: hidden(m, p)}
	t.program, err = exec.Compile(m, exec.Options{Workers: s.Workers, Taps: append([]string{logits}, t.hidden...)})
	if err != nil {
		return nil, fmt.Errorf("teacher: %w", err)
	}
	if p.Augment == nil && len(t.hidden) == 0 {
		t.cache = map[int][]float32{}
	}
	return t, nil
}

// hidden names the values of a model that the hidden loss compares: what stands behind the activation function of each
// of its layers, in the order of the recipe.
func hidden(m *ir.Model, p *Params) []string {
	var out []string
	for _, loss := range p.Losses {
		for _, name := range loss.Layers {
			if l, ok := m.Layer(name); ok {
				out = append(out, measure.After(m.Graph, l).Value)
			}
		}
	}
	return out
}

// answer is what the teacher says of a batch.
type answer struct {
	logits *exec.Array
	hidden []*exec.Array
}

func (t *teacher) ask(ctx context.Context, b *training.Batch) (*answer, error) {
	if logits := t.remembered(b.Index); logits != nil {
		return &answer{logits: logits}, nil
	}
	values, err := t.program.Run(ctx, map[string]*exec.Array{t.input: b.Input})
	if err != nil {
		return nil, fmt.Errorf("teacher: %w", err)
	}
	a := &answer{logits: values[t.logits]}
	if x := a.logits; x.DType != ir.Float32 || len(x.Shape) < 2 || x.Shape[0] != len(b.Index) {
		return nil, fmt.Errorf("teacher: its output is %s %v; distill needs float32 logits for each sample", x.DType, x.Shape)
	}
	for _, name := range t.hidden {
		a.hidden = append(a.hidden, values[name])
	}
	t.remember(b.Index, a.logits)
	return a, nil
}

func (t *teacher) remember(index []int, logits *exec.Array) {
	if t.cache == nil {
		return
	}
	x := logits.Float32s()
	size := len(x) / len(index)
	for k, i := range index {
		if t.cache[i] == nil && int64(len(t.cache)+1)*int64(size)*4 <= cacheLimit {
			t.cache[i] = append([]float32(nil), x[k*size:(k+1)*size]...)
		}
	}
}

// remembered puts a batch together from what was said of its samples before; nil if one of them is new.
func (t *teacher) remembered(index []int) *exec.Array {
	var x []float32
	for _, i := range index {
		row := t.cache[i]
		if row == nil {
			return nil
		}
		x = append(x, row...)
	}
	return exec.FromFloats(x, len(index), len(x)/len(index))
}
