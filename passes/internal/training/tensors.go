package training

import (
	"fmt"
	"slices"

	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/ir"
)

// moved lists the tensors that a step trains, in graph order: the weights and biases of its layers, as far as they are
// float32. With them come the masks: elements of weights that are exactly zero stay zero. Trained weights are zero only
// because something set them so; of biases and normalizations that is not true, so they are free.
func moved(p *exec.Program, layers []ir.Layer, o *Params) ([]string, exec.Masks, error) {
	var out []string
	masks := exec.Masks{}
	add := func(t *ir.Tensor, weight bool) {
		if t == nil || p.Param(t.Name) == nil || slices.Contains(out, t.Name) {
			return
		}
		out = append(out, t.Name)
		if weight && o.Mask == "keep" {
			if free := nonzero(p.Param(t.Name).Float32s()); slices.Contains(free, false) {
				masks[t.Name] = free
			}
		}
	}
	for _, l := range layers {
		norm := l.Type == "norm"
		if o.Trainable == "norms_and_scales" && !norm {
			continue
		}
		add(l.Weight, !norm)
		add(l.Bias, false)
	}
	if len(out) == 0 {
		what := "no layer of the step has a float32 weight"
		if o.Trainable == "norms_and_scales" {
			what = "trainable is norms_and_scales and no layer of the step is a normalization; a fold before it takes them away"
		}
		return nil, nil, fmt.Errorf("nothing to train: %s", what)
	}
	return out, masks, nil
}

func nonzero(w []float32) []bool {
	out := make([]bool, len(w))
	for i, v := range w {
		out[i] = v != 0
	}
	return out
}

// Trains tells whether a step trains a layer's tensors, from the header; else why not.
func (p *Params) Trains(l ir.Layer) (bool, string) {
	switch {
	case p.Trainable == "norms_and_scales" && l.Type != "norm":
		return false, "trainable is norms_and_scales"
	case l.Weight.DType != ir.Float32:
		return false, fmt.Sprintf("its weight is %s; training moves float32", l.Weight.DType)
	}
	return true, ""
}
