package exec

import "github.com/pare-ml/pare/graph/ir"

// dequantized gives the numbers of codes behind which a DequantizeLinear of constants stands, some rows at a time: the node
// runs on a slice of the codes and on the scales and zero points that belong to it.
type dequantized struct {
	*weight
	node   *ir.Node
	parts  []sliced // codes, scales, zero points if there are
	row    int      // elements of a row: an index of the first axis
	step   int      // rows of a piece
	rows   int
	piece  int // that values are of; -1: none
	values []float32
	out    []float32
}

// sliced is a constant of the node. Of some, as many rows as of the codes belong to a piece, divided by block; others serve
// all.
type sliced struct {
	*ir.Tensor
	block int // 0: it is not cut
}

// newDequantized tells whether a layer's weight can be read in rows, and reads it.
func newDequantized(m *ir.Model, l ir.Layer) (*dequantized, bool) {
	w, t := weightOf(m, l), l.Weight
	nodes, _ := w.chain(t.Name)
	if len(nodes) != 1 || !nodes[0].Is("DequantizeLinear") || nodes[0].Input(0) != t.Name || t.Align() == 0 || len(t.Shape) < 2 || t.Len() == 0 {
		return nil, false
	}
	d := &dequantized{weight: w, node: nodes[0], rows: t.Shape[0], piece: -1}
	d.row = t.Len() / d.rows
	d.step = max(1, WeightChunk/d.row)
	d.parts = []sliced{{t, 1}}
	for _, name := range d.node.Inputs[1:] {
		if name == "" {
			continue
		}
		p := w.tensor(name)
		if p == nil {
			return nil, false
		}
		block := d.blockOf(p, len(t.Shape))
		if block > 1 {
			d.step = ceilDiv(d.step, block) * block
		}
		d.parts = append(d.parts, sliced{p, block})
	}
	for _, p := range d.parts {
		if p.block > 0 && p.Len()/p.Shape[0]*p.DType.Bits()%8 != 0 {
			return nil, false // rows do not begin with a byte
		}
	}
	return d, true
}

// blockOf tells how many rows of the codes share a row of a constant; 0 if it is the same for all.
func (d *dequantized) blockOf(t *ir.Tensor, rank int) int {
	axis := int(d.node.Int("axis", 1))
	if axis < 0 {
		axis += rank
	}
	switch {
	case t.Len() == 1 || len(t.Shape) == 1 && axis != 0:
		return 0
	case len(t.Shape) > 1 && axis == 0:
		return max(1, int(d.node.Int("block_size", 0)))
	}
	return 1
}

// read is what WeightReader returns.
func (d *dequantized) read(from, to int) ([]float32, error) {
	if d.out == nil {
		d.out = make([]float32, 0, WeightChunk)
	}
	out := d.out[:0]
	size := d.step * d.row
	for at := from; at < to; {
		i := at / size
		if i != d.piece {
			var err error
			if d.values, err = d.run(i); err != nil {
				return nil, err
			}
			d.piece = i
		}
		part := d.values[at-i*size : min(to-i*size, len(d.values))]
		out = append(out, part...)
		at += len(part)
	}
	return out, nil
}

// run runs the node on piece i.
func (d *dequantized) run(i int) ([]float32, error) {
	from, to := i*d.step, min((i+1)*d.step, d.rows)
	g := &ir.Graph{}
	for _, p := range d.parts {
		t := p.Tensor
		if p.block > 0 {
			first, last := from/p.block, ceilDiv(to, p.block)
			row := int64(p.Len() / p.Shape[0] * p.DType.Bits() / 8)
			b := make([]byte, int64(last-first)*row)
			if err := p.ReadPart(b, int64(first)*row); err != nil {
				return nil, err
			}
			t = ir.NewTensor(p.Name, p.DType, append([]int{last - first}, p.Shape[1:]...), b)
		}
		g.SetTensor(t)
	}
	return (&weight{d.opsets, []*ir.Graph{g}}).run([]*ir.Node{d.node}, d.node.Output(0))
}
