package kernel

import (
	"fmt"
	"testing"

	"github.com/pare-ml/pare/internal/rng"
)

// square is a convolution with the same kernel, stride, padding and dilation both ways.
func square(n, c, h, w, o, kernel, stride, pad, dilation, groups int) Conv {
	return Conv{N: n, C: c, H: h, W: w, O: o, KH: kernel, KW: kernel, SH: stride, SW: stride, PT: pad, PL: pad, PB: pad, PR: pad,
		DH: dilation, DW: dilation, Groups: groups}
}

func convShapes() []Conv {
	return []Conv{
		square(1, 1, 1, 1, 1, 1, 1, 0, 1, 1),
		square(3, 1, 9, 9, 16, 3, 1, 1, 1, 1),
		square(9, 3, 7, 7, 5, 3, 1, 1, 1, 1),
		square(2, 16, 14, 14, 33, 3, 1, 1, 1, 1),
		square(5, 32, 7, 7, 20, 3, 2, 1, 1, 1),
		square(2, 17, 8, 9, 6, 1, 1, 0, 1, 1),
		square(2, 8, 9, 8, 12, 1, 2, 0, 1, 1),
		square(17, 8, 5, 5, 9, 5, 1, 2, 1, 1),
		square(2, 3, 13, 12, 4, 3, 2, 0, 2, 1),
		square(2, 4, 12, 11, 6, 3, 3, 2, 2, 2),
		square(2, 12, 10, 10, 12, 3, 1, 1, 1, 12),
		square(3, 18, 10, 11, 36, 3, 2, 1, 1, 18),
		square(1, 50, 6, 6, 2, 3, 1, 1, 1, 1),
		square(2, 6, 5, 5, 4, 5, 1, 0, 1, 1), // one output
		square(20, 33, 1, 1, 18, 1, 2, 0, 3, 1),
		square(2, 2, 3, 3, 4, 2, 4, 1, 1, 1), // rows and columns that nothing reaches
		square(8, 2, 4, 4, 3, 3, 1, 2, 1, 1), // more padding than needed
		square(2, 2, 2, 2, 3, 5, 1, 0, 1, 1), // no output
		square(0, 2, 4, 4, 3, 3, 1, 1, 1, 1), // no image
		{N: 2, C: 3, H: 6, W: 17, O: 5, KH: 1, KW: 4, SH: 1, SW: 1, PL: 3, PR: 1, DH: 1, DW: 1, Groups: 1},
		{N: 2, C: 3, H: 17, W: 6, O: 5, KH: 4, KW: 1, SH: 2, SW: 1, PT: 1, PB: 4, DH: 1, DW: 1, Groups: 1},
		{N: 2, C: 4, H: 1, W: 40, O: 6, KH: 1, KW: 3, SH: 1, SW: 3, PL: 0, PR: 5, DH: 1, DW: 2, Groups: 2},
		{N: 2, C: 2, H: 7, W: 8, O: 3, KH: 2, KW: 3, SH: 3, SW: 2, PT: 2, PL: 1, PB: 0, PR: 3, DH: 3, DW: 1, Groups: 1},
		{N: 3, C: 2, H: 9, W: 19, O: 3, KH: 3, KW: 2, SH: 1, SW: 5, PT: 0, PL: 4, PB: 1, PR: 0, DH: 1, DW: 3, Groups: 1},
	}
}

func TestConv(t *testing.T) {
	for i, p := range convShapes() {
		for j, workers := range []int{1, 2, 3, 7} {
			testConv(t, p, kinds[(i+j)%len(kinds)], workers)
		}
	}
}

// TestConvFarApart has shapes whose frames no machine could hold.
func TestConvFarApart(t *testing.T) {
	const far = 1 << 30
	for _, p := range []Conv{
		square(2, 2, 3, 3, 2, 2, far, far/2, far, 1),
		square(1, 2, 2, 3, 2, 1, far, 0, far, 2),
		{N: 1, C: 1, H: 4, W: 4, O: 1, KH: 2, KW: 2, SH: 1, SW: far, PT: 1, PL: far, PB: 1, PR: far, DH: 1, DW: far, Groups: 1},
	} {
		if oh, ow := p.Out(); !p.direct() || oh*ow == 0 {
			t.Errorf("%+v has %d×%d outputs, direct %v", p, oh, ow, p.direct())
		}
		testConv(t, p, "normal", 2)
	}
	if p := square(64, 64, 7, 7, 64, 3, 2, 1, 1, 1); p.direct() {
		t.Errorf("%+v is taken for odd", p)
	}
}

// TestConvOfAnyShape draws shapes.
func TestConvOfAnyShape(t *testing.T) {
	r := rng.New(5, "shapes")
	for i := range 100 {
		groups := 1 + r.Intn(3)*r.Intn(2)
		p := Conv{N: 1 + r.Intn(10), C: groups * (1 + r.Intn(9)), H: 1 + r.Intn(12), W: 1 + r.Intn(20), O: groups * (1 + r.Intn(9)),
			KH: 1 + r.Intn(4), KW: 1 + r.Intn(4), SH: 1 + r.Intn(3), SW: 1 + r.Intn(3), PT: r.Intn(4), PL: r.Intn(4), PB: r.Intn(4), PR: r.Intn(4),
			DH: 1 + r.Intn(2), DW: 1 + r.Intn(2), Groups: groups}
		testConv(t, p, kinds[i%len(kinds)], 1+r.Intn(4))
	}
}

func testConv(t *testing.T, p Conv, kind string, workers int) {
	t.Helper()
	oh, ow := p.Out()
	r := rng.New(1, "conv", kind, fmt.Sprint(p))
	x, w := fill(r, kind, p.N*p.C*p.H*p.W), fill(r, kind, p.O*(p.C/p.Groups)*p.KH*p.KW)
	dy, bias := fill(r, kind, p.N*p.O*oh*ow), fill(r, kind, p.O)
	if r.Intn(3) == 0 {
		bias = nil
	}
	compare := func(name string, n int, kernel, reference func(result []float32)) {
		want := make([]float32, n)
		reference(want)
		eachImplementation(func() {
			got, check := guarded(n)
			kernel(got)
			if err := sameBits(got, want); err != nil {
				t.Fatalf("%s %s %+v, %s, %d workers: %v", tiles.name, name, p, kind, workers, err)
			}
			if err := check(); err != nil {
				t.Fatalf("%s %s %+v: %v", tiles.name, name, p, err)
			}
		})
	}
	compare("ConvForward", len(dy), func(y []float32) { ConvForward(workers, p, x, w, bias, y) },
		func(y []float32) { forwardDirect(3, p, x, w, bias, y) })
	compare("ConvBackwardInput", len(x), func(dx []float32) { ConvBackwardInput(workers, p, w, dy, dx) },
		func(dx []float32) {
			if oh*ow > 0 {
				backwardInputDirect(3, p, w, dy, dx)
			}
		})
	compare("ConvBackwardWeight", len(w), func(dw []float32) { ConvBackwardWeight(workers, p, x, dy, dw) },
		func(dw []float32) { backwardWeightDirect(3, p, x, dy, dw) })
}
