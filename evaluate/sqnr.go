package evaluate

import (
	"math"
	"slices"

	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/kernel"
)

// SQNR returns 10·log10(Σy² / Σ(y−ŷ)²) in dB: +Inf if nothing differs, NaN if y is all zero and ŷ is not, if a value is
// not finite, or if the lengths differ.
func SQNR(y, yhat []float32) float64 {
	if len(y) != len(yhat) {
		return math.NaN()
	}
	diff := make([]float32, 0, min(len(y), sqnrChunk))
	var signal, noise float64
	for len(y) > 0 {
		n := min(len(y), sqnrChunk)
		diff = diff[:n]
		for i := range diff {
			diff[i] = y[i] - yhat[i]
		}
		signal += kernel.SumSquares(y[:n])
		noise += kernel.SumSquares(diff)
		y, yhat = y[n:], yhat[n:]
	}
	switch {
	case math.IsNaN(noise) || math.IsInf(noise, 0) || math.IsInf(signal, 0):
		return math.NaN()
	case noise == 0:
		return math.Inf(1)
	case signal == 0:
		return math.NaN()
	}
	return 10 / math.Ln10 * (kernel.Log64(signal) - kernel.Log64(noise))
}

const sqnrChunk = 1 << 16

// LayerSQNR is how well a layer's weight was kept, in dB. NaN: its shape changed, it is gone, or it was all zero.
type LayerSQNR struct {
	Layer string
	SQNR  float64
}

// WeightSQNR compares the weights of two models, layer by layer in the order of before, as the nodes see them: stored
// codes are dequantized first. Layers are found by name; normalizations are left out, and so are weights whose codes the
// executor cannot read (NaN).
func WeightSQNR(before, after *ir.Model) ([]LayerSQNR, error) {
	in := map[string]ir.Layer{}
	for _, l := range after.Layers() {
		in[l.Name] = l
	}
	var out []LayerSQNR
	for _, l := range before.Layers() {
		if l.Type == "norm" {
			continue
		}
		s := LayerSQNR{l.Name, math.NaN()}
		m, ok := in[l.Name]
		if ok && m.Type == l.Type && slices.Equal(m.Weight.Shape, l.Weight.Shape) && exec.HasLayerWeight(before, l) && exec.HasLayerWeight(after, m) {
			y, err := exec.LayerWeight(before, l)
			if err != nil {
				return nil, err
			}
			yhat, err := exec.LayerWeight(after, m)
			if err != nil {
				return nil, err
			}
			s.SQNR = SQNR(y, yhat)
		}
		out = append(out, s)
	}
	return out, nil
}
