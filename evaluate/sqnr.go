package evaluate

import (
	"context"
	"fmt"
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
// codes are dequantized first. Layers are found by name; normalizations are left out.
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
		if m, ok := in[l.Name]; ok && m.Type == l.Type && slices.Equal(m.Weight.Shape, l.Weight.Shape) {
			y, err := Weight(before, l)
			if err != nil {
				return nil, err
			}
			yhat, err := Weight(after, m)
			if err != nil {
				return nil, err
			}
			s.SQNR = SQNR(y, yhat)
		}
		out = append(out, s)
	}
	return out, nil
}

// Weight returns a layer's weight as its node sees it, in the layout in which it is stored: dequantized if it is stored
// as codes.
func Weight(m *ir.Model, l ir.Layer) ([]float32, error) {
	switch l.Weight.DType {
	case ir.Float32, ir.Float16, ir.BFloat16, ir.Float64:
		return l.Weight.Float32s()
	}
	y, err := dequantize(m, l)
	if err != nil {
		return nil, fmt.Errorf("weight of layer %s: %w", l.Name, err)
	}
	return y, nil
}

// dequantize runs the DequantizeLinear that reads the layer's weight, alone in a model of its own.
func dequantize(m *ir.Model, l ir.Layer) ([]float32, error) {
	for _, n := range m.Graph.Consumers(l.Weight.Name) {
		if !n.Is("DequantizeLinear") || n.Input(0) != l.Weight.Name {
			continue
		}
		alone := &ir.Model{Opsets: m.Opsets, IRVersion: m.IRVersion, Graph: &ir.Graph{
			Name: "weight", Nodes: []*ir.Node{n},
			Outputs: []*ir.Value{{Name: n.Output(0)}},
		}}
		for _, name := range n.Inputs {
			if t := m.Graph.Index().Tensor(name); t != nil {
				alone.Graph.SetTensor(t)
			}
		}
		p, err := exec.Compile(alone, exec.Options{Workers: 1})
		if err != nil {
			return nil, err
		}
		out, err := p.Run(context.Background(), nil)
		if err != nil {
			return nil, err
		}
		y := out[n.Output(0)]
		if y.DType != ir.Float32 {
			return nil, fmt.Errorf("it is dequantized to %s; only float32 can be compared", y.DType)
		}
		return slices.Clone(y.Float32s()), nil
	}
	return nil, fmt.Errorf("it holds %s, and no DequantizeLinear reads it", l.Weight.DType)
}
