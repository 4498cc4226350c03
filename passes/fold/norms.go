package fold

import (
	"strings"

	"github.com/pare-ml/pare/graph/ir"
)

// batchNorms folds every BatchNormalization whose input comes from a convolution or linear layer into that layer:
//
//	W ← W·γ/√(σ²+ε)    b ← β + (b−μ)·γ/√(σ²+ε)
//
// in float64, rounded once (Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient
// Integer-Arithmetic-Only Inference", section 3.2).
func (f *folding) batchNorms() error {
	w := newWalk(f)
	var folds []*normFold
	for _, n := range f.graph.Nodes {
		norm, acts := f.acts[n]
		if !n.Is("BatchNormalization") || !acts {
			continue
		}
		nf, why := w.match(n)
		if why != "" {
			f.why[norm] = why
			continue
		}
		w.apply(nf)
		folds = append(folds, nf)
		f.did[norm] = append(f.did[norm], "folded into "+nf.layer.Name)
		f.did[nf.layer.Name] = append(f.did[nf.layer.Name], "batch norm "+norm+" folded into it")
	}
	f.remove(w.gone)
	f.dropUnused(folds)
	for _, l := range w.layers {
		if name, acts := f.acts[l.Node]; acts && (l.Type == "conv" || l.Type == "linear") && len(f.did[name]) == 0 {
			f.why[name] = "no batch normalization follows that could be folded into it"
		}
	}
	return f.settle(folds)
}

// normFold is a batch normalization on its way into a layer.
type normFold struct {
	norm  *ir.Node
	layer ir.Layer // its node is a Conv, ConvTranspose, Gemm or MatMul
	add   *ir.Node // of a MatMul: the Add of its bias; nil if there is none
	stats stats

	weight   *ir.Tensor // the layer's
	bias     *ir.Tensor // nil if it has none
	ownsBias bool       // nobody else takes the bias

	share float64 // of the bias that counts: beta of a Gemm

	newWeight, newBias *ir.Tensor
}

// apply changes the graph: the layer gets new tensors and gives what the batch normalization gave.
func (w *walk) apply(nf *normFold) {
	node, norm := nf.layer.Node, nf.norm
	nf.share = 1
	if node.Op == "Gemm" {
		nf.share = float64(node.Float("beta", 1))
		node.RemoveAttr("beta")
	}
	nf.prepare(w.site.Model.Path, w.biasName(nf))
	w.graph.SetTensor(nf.newWeight)
	w.addTensor(nf.newBias)
	bias := nf.newBias.Name

	last := node // gives the result
	switch {
	case nf.add != nil:
		last = nf.add
		for i, v := range last.Inputs {
			if v != node.Outputs[0] {
				last.Inputs[i] = bias
			}
		}
	case node.Op == "MatMul": // the normalization becomes the Add of the bias
		norm.Op, norm.Attrs = "Add", nil
		norm.Inputs, norm.Outputs = []string{node.Outputs[0], bias}, norm.Outputs[:1]
		return
	default:
		node.Inputs = append(node.Inputs[:2:2], bias)
	}
	// The names change places, so that the dead node takes along what the graph says of the inner value.
	last.Outputs[0], norm.Outputs[0] = norm.Outputs[0], last.Outputs[0]
	w.producer[last.Outputs[0]] = last
	w.gone[norm] = true
}

// biasName returns the name for a layer's new bias: that of its old one if nobody else takes that.
func (w *walk) biasName(nf *normFold) string {
	if nf.ownsBias {
		return nf.bias.Name
	}
	if module, ok := strings.CutSuffix(nf.weight.Name, ".weight"); ok {
		return w.graph.FreshName(module + ".bias")
	}
	return w.graph.FreshName(nf.weight.Name + "_bias")
}

// addTensor adds an initializer; files before IR version 4 list it among the inputs too.
func (f *folding) addTensor(t *ir.Tensor) {
	if f.site.Model.IRVersion < 4 && !f.graph.IsInput(t.Name) {
		f.graph.Inputs = append(f.graph.Inputs, &ir.Value{Name: t.Name, DType: t.DType, Shape: ir.ShapeOf(t.Shape...)})
	}
	f.graph.SetTensor(t)
}

// dropUnused removes the tensors of folded batch normalizations and the old biases that nobody takes any more.
func (f *folding) dropUnused(folds []*normFold) {
	if len(folds) == 0 {
		return
	}
	used := map[string]bool{}
	for _, n := range f.graph.Nodes {
		for _, v := range n.Takes() {
			used[v] = true
		}
	}
	for _, v := range f.graph.Outputs {
		used[v.Name] = true
	}
	unused := map[string]bool{}
	for _, nf := range folds {
		for _, t := range append(nf.stats.tensors(), nf.bias) {
			if t != nil && !used[t.Name] {
				unused[t.Name] = true
			}
		}
	}
	f.graph.RemoveTensors(unused)
}
