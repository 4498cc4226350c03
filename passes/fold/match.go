package fold

import (
	"fmt"

	"github.com/pare-ml/pare/graph/ir"
)

// walk finds the layers in front of batch normalizations while folding changes which node gives which value.
type walk struct {
	*folding
	index    *ir.Index           // as the graph was
	producer map[string]*ir.Node // of values that folding has given another producer
	gone     map[*ir.Node]bool   // nodes to remove
	layers   []ir.Layer
	layerOf  map[*ir.Node]ir.Layer
	known    map[string]ir.Info // filled in when first asked for
}

func newWalk(f *folding) *walk {
	w := &walk{folding: f, index: f.graph.Index(), producer: map[string]*ir.Node{}, gone: map[*ir.Node]bool{},
		layers: f.site.Model.Layers(), layerOf: map[*ir.Node]ir.Layer{}}
	for _, l := range w.layers {
		w.layerOf[l.Node] = l
	}
	return w
}

func (w *walk) from(value string) *ir.Node {
	if n, ok := w.producer[value]; ok {
		return n
	}
	return w.index.Producer(value)
}

// match says how a batch normalization folds into the layer before it, or why it does not.
func (w *walk) match(n *ir.Node) (nf *normFold, why string) {
	nf = &normFold{norm: n}
	if why := w.stable(n); why != "" {
		return nil, why
	}
	if nf.stats, why = w.statsOf(n); why != "" {
		return nil, why
	}
	p := w.from(n.Input(0))
	if p == nil {
		return nil, "its input is an input of the model"
	}
	if why := w.single(p); why != "" {
		return nil, why
	}
	biasName := p.Input(2)
	if p.Is("Add") {
		product, constant := w.matMulOf(p)
		if product == nil {
			return nil, fmt.Sprintf("its input comes from %s, not from a convolution or linear layer", called(p))
		}
		if why := w.single(product); why != "" {
			return nil, why
		}
		nf.add, p, biasName = p, product, constant
	}
	l, ok := w.layerOf[p]
	if !ok || !p.Is("Conv", "ConvTranspose", "Gemm", "MatMul") {
		return nil, fmt.Sprintf("its input comes from %s, not from a convolution or linear layer", called(p))
	}
	nf.layer = l
	if _, ok := w.acts[p]; !ok {
		return nil, fmt.Sprintf("layer %s before it is not among the layers of this step", l.Name)
	}
	if why := w.fitWeight(nf); why != "" {
		return nil, why
	}
	return nf, w.fitBias(nf, biasName)
}

// stable tells why a normalization has no fixed statistics.
func (w *walk) stable(n *ir.Node) (why string) {
	if n.Int("training_mode", 0) != 0 {
		return "it computes its statistics anew (training_mode)"
	}
	for i, out := range n.Outputs {
		if i > 0 && out != "" && (w.graph.IsOutput(out) || len(w.index.Consumers(out)) > 0) {
			return "its running statistics are used as values"
		}
	}
	return ""
}

// single tells why what a node gives cannot be changed: somebody besides the batch normalization takes it.
func (w *walk) single(p *ir.Node) (why string) {
	value := p.Output(0)
	if w.graph.IsOutput(value) {
		return fmt.Sprintf("what %s before it gives is an output of the model", called(p))
	}
	if len(w.index.Consumers(value)) > 1 {
		return fmt.Sprintf("what %s before it gives is used elsewhere too", called(p))
	}
	return ""
}

// matMulOf returns the MatMul to whose product an Add adds a constant, and the constant's name.
func (w *walk) matMulOf(add *ir.Node) (product *ir.Node, constant string) {
	if len(add.Inputs) != 2 {
		return nil, ""
	}
	for i, v := range add.Inputs {
		if other := add.Inputs[1-i]; w.graph.Tensor(other) != nil {
			if p := w.from(v); p != nil && p.Is("MatMul") {
				return p, other
			}
		}
	}
	return nil, ""
}

// fitWeight checks that the layer's weight is a constant of its own with the channels of the normalization.
func (w *walk) fitWeight(nf *normFold) (why string) {
	l, node := nf.layer, nf.layer.Node
	nf.weight = w.graph.Tensor(node.Input(1))
	switch {
	case nf.weight == nil:
		return fmt.Sprintf("the weight of %s is not a constant that its node takes directly", l.Name)
	case nf.weight.DType != ir.Float32:
		return fmt.Sprintf("the weight of %s is %s; folding works on float32", l.Name, nf.weight.DType)
	case len(w.index.Consumers(nf.weight.Name)) > 1:
		return fmt.Sprintf("the weight of %s is shared with another node", l.Name)
	case w.graph.IsOutput(nf.weight.Name):
		return fmt.Sprintf("the weight of %s is an output of the model", l.Name)
	case node.Op == "ConvTranspose" && l.Groups > 1:
		return fmt.Sprintf("%s is a transposed convolution in groups", l.Name)
	case l.OutFeatures != nf.stats.channels():
		return fmt.Sprintf("it has %d channels where %s gives %d", nf.stats.channels(), l.Name, l.OutFeatures)
	case node.Op == "MatMul" && w.rank(node.Outputs[0]) != 2:
		return fmt.Sprintf("%s does not surely give a matrix, whose second axis would be its channels", l.Name)
	}
	return ""
}

// fitBias checks that the layer's bias, if there is one, is a constant with a number for each channel or for all.
func (w *walk) fitBias(nf *normFold, name string) (why string) {
	if name == "" {
		return ""
	}
	b, l := w.graph.Tensor(name), nf.layer
	switch {
	case b == nil:
		return fmt.Sprintf("the bias of %s is no constant", l.Name)
	case b.DType != ir.Float32:
		return fmt.Sprintf("the bias of %s is %s; folding works on float32", l.Name, b.DType)
	case b.Len() != 1 && (b.Len() != l.OutFeatures || b.Shape[len(b.Shape)-1] != l.OutFeatures):
		return fmt.Sprintf("the bias of %s has shape %v, not one number for each channel", l.Name, b.Shape)
	}
	nf.bias = b
	nf.ownsBias = len(w.index.Consumers(name)) == 1 && !w.graph.IsOutput(name)
	return ""
}

// rank returns the rank of a value, -1 if the header does not tell it.
func (w *walk) rank(value string) int {
	if w.known == nil {
		w.known, _ = ir.Infer(w.site.Model, nil) // contradictions are the executor's to report
	}
	if s := w.known[value].Shape; s != nil {
		return len(s)
	}
	return -1
}

// called names a node for a message.
func called(n *ir.Node) string {
	if n.Name == "" {
		return n.Op
	}
	return n.Op + " " + n.Name
}
