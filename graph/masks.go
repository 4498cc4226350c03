package graph

import (
	"fmt"

	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/ir"
)

// zeros remembers which weights a pass set to zero, layer by layer, to hold later passes to it (masks survive).
type zeros map[string][]bool

// check looks at the layers after a step: a weight that was zero in a layer of the same shape must still be, unless the
// step says `mask: release`. Then it takes the state as the new one, and completes the counts in the step's effects.
func (z zeros) check(m *ir.Model, d *Done) error {
	release := d.Step.Params.Effective()["mask"] == "release"
	count := map[string]int{}
	for _, l := range m.Layers() {
		if l.Type != "conv" && l.Type != "linear" {
			continue
		}
		now, err := zeroMask(m, l)
		if err != nil {
			return fmt.Errorf("layer %s: %w", l.Name, err)
		}
		count[l.Name] = countTrue(now)
		if before := z[l.Name]; len(before) == len(now) && !release {
			lost := 0
			for i, zero := range before {
				if zero && !now[i] {
					lost++
				}
			}
			if lost > 0 {
				return fmt.Errorf("layer %s: %d weights that were zero no longer are; a pass must keep masks, unless its step says mask: release", l.Name, lost)
			}
		}
		z[l.Name] = now
	}
	for _, t := range d.Layers {
		t.Effect.To.Zeros = count[t.Layer.Name]
	}
	return nil
}

// look takes the state of a model without comparing it.
func (z zeros) look(m *ir.Model) error {
	for _, l := range m.Layers() {
		if l.Type != "conv" && l.Type != "linear" {
			continue
		}
		now, err := zeroMask(m, l)
		if err != nil {
			return fmt.Errorf("layer %s: %w", l.Name, err)
		}
		z[l.Name] = now
	}
	return nil
}

// zeroMask tells for each element of a layer's weight whether it stands for zero.
func zeroMask(m *ir.Model, l ir.Layer) ([]bool, error) {
	if !exec.HasLayerWeight(m, l) {
		return nil, nil
	}
	w, err := exec.LayerWeight(m, l)
	if err != nil {
		return nil, err
	}
	mask := make([]bool, len(w))
	for i, v := range w {
		mask[i] = v == 0
	}
	return mask, nil
}
