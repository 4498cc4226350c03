package safetensors

import (
	"fmt"

	"github.com/pare-ml/pare/graph/ir"
)

// dequantize puts the codes of compressed modules in place of their weights, with the nodes that make numbers of them. It
// reports whether there were any.
func (d *folder) dequantize(m *ir.Model) bool {
	if len(d.packed) == 0 {
		return false
	}
	g := m.Graph
	headers := map[string]bool{}
	byWeight := map[string]*module{}
	for _, p := range d.packed {
		headers[p.name+".weight"] = true
		byWeight[p.name+".weight"] = p
	}
	g.RemoveTensors(headers)
	made := map[*module]bool{}
	var nodes []*ir.Node
	by := map[string]*module{} // values that hold a module's weight
	for _, n := range g.Nodes {
		for i, in := range n.Inputs {
			p := byWeight[in]
			if p == nil {
				continue
			}
			if !made[p] {
				made[p] = true
				nodes = append(nodes, p.weightNodes(m)...)
			}
			n.Inputs[i] = p.name + ".weight_DequantizeLinear_Output"
			if len(n.Outputs) == 1 {
				by[n.Outputs[0]] = p
			}
		}
		if n.Is("MatMul") && len(n.Inputs) == 2 {
			if p := by[n.Inputs[1]]; p != nil {
				nodes = append(nodes, p.inputNodes(g, n)...)
			}
		}
		nodes = append(nodes, n)
	}
	g.Nodes = nodes
	for _, p := range d.packed {
		for _, t := range []*ir.Tensor{p.codes, p.scale, p.zero, p.global, p.inScale, p.inZero} {
			if t != nil {
				g.AddTensor(t)
			}
		}
	}
	d.packed = nil
	return true
}

// weightNodes make numbers of a module's codes.
func (p *module) weightNodes(m *ir.Model) []*ir.Node {
	w := p.name + ".weight"
	n := &ir.Node{Name: w + "_DequantizeLinear", Op: "DequantizeLinear", Inputs: []string{p.codes.Name, p.scale.Name}, Outputs: []string{w + "_DequantizeLinear_Output"}}
	if p.zero != nil {
		n.Inputs = append(n.Inputs, p.zero.Name)
	}
	switch s := p.weights; s.strategy {
	case "channel":
		n.SetAttr(ir.IntAttr("axis", 0))
	case "block":
		n.SetAttr(ir.IntAttr("axis", 1))
		n.SetAttr(ir.IntAttr("block_size", int64(s.block[1])))
		n.SetAttr(ir.IntsAttr("pare_square", int64(s.block[0]), int64(s.block[1])))
	case "group", "tensor_group":
		n.SetAttr(ir.IntAttr("axis", 1))
		n.SetAttr(ir.IntAttr("block_size", int64(s.group)))
	}
	switch {
	case p.scale.DType == ir.Float8E8M0:
		n.SetAttr(ir.IntAttr("output_dtype", int64(p.valueType())))
		m.SetOpset("", max(m.Opset(""), 24))
	case p.codes.DType == ir.Int2 || p.codes.DType == ir.Uint2:
		m.SetOpset("", max(m.Opset(""), 25))
	}
	if p.global == nil {
		return []*ir.Node{n}
	}
	s := &ir.Node{Name: w + "_scale_DequantizeLinear", Op: "DequantizeLinear", Inputs: []string{p.scale.Name, p.global.Name}, Outputs: []string{w + "_scale_DequantizeLinear_Output"}}
	n.Inputs[1] = s.Outputs[0]
	return []*ir.Node{s, n}
}

// inputNodes quantize the input of n as the module asks, or mark that it happens as the model runs.
func (p *module) inputNodes(g *ir.Graph, n *ir.Node) []*ir.Node {
	in := p.scheme.input
	if in == nil {
		return nil
	}
	d := ir.Int8
	switch {
	case in.float && in.bits == 8:
		d = ir.Float8E4M3FN
	case in.float:
		d = ir.Float4E2M1
	}
	if in.dynamic != "" {
		word := "dynamic"
		if in.dynamic == "local" {
			word = "local"
		}
		n.SetAttr(ir.StringAttr("pare_activations", fmt.Sprintf("%s,%s,%s", d, word, in.strategy)))
		return nil
	}
	base := p.name + ".input"
	q := &ir.Node{Name: base + "_QuantizeLinear", Op: "QuantizeLinear", Inputs: []string{n.Inputs[0], p.inScale.Name}, Outputs: []string{base + "_QuantizeLinear_Output"}}
	dq := &ir.Node{Name: base + "_DequantizeLinear", Op: "DequantizeLinear", Inputs: []string{q.Outputs[0], p.inScale.Name}, Outputs: []string{base + "_DequantizeLinear_Output"}}
	if p.inZero != nil {
		q.Inputs, dq.Inputs = append(q.Inputs, p.inZero.Name), append(dq.Inputs, p.inZero.Name)
	} else {
		q.SetAttr(ir.IntAttr("output_dtype", int64(d)))
	}
	n.Inputs[0] = dq.Outputs[0]
	return []*ir.Node{q, dq}
}
