package exec

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
)

func forward(t *testing.T, p *Program, in map[string]*Array, mode Mode) *Tape {
	t.Helper()
	tape, err := p.Forward(context.Background(), in, mode)
	if err != nil {
		t.Fatal(err)
	}
	return tape
}

func back(t *testing.T, tape *Tape, seeds map[string]*Array, names ...string) map[string]*Array {
	t.Helper()
	grads, err := tape.Backward(context.Background(), seeds, names)
	if err != nil {
		t.Fatal(err)
	}
	return grads
}

func wantFloats(t *testing.T, what string, got *Array, want ...float32) {
	t.Helper()
	if !slices.Equal(got.Float32s(), want) {
		t.Errorf("%s is %v; it should be %v", what, got.Float32s(), want)
	}
}

// TestBackwardAddsUp: x is read twice by one node, its sum by two, and an inner value's gradient is asked for as well.
func TestBackwardAddsUp(t *testing.T) {
	b := build.New("sums", 17)
	x := b.Input("x", ir.Float32, 2)
	s := b.Op("Add", "s", []string{x, x})
	r := b.Op("Relu", "r", []string{s})
	b.Op("Add", "y", []string{r, s})
	b.Op("Neg", "z", []string{s})
	b.Output("y_out", ir.Float32)
	b.Output("z_out", ir.Float32)
	p := compile(t, b.Model(), Options{})
	tape := forward(t, p, map[string]*Array{"x": FromFloats([]float32{1, -1}, 2)}, Train)
	one := FromFloats([]float32{1, 1}, 2)
	seeds := map[string]*Array{"y_out": one, "z_out": FromFloats([]float32{10, 10}, 2)}
	for range 2 { // twice: a tape is not used up
		g := back(t, tape, seeds, "x", "s_out", "r_out", "y_out")
		wantFloats(t, "dy", g["y_out"], 1, 1)
		wantFloats(t, "dr", g["r_out"], 1, 1)
		wantFloats(t, "ds", g["s_out"], 1+1-10, 0+1-10)
		wantFloats(t, "dx", g["x"], -16, -18)
	}
	wantFloats(t, "the seed", one, 1, 1)

	g := back(t, tape, map[string]*Array{"s_out": one}, "x", "r_out")
	wantFloats(t, "dx from an inner seed", g["x"], 2, 2)
	wantFloats(t, "dr, on which no seed hangs", g["r_out"], 0, 0)
}

func TestBackwardRefuses(t *testing.T) {
	p := compile(t, doubler(), Options{})
	in := map[string]*Array{"x": NewArray(ir.Float32, 1, 2)}
	tape := forward(t, p, in, Train)
	ctx := context.Background()
	ok := map[string]*Array{"y_out": NewArray(ir.Float32, 1, 2)}
	for _, c := range []struct {
		seeds map[string]*Array
		names []string
		want  string
	}{
		{map[string]*Array{"y": nil}, nil, `seed "y" is not a value of the model`},
		{map[string]*Array{"y_out": NewArray(ir.Float32, 2, 2)}, nil, `seed "y_out" is float32 [2 2]; the value's gradient is float32 [1 2]`},
		{ok, []string{"w"}, `cannot take the gradient of "w"`},
	} {
		if _, err := tape.Backward(ctx, c.seeds, c.names); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v; want %s", err, c.want)
		}
	}
	forward(t, p, in, Train)
	if _, err := tape.Backward(ctx, ok, nil); err == nil || !strings.Contains(err.Error(), "released") {
		t.Errorf("a tape from before the last Forward gives %v", err)
	}
	if tape.Value("y_out") != nil {
		t.Error("a released tape still has values")
	}
	if _, err := forward(t, p, in, Infer).Backward(ctx, ok, nil); err == nil {
		t.Error("gradients after mode Infer")
	}
}

func TestGradientThatDoesNotExist(t *testing.T) {
	m, in := node("ReduceProd", 17, nil, NewArray(ir.Float32, 2, 3))
	p := compile(t, m, Options{})
	tape := forward(t, p, in, Train)
	_, err := tape.Backward(context.Background(), map[string]*Array{"n_out": NewArray(ir.Float32, 1, 1)}, []string{"in0"})
	if err == nil || !strings.Contains(err.Error(), "operator ReduceProd (node n) cannot be run here: it has no gradient") {
		t.Errorf("got %v", err)
	}
}

// TestTrainNorm: outputs use the batch's statistics, running ones move by 1 − momentum, and gradients are those of a
// node in training mode.
func TestTrainNorm(t *testing.T) {
	b := build.New("norm", 17)
	x := b.Input("x", ir.Float32, "n", 2, 2)
	b.BatchNorm("bn", x, 2)
	m := b.Model()
	out := m.Graph.Nodes[0].Outputs[0]
	m.Graph.Outputs = []*ir.Value{{Name: out}}
	mean, variance := m.Graph.Nodes[0].Inputs[3], m.Graph.Nodes[0].Inputs[4]
	p := compile(t, m, Options{})
	data := []float32{1, 2, 10, 20, 3, 6, 30, 40}
	in := map[string]*Array{"x": FromFloats(data, 2, 2, 2)}

	forward(t, p, in, Train)
	wantFloats(t, "the mean after Train", p.Param(mean), 0, 0)
	tape := forward(t, p, in, TrainNorm)
	momentum := m.Graph.Nodes[0].Float("momentum", 0.9)
	for i, want := range [][2]float64{{3, 3.5}, {25, 125}} {
		gotMean, gotVar := p.Param(mean).Float32s()[i], p.Param(variance).Float32s()[i]
		if wm, wv := want[0]*(1-float64(momentum)), float64(momentum)+want[1]*(1-float64(momentum)); math.Abs(float64(gotMean)-wm) > 1e-5 || math.Abs(float64(gotVar)-wv) > 1e-4 {
			t.Errorf("channel %d: running mean %v and variance %v; want %v and %v", i, gotMean, gotVar, wm, wv)
		}
	}
	y := tape.Value(out).Float32s()
	if sum := y[0] + y[1] + y[4] + y[5]; math.Abs(float64(sum)) > 1e-5 {
		t.Errorf("channel 0 has mean %v after normalization", sum/4)
	}
	seed := FromFloats([]float32{1, -2, 3, 1, 0.5, 2, -1, 4}, 2, 2, 2)
	dx := back(t, tape, map[string]*Array{out: seed}, "x")["x"].Float32s()
	own := m.Clone()
	own.Graph.Nodes[0].SetAttr(ir.IntAttr("training_mode", 1))
	q := compile(t, own, Options{})
	other := back(t, forward(t, q, in, Train), map[string]*Array{out: seed}, "x")["x"].Float32s()
	if !slices.Equal(dx, other) {
		t.Errorf("gradient %v; a node in training mode gives %v", dx, other)
	}
}

// TestFakeQuantization: gradients pass QuantizeLinear and DequantizeLinear straight where codes are in range; that of
// the scale is Learned Step Size Quantization's.
func TestFakeQuantization(t *testing.T) {
	b := build.New("fake", 17)
	x := b.Input("x", ir.Float32, 6)
	scale := b.Floats("scale", nil, 0.5)
	zero := b.Tensor(ir.NewTensor("zero", ir.Int8, nil, []byte{3}))
	q := b.Op("QuantizeLinear", "q", []string{x, scale, zero})
	b.Op("DequantizeLinear", "y", []string{q, scale, zero})
	b.Output("y_out", ir.Float32)
	p := compile(t, b.Model(), Options{})
	in := []float32{0.2, 0.3, -1.1, 62, 62.3, -70}
	tape := forward(t, p, map[string]*Array{"x": FromFloats(in, 6)}, Train)
	wantFloats(t, "y", tape.Value("y_out"), 0, 0.5, -1, 62, 62, -65.5)
	g := back(t, tape, map[string]*Array{"y_out": FromFloats([]float32{1, 2, 3, 4, 5, 6}, 6)}, "x", "scale", "q_out")
	wantFloats(t, "dx", g["x"], 1, 2, 3, 4, 0, 0)
	wantFloats(t, "dq", g["q_out"], 1, 2, 3, 4, 5, 6)
	want := 1*(0-0.4) + 2*(1-0.6) + 3*(-2+2.2) + 4*0.0 + 5*124 + 6*(-131)
	if got := float64(g["scale"].Float32s()[0]); math.Abs(got-want) > 1e-3 {
		t.Errorf("dscale is %v; it should be %v", got, want)
	}
	if len(p.Trainable()) != 0 {
		t.Errorf("training would move %v", p.Trainable())
	}
}

func TestWhereGradient(t *testing.T) {
	cond := NewArray(ir.Bool, 2, 1)
	cond.Bools()[1] = true
	m, in := node("Where", 17, nil, cond, NewArray(ir.Float32, 2, 3), NewArray(ir.Float32, 3))
	p := compile(t, m, Options{})
	g := back(t, forward(t, p, in, Train), map[string]*Array{"n_out": FromFloats([]float32{1, 2, 3, 4, 5, 6}, 2, 3)}, "in1", "in2")
	wantFloats(t, "dx", g["in1"], 0, 0, 0, 4, 5, 6)
	wantFloats(t, "dy", g["in2"], 1, 2, 3)
}

func TestStore(t *testing.T) {
	m := residualOf(8, []int{2}, 1)
	p := compile(t, m, Options{})
	name := p.Trainable()[0]
	p.Param(name).Float32s()[0] = 42
	c := m.Clone()
	before := map[string]*ir.Tensor{}
	for _, w := range m.Graph.Tensors() {
		before[w.Name] = w
	}
	if err := p.Store(c); err != nil {
		t.Fatal(err)
	}
	for _, w := range c.Graph.Tensors() {
		if (w != before[w.Name]) != (w.Name == name) {
			t.Errorf("tensor %s: stored anew: %v", w.Name, w != before[w.Name])
		}
	}
	if v, err := c.Graph.Tensor(name).Float32s(); err != nil || v[0] != 42 {
		t.Errorf("%v %v", v[:1], err)
	}
	if v, _ := m.Graph.Tensor(name).Float32s(); v[0] == 42 {
		t.Error("training touched the model itself")
	}
	if err := p.SetParam(name, NewArray(ir.Float32, 1)); err == nil || !strings.Contains(err.Error(), "cannot be set") {
		t.Errorf("SetParam of another shape: %v", err)
	}
	p.Param(name).Float32s()[0] = 43
	c.Graph.RemoveTensor(name)
	if err := p.Store(c); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("Store into a model without the tensor: %v", err)
	}
}

func TestLayerWeight(t *testing.T) {
	b := build.New("codes", 17)
	x := b.Input("x", ir.Float32, "n", 2)
	w := b.Tensor(ir.NewTensor("w.weight", ir.Int8, []int{2, 2}, []byte{1, 2, 3, 0xff}))
	s := b.Floats("scale", []int{2}, 0.5, 2)
	y := b.Op("Gemm", "fc", []string{x, b.Op("DequantizeLinear", "dq", []string{w, s}, ir.IntAttr("axis", 0))}, ir.IntAttr("transB", 1))
	b.Output(y, ir.Float32)
	m := b.Model()
	l := m.Layers()[0]
	got, err := LayerWeight(m, l)
	if err != nil {
		t.Fatal(err)
	}
	if want := []float32{0.5, 1, 6, -2}; !slices.Equal(got, want) {
		t.Errorf("weight %v; it should be %v", got, want)
	}
}
