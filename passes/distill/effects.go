package distill

import (
	"fmt"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/human"
	"github.com/pare-ml/pare/passes"
)

// effects says of each layer what is trained.
func effects(u passes.Unit[Params], count func(*ir.Tensor) (int, error)) ([]passes.Effect, error) {
	out := make([]passes.Effect, len(u.Layers))
	for i, l := range u.Layers {
		e := passes.Effect{Layer: l.Name, From: passes.StateOf(l.Layer)}
		e.To = e.From
		if ok, why := u.Params.Trains(l.Layer); ok {
			e.Did = fmt.Sprintf("trained, %s", u.Params.Text())
		} else {
			e.Why = why
		}
		if count != nil {
			var err error
			if e.From.Zeros, err = count(l.Weight); err != nil {
				return nil, err
			}
		}
		out[i] = e
	}
	return out, nil
}

// after completes the effects once the model is trained.
func after(m *ir.Model, effects []passes.Effect) ([]passes.Effect, error) {
	for i := range effects {
		e := &effects[i]
		l, ok := m.Layer(e.Layer)
		if !ok {
			return nil, fmt.Errorf("layer %s is gone", e.Layer)
		}
		var err error
		if e.To.Zeros, err = zeros(l.Weight); err != nil {
			return nil, err
		}
		if n := l.Weight.Len(); e.Did != "" && e.From.Zeros > 0 && e.To.Zeros >= e.From.Zeros {
			e.Did += fmt.Sprintf(", %s of its weights stay zero", human.Percent(float64(e.From.Zeros)/float64(n)))
		}
	}
	return effects, nil
}

// zeros counts the zero weights of a float tensor.
func zeros(t *ir.Tensor) (int, error) {
	if t.DType != ir.Float32 {
		return 0, nil
	}
	w, err := t.Float32s()
	n := 0
	for _, v := range w {
		if v == 0 {
			n++
		}
	}
	return n, err
}
