package gguf

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/kernel"
)

// restore gives what was read from a file that convert made the names and the order that like has: its graph over the
// file's tensors. So a model that changed its names on the way can be compared with what it was made from.
func restore(back, like *ir.Model) (*ir.Model, error) {
	if like.Format != "safetensors" {
		return back, nil
	}
	c, err := config(like)
	if err != nil {
		return nil, err
	}
	f := familyOf(c)
	if f == nil {
		return back, nil
	}
	s := &settings{family: f, config: c}
	f.keys(s)
	if s.err != nil {
		return nil, s.err
	}
	m := like.Header()
	m.Path, m.Format = back.Path, back.Format
	for _, t := range like.Graph.Tensors() {
		p, ok := s.names.of(t.Name)
		w := back.Graph.Tensor(p.name)
		if !ok || w == nil {
			continue // not in the file: the frequencies of positions, a head that is the table
		}
		if p.expert >= 0 {
			w = slice(w, p.expert)
		}
		if w, err = s.back(p.name, w, t); err != nil {
			return nil, err
		}
		if !slices.Equal(w.Shape, t.Shape) {
			return nil, fmt.Errorf("tensor %q was written with shape %v, read back with %v", t.Name, t.Shape, w.Shape)
		}
		m.Graph.SetTensor(w.WithName(t.Name))
	}
	return m, nil
}

// back undoes what tensor did. The types of norms become what they were, so that the graph holds together.
func (s *settings) back(name string, w, like *ir.Tensor) (*ir.Tensor, error) {
	if s.turned && (strings.Contains(name, ".attn_q.") || strings.Contains(name, ".attn_k.")) {
		heads := s.heads
		if strings.Contains(name, ".attn_k.") {
			heads = s.keyHeads
		}
		return order(w, heads, true)
	}
	if w.DType == like.DType && !(s.oneMore && strings.HasSuffix(name, "norm.weight")) {
		return w, nil
	}
	if w.DType == ir.Float32 {
		return narrow(w, like.DType, s.oneMore && strings.HasSuffix(name, "norm.weight")), nil
	}
	return w, nil
}

// narrow takes one from each element if asked, and makes float32 what it was before widen.
func narrow(t *ir.Tensor, dtype ir.DType, oneLess bool) *ir.Tensor {
	return ir.LazyTensor(t.Name, dtype, t.Shape, func() ([]byte, error) {
		x, err := t.Float32s()
		if err != nil {
			return nil, err
		}
		y := slices.Clone(x)
		if oneLess {
			for i := range y {
				y[i]--
			}
		}
		switch b := make([]byte, 2*len(y)); dtype {
		case ir.Float16:
			kernel.Float32ToFloat16(b, y)
			return b, nil
		case ir.BFloat16:
			kernel.Float32ToBFloat16(b, y)
			return b, nil
		}
		return ir.FromFloat32s(t.Name, t.Shape, y).Bytes()
	})
}

// slice takes one expert out of a stack.
func slice(t *ir.Tensor, i int) *ir.Tensor {
	if len(t.Shape) < 2 || i >= t.Shape[0] {
		return t
	}
	each := t.Size() / int64(t.Shape[0])
	return ir.RangeTensor(t.Name, t.DType, t.Shape[1:], max(t.Align(), 1), func(dst []byte, off int64) error {
		return t.ReadRange(dst, int64(i)*each+off)
	})
}
