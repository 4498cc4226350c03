package exec

import (
	"math"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
)

// linear is y = x·w + b with two inputs and one output.
func linear() *ir.Model {
	b := build.New("linear", 17)
	x := b.Input("x", ir.Float32, "n", 2)
	b.Op("Gemm", "y", []string{x, b.Floats("w", []int{2, 1}, 1, -2), b.Floats("b", []int{1}, 0.5)})
	b.Output("y_out", ir.Float32)
	return b.Model()
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-6*(1+math.Abs(want)) {
		t.Errorf("%s is %v; it should be %v", what, got, want)
	}
}

func move(t *testing.T, o Optimizer, p *Program, g ...float32) {
	t.Helper()
	grads := map[string]*Array{"w": FromFloats(g[:2], 2, 1), "b": FromFloats(g[2:], 1)}
	if err := o.Step(p, grads, 1); err != nil {
		t.Fatal(err)
	}
}

func TestSGD(t *testing.T) {
	p := compile(t, linear(), Options{})
	o := &SGD{LearningRate: 0.1, Momentum: 0.5, WeightDecay: 0.1, Masks: Masks{"w": {true, false}}}
	move(t, o, p, 1, 1, 1)
	move(t, o, p, 1, 1, 1)
	v := 1 + 0.1*1.0
	w := 1 - 0.1*v
	v = 0.5*v + 1 + 0.1*w
	w -= 0.1 * v
	near(t, "w[0]", float64(p.Param("w").Float32s()[0]), w)
	near(t, "w[1], which is masked", float64(p.Param("w").Float32s()[1]), 0)
	near(t, "b, which does not decay", float64(p.Param("b").Float32s()[0]), 0.5-0.1-0.1*1.5)

	p = compile(t, linear(), Options{})
	n := &SGD{LearningRate: 0.1, Momentum: 0.5, Nesterov: true, WeightDecay: 0.1, DecayVectors: true}
	move(t, n, p, 1, 1, 1)
	g := 1 + 0.1*0.5
	near(t, "b with Nesterov and decay", float64(p.Param("b").Float32s()[0]), 0.5-0.1*(g+0.5*g))
}

func TestAdamW(t *testing.T) {
	p := compile(t, linear(), Options{})
	o := &AdamW{LearningRate: 0.1, WeightDecay: 0.2}
	w, m, v := 1.0, 0.0, 0.0
	for k := 1; k <= 3; k++ {
		g := float64(k) - 1.5
		move(t, o, p, float32(g), 0, 1)
		m, v = 0.9*m+0.1*g, 0.999*v+0.001*g*g
		w = w - 0.1*(m/(1-math.Pow(0.9, float64(k)))/(math.Sqrt(v/(1-math.Pow(0.999, float64(k))))+1e-8)) - 0.1*0.2*w
	}
	near(t, "w[0]", float64(p.Param("w").Float32s()[0]), w)
	near(t, "b, which does not decay", float64(p.Param("b").Float32s()[0]), 0.5-0.3)
}

func TestOptimizersRefuse(t *testing.T) {
	p := compile(t, linear(), Options{})
	for _, c := range []struct {
		grads map[string]*Array
		masks Masks
		want  string
	}{
		{map[string]*Array{"y_out": NewArray(ir.Float32, 1)}, nil, `"y_out" is not a parameter`},
		{map[string]*Array{"w": NewArray(ir.Float32, 2)}, nil, `the gradient of "w" is float32 [2]; the parameter is float32 [2 1]`},
		{map[string]*Array{"w": NewArray(ir.Float32, 2, 1)}, Masks{"w": {true}}, `the mask of "w" has 1 elements for 2 weights`},
	} {
		if err := (&SGD{Masks: c.masks}).Step(p, c.grads, 1); err == nil || err.Error() != c.want {
			t.Errorf("got %v; want %s", err, c.want)
		}
	}
	if err := (Masks{"w": {false, true}}).Apply(p); err != nil {
		t.Fatal(err)
	}
	wantFloats(t, "w", p.Param("w"), 0, -2)
}

func TestSchedules(t *testing.T) {
	for _, c := range []struct {
		name string
		s    Schedule
		want []float64 // from step 0
	}{
		{"constant", Constant(), []float64{1, 1, 1}},
		{"linear", Linear(4), []float64{1, 0.75, 0.5, 0.25, 0, 0}},
		{"cosine", Cosine(4), []float64{1, 0.5 + math.Sqrt2/4, 0.5, 0.5 - math.Sqrt2/4, 0, 0}},
		{"steps", StepDecay(2, 0.1), []float64{1, 1, 0.1, 0.1, 0.01}},
		{"warm-up", Warmup(3, Linear(2)), []float64{0.25, 0.5, 0.75, 1, 0.5, 0}},
		{"nothing", Cosine(0), []float64{0}},
	} {
		for step, want := range c.want {
			if got := c.s(step); math.Abs(got-want) > 1e-15 {
				t.Errorf("%s at step %d is %v; it should be %v", c.name, step, got, want)
			}
		}
	}
}

// TestLosses compares values with the formulas in float64 and gradients with differences.
func TestLosses(t *testing.T) {
	z := FromFloats([]float32{0.3, -1.2, 2, 0.1, 0.2, -0.4}, 2, 3)
	u := FromFloats([]float32{1.3, -0.2, 0.5, 3, -1, -1}, 2, 3)
	prob := func(a *Array, i, k int, temperature float64) float64 {
		sum := 0.0
		for j := range 3 {
			sum += math.Exp(float64(a.Float32s()[3*i+j]) / temperature)
		}
		return math.Exp(float64(a.Float32s()[3*i+k])/temperature) / sum
	}
	for _, c := range []struct {
		name string
		loss func() (float64, *Array, error)
		want float64
	}{
		{"cross entropy", func() (float64, *Array, error) {
			l, per, g, err := CrossEntropy(z, []int{2, 0})
			near(t, "the mean", l, (per[0]+per[1])/2)
			return l, g, err
		}, -(math.Log(prob(z, 0, 2, 1)) + math.Log(prob(z, 1, 0, 1))) / 2},
		{"soft KL", func() (float64, *Array, error) { return SoftKL(z, u, 2) }, func() float64 {
			sum := 0.0
			for i := range 2 {
				for k := range 3 {
					sum += prob(u, i, k, 2) * math.Log(prob(u, i, k, 2)/prob(z, i, k, 2))
				}
			}
			return 4 * sum / 2
		}()},
		{"mse", func() (float64, *Array, error) { return MSE(z, u) }, func() float64 {
			sum := 0.0
			for k := range 6 {
				d := float64(z.Float32s()[k]) - float64(u.Float32s()[k])
				sum += d * d
			}
			return sum / 6
		}()},
	} {
		loss, g, err := c.loss()
		if err != nil {
			t.Fatal(err)
		}
		near(t, c.name, loss, c.want)
		for k := range z.Float32s() {
			const h = 1.0 / 1024
			old := z.Float32s()[k]
			z.Float32s()[k] = old + h
			up, _, _ := c.loss()
			z.Float32s()[k] = old - h
			down, _, _ := c.loss()
			z.Float32s()[k] = old
			if got, want := float64(g.Float32s()[k]), (up-down)/(2*h); math.Abs(got-want) > 1e-5 {
				t.Errorf("%s: gradient %d is %v; differences say %v", c.name, k, got, want)
			}
		}
	}
}

// TestLossesOfExtremes: logits far apart overflow nothing.
func TestLossesOfExtremes(t *testing.T) {
	z := FromFloats([]float32{1e4, -1e4}, 1, 2)
	loss, _, g, err := CrossEntropy(z, []int{1})
	if err != nil || loss != 2e4 {
		t.Errorf("loss %v, %v", loss, err)
	}
	wantFloats(t, "the gradient", g, 1, -1)
	if loss, g, err := SoftKL(z, FromFloats([]float32{-1e4, 1e4}, 1, 2), 1); err != nil || loss != 2e4 || g.Float32s()[0] != 1 {
		t.Errorf("loss %v, gradient %v, %v", loss, g.Float32s(), err)
	}
}

func TestLossesRefuse(t *testing.T) {
	z := NewArray(ir.Float32, 2, 3)
	_, _, _, few := CrossEntropy(z, []int{1})
	_, _, _, high := CrossEntropy(z, []int{1, 3})
	_, _, _, rank := CrossEntropy(NewArray(ir.Float32, 6), []int{1})
	_, _, cold := SoftKL(z, z, 0)
	_, _, other := SoftKL(z, NewArray(ir.Float32, 2, 2), 1)
	_, _, shapes := MSE(z, NewArray(ir.Float32, 6))
	for _, c := range []struct {
		err  error
		want string
	}{
		{few, "1 labels for 2 samples"},
		{high, "label 3 of sample 1 is none of the 3 classes"},
		{rank, "must be float32 [samples, classes]"},
		{cold, "temperature is 0; it must be above 0"},
		{other, "the teacher's logits are float32 [2 2]"},
		{shapes, "the target float32 [6]"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("got %v; want %s", c.err, c.want)
		}
	}
}
