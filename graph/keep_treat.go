package graph

import (
	"fmt"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/measure"
	"github.com/pare-ml/pare/graph/patch"
	"github.com/pare-ml/pare/internal/record"
	"github.com/pare-ml/pare/passes"
)

// treated is what a unit of a step gave.
type treated struct {
	patch   *patch.Patch
	effects []passes.Effect
}

// held is the size in bytes up to which the tensors of a result that was found stay in memory once they have been read.
const held = 1 << 20

// keptTreatment keeps what a unit gave: the patch, with each large tensor as a blob that is read when it is asked for.
func keptTreatment(s *Step, unit []*Treatment) kept[*treated] {
	return kept[*treated]{
		title: fmt.Sprintf("%s %s", s.Pass.Name, Names(namesOfTreated(unit), 3)),
		encode: func(w *entryWriter, v *treated) error {
			b, tensors, err := v.patch.Encode()
			if err != nil {
				return err
			}
			for _, t := range tensors {
				b, err := t.Bytes()
				if err != nil {
					return err
				}
				if err := w.blob(b); err != nil {
					return err
				}
			}
			finish(v.effects)
			w.Bytes(b)
			writeEffects(&w.Writer, v.effects)
			return nil
		},
		decode: func(r *entryReader) (*treated, error) {
			v := &treated{}
			var err error
			v.patch, err = patch.Decode(r.Bytes(), func(_ int, h *ir.Tensor) (*ir.Tensor, error) { return r.tensor(h) })
			if err != nil {
				return nil, err
			}
			v.effects = readEffects(r.Reader)
			return v, r.End()
		},
	}
}

// tensor returns a tensor over the next blob.
func (r *entryReader) tensor(h *ir.Tensor) (*ir.Tensor, error) {
	d, err := r.digest()
	if err != nil {
		return nil, err
	}
	if want, err := ir.ByteSize(h.DType, h.Shape); err != nil || want != d.Size {
		return nil, fmt.Errorf("%d bytes for %s of shape %v", d.Size, h.DType, h.Shape)
	}
	if d.Size <= held {
		return ir.LazyTensor(h.Name, h.DType, h.Shape, r.later(d)), nil
	}
	return ir.ReadTensor(h.Name, h.DType, h.Shape, r.later(d)), nil
}

// finish completes the effects of passes whose tensors have all been computed by now.
func finish(effects []passes.Effect) {
	for i := range effects {
		if e := &effects[i]; e.Finish != nil {
			e.Finish(e)
			e.Finish = nil
		}
	}
}

func namesOfTreated(unit []*Treatment) []string {
	names := make([]string, len(unit))
	for i, t := range unit {
		names[i] = t.Layer.Name
	}
	return names
}

func writeEffects(w *record.Writer, list []passes.Effect) {
	w.Len(len(list))
	for _, e := range list {
		w.Text(e.Layer)
		w.Text(e.Did)
		w.Text(e.Why)
		for _, s := range []passes.State{e.From, e.To} {
			w.Uint(uint64(s.DType))
			w.Ints(s.Shape)
			w.Int(int64(s.Params))
			w.Int(int64(s.Zeros))
			w.Int(s.Bytes)
			w.Bool(s.Gone)
		}
		w.Texts(e.Carried)
		w.Bool(e.Rounding != nil)
		if r := e.Rounding; r != nil {
			w.Int(r.Count)
			w.Int(r.Zeros)
			for _, v := range []float64{r.Signal, r.Energy, r.Noise, r.Sum, r.Most} {
				w.Float(v)
			}
		}
	}
}

func readEffects(r *record.Reader) []passes.Effect {
	list := make([]passes.Effect, r.Len(16))
	for i := range list {
		e := &list[i]
		e.Layer, e.Did, e.Why = r.Text(), r.Text(), r.Text()
		for _, s := range []*passes.State{&e.From, &e.To} {
			s.DType, s.Shape, s.Params, s.Zeros = ir.DType(r.Uint()), r.Ints(), int(r.Int()), int(r.Int())
			s.Bytes, s.Gone = r.Int(), r.Bool()
		}
		e.Carried = r.Texts()
		if r.Bool() {
			e.Rounding = &measure.Rounding{Count: r.Int(), Zeros: r.Int()}
			for _, v := range []*float64{&e.Rounding.Signal, &e.Rounding.Energy, &e.Rounding.Noise, &e.Rounding.Sum, &e.Rounding.Most} {
				*v = r.Float()
			}
		}
	}
	return list
}
