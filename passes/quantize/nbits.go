package quantize

import (
	"fmt"

	"github.com/pare-ml/pare/graph/ir"
)

// hindersNBits tells why a layer's weight cannot be that of a com.microsoft.MatMulNBits, version 1, whose input B holds a row
// for each column of the weight, in blocks of a power of two of at least 16 along it, codes without sign.
func (t *target) hindersNBits(x *ir.Index) string {
	w := t.Weight
	switch {
	case !t.Node.Is("MatMul"):
		return fmt.Sprintf("MatMulNBits stands for MatMul alone, and this is %s", t.Node.Op)
	case t.as.kind != integer || t.granularity != "group":
		return fmt.Sprintf("MatMulNBits holds integers in groups, not %s", t.form.describe())
	case len(w.Shape) != 2 || t.axis != 0 || t.Node.Input(1) != w.Name || t.Kept != t.Within:
		return "MatMulNBits takes a matrix of inputs by outputs as its second input, right from where it is stored"
	case t.group < 16 || t.group&(t.group-1) != 0:
		return fmt.Sprintf("groups of MatMulNBits are powers of two from 16 on, not %d", t.group)
	}
	for _, n := range x.Consumers(w.Name) {
		if !n.Is("MatMul") || n.Input(1) != w.Name || n.Input(0) == w.Name {
			return fmt.Sprintf("a node that is no such product takes its weight too (%s %s)", n.Op, n.Name)
		}
	}
	return ""
}

// matMulNBits puts codes that were made for a DequantizeLinear into the layout of MatMulNBits, and that operator in place of
// the products that take the weight.
func (r *rewrite) matMulNBits(t *target, p parts, users []*ir.Node, m *ir.Model) {
	k, n, bits := t.Weight.Shape[0], t.Weight.Shape[1], t.as.dtype.Bits()
	blocks, blob := ceil(k, t.group), t.group*bits/8
	flip := byte(0) // turns a code with a sign into one that is 2^(bits-1) larger
	if t.as.span.Min < 0 {
		flip = 1 << (bits - 1)
	}
	inputs := []string{p.codes.Name, p.scale.Name}
	r.graph.AddTensor(turned(p.codes, ir.Uint8, []int{n, blocks, blob}, func(codes []byte) []byte {
		return turnCodes(codes, k, n, bits, blocks*blob*8/bits, flip)
	}))
	r.graph.AddTensor(turned(p.scale, p.scale.DType, []int{n, blocks}, func(b []byte) []byte {
		return turnElements(b, blocks, n, p.scale.DType.Bits()/8)
	}))
	if !t.Params.Weights.Symmetric { // else it is 2^(bits-1), which holds without one
		inputs = append(inputs, p.zero.Name)
		row := (blocks*bits + 7) / 8
		r.graph.AddTensor(turned(p.zero, ir.Uint8, []int{n, row}, func(zeros []byte) []byte {
			return turnCodes(zeros, blocks, n, bits, row*8/bits, flip)
		}))
	}
	for _, u := range users {
		u.Op, u.Domain = "MatMulNBits", "com.microsoft"
		u.Inputs = append([]string{u.Input(0)}, inputs...)
		u.Attrs = []ir.Attr{ir.IntAttr("K", int64(k)), ir.IntAttr("N", int64(n)), ir.IntAttr("bits", int64(bits)), ir.IntAttr("block_size", int64(t.group))}
	}
	if m.Opset("com.microsoft") == 0 {
		m.SetOpset("com.microsoft", 1)
	}
}

// turned is a tensor made of another one's bytes when they are asked for; a header of a header.
func turned(t *ir.Tensor, dtype ir.DType, shape []int, turn func([]byte) []byte) *ir.Tensor {
	if !t.HasData() {
		return header(t.Name, dtype, shape)
	}
	return ir.ReadTensor(t.Name, dtype, shape, func() ([]byte, error) {
		b, err := t.Bytes()
		if err != nil {
			return nil, err
		}
		return turn(b), nil
	})
}

// turnCodes turns a packed matrix of codes, rows by cols, and packs each column by itself, filled up with zeros to length
// codes. flip is applied to each code.
func turnCodes(packed []byte, rows, cols, bits, length int, flip byte) []byte {
	per, mask := 8/bits, byte(1<<bits-1)
	stride := length / per
	out := make([]byte, cols*stride)
	for r := range rows {
		at, shift := r/per, r%per*bits
		for c := range cols {
			i := r*cols + c
			code := (packed[i/per]>>(i%per*bits)&mask ^ flip) & mask
			out[c*stride+at] |= code << shift
		}
	}
	return out
}

// turnElements turns a matrix of elements of size bytes.
func turnElements(b []byte, rows, cols, size int) []byte {
	out := make([]byte, len(b))
	for r := range rows {
		for c := range cols {
			copy(out[(c*rows+r)*size:][:size], b[(r*cols+c)*size:])
		}
	}
	return out
}
