package ir_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
)

// FuzzLayers: whatever the nodes, layers are found without a panic, have names of their own, and each is a sibling of its
// siblings.
func FuzzLayers(f *testing.F) {
	for _, s := range []string{
		"q=MatMul(x,w) k=MatMul(x,w) t=Transpose(k) s=MatMul(q,t) p=Softmax(s) a=MatMul(p,q) o=MatMul(a,w)",
		"g=MatMul(x,w) s=Sigmoid(g) a=Mul(g,s) u=MatMul(x,v) h=Mul(a,u) d=MatMul(h,w) y=Add(d,x)",
		"r=MatMul(x,w) t,i=TopK(r,k) u=MatMul(x,w) a=Relu(u) d=MatMul(a,v) m=Mul(d,t) y=Add(m,x)",
		"e=Gather(w,x) m=ReduceMean(e) s=Sqrt(m) d=Div(e,s) n=Mul(d,b) l=MatMul(n,w)",
		"a=If(x) b=Add(a,a) c=Conv(x,c4,b) d=BatchNormalization(c,b,b,b,b)",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		g := graphOf("x", "", strings.Map(func(r rune) rune {
			if r == '\n' || r == '\t' {
				return ' '
			}
			return r
		}, text))
		for _, tensor := range []*ir.Tensor{
			ir.FromFloat32s("w", []int{4, 4}, make([]float32, 16)), ir.FromFloat32s("v", []int{4, 4}, make([]float32, 16)),
			ir.FromFloat32s("b", []int{4}, make([]float32, 4)), ir.FromFloat32s("c4", []int{4, 4, 1, 1}, make([]float32, 16)),
			ir.FromInt64s("k", []int{1}, []int64{2}),
		} {
			g.AddTensor(tensor)
		}
		m := &ir.Model{Graph: g, Opsets: []ir.Opset{{Version: 17}}}
		layers := m.Layers()
		names := map[string]*ir.Layer{}
		for i := range layers {
			if names[layers[i].Name] != nil {
				t.Fatalf("two layers are called %q", layers[i].Name)
			}
			names[layers[i].Name] = &layers[i]
		}
		x := g.Index()
		for i := range layers {
			l := &layers[i]
			for _, s := range l.Siblings {
				if names[s] == nil || !slices.Contains(names[s].Siblings, l.Name) {
					t.Fatalf("%q is no sibling of its sibling %q", l.Name, s)
				}
			}
			x.WeightScheme(l)
			x.InputScheme(l)
		}
	})
}
