package prune_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
	"github.com/pare-ml/pare/internal/dataset"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/passes/passtest"
	"github.com/pare-ml/pare/passes/prune"
)

// one is a model of one linear layer y = x·w, for arithmetic that can be checked by eye.
func one(in, out int, w ...float32) *ir.Model {
	b := build.New("one", 17)
	x := b.Input("x", ir.Float32, "batch", in)
	y := b.Op("MatMul", "fc", []string{x, b.Floats("fc.weight", []int{in, out}, w...)})
	b.Output(y, ir.Float32, "batch", out)
	return b.Model()
}

func weights(t *testing.T, m *ir.Model, name string) []float32 {
	t.Helper()
	w, err := m.Graph.Tensor(name).Float32s()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestMasks(t *testing.T) {
	for _, c := range []struct {
		name, params string
		model        *ir.Model
		want, did    string
	}{
		{"half of the weights, smallest first", "sparsity: 50%", one(2, 2, 3, -1, 2, -4), "[3 0 0 -4]", "50.0% of 4 weights zero"},
		{"equal weights go by index", "sparsity: 0.5", one(2, 2, 1, -1, 1, 1), "[0 0 1 1]", "50.0% of 4 weights zero"},
		{"ties of the count go to even", "sparsity: 0.5", one(1, 5, 5, 4, 3, 2, 1), "[5 4 3 0 0]", "40.0% of 5 weights zero"},
		{"never all", "sparsity: 0.99", one(1, 4, 1, 2, 3, 4), "[0 0 0 4]", "75.0% of 4 weights zero"},
		{"zeros count and go first", "{sparsity: 0.5, criterion: random}", one(1, 4, 1, 0, 0, 4), "[1 0 0 4]", "50.0% of 4 weights zero"},
		// Outputs are columns here: of each, the smaller goes, though 3 is larger than both of the other column.
		{"row by row", "{sparsity: 0.5, scope: row}", one(2, 2, 3, 1, 4, 2), "[0 0 4 2]", "50.0% of 4 weights zero"},
		{"two of four along the inputs", "{sparsity: 0.5, structure: n_m}", one(4, 2, 1, 8, 2, 7, 3, 6, 4, 5), "[0 8 0 7 3 0 4 0]",
			"50.0% of 8 weights zero, 2 of every 4 kept"},
		{"one of three", "{sparsity: 0.667, structure: n_m, n: 1, m: 3}", one(3, 1, 1, 3, 2), "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := passtest.Try(t, prune.Pass, c.model, passtest.Step{Params: c.params})
			if c.want == "" {
				if err == nil || !strings.Contains(err.Error(), "sparsity of 0.6667; sparsity says 0.667") {
					t.Fatal(err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(weights(t, r.Model, "fc.weight")); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			e := r.Effect(t, "fc")
			if e.Did != c.did || r.Foreseen[0].Did != c.did && !strings.Contains(c.name, "ties") {
				t.Errorf("did %q (foreseen %q), want %q", e.Did, r.Foreseen[0].Did, c.did)
			}
		})
	}
}

func TestRemainderOfGroups(t *testing.T) {
	r, err := passtest.Try(t, prune.Pass, one(6, 1, 1, 2, 3, 4, 6, 5), passtest.Step{Params: "{sparsity: 0.5, structure: n_m}"})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(weights(t, r.Model, "fc.weight")); got != "[0 0 3 4 6 0]" {
		t.Errorf("got %s", got)
	}
	if len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Message, "6 input channels; the last 2") {
		t.Errorf("problems are %v", r.Problems)
	}
}

func TestGlobalScope(t *testing.T) {
	m := passtest.ResNet()
	r := passtest.Run(t, prune.Pass, m, passtest.Step{Params: "{sparsity: 0.5, scope: global}",
		Overrides: []passtest.Override{{Layers: []string{"head"}, Set: "sparsity: 0"}}})
	zero, all := 0, 0
	shares := map[string]bool{}
	for _, e := range r.Effects {
		if e.Layer == "head" {
			if e.To.Zeros != 0 || e.Why != "its sparsity is 0" {
				t.Errorf("head: %+v", e)
			}
			continue
		}
		zero += e.To.Zeros
		all += r.Model.Graph.Tensor(e.Layer + ".weight").Len()
		shares[e.Did] = true
	}
	if zero != all/2 || len(shares) < 3 {
		t.Errorf("%d of %d weights are zero, in shares %v", zero, all, shares)
	}
}

func TestFilters(t *testing.T) {
	for _, c := range []struct {
		name, params string
		overrides    []passtest.Override
		want         string
	}{
		{"a residual stream goes as one", "{sparsity: 0.25, structure: filter}", nil, `
stem.conv: 2 of 8 filters removed; stem.norm stage1.block1.conv1 stage1.block1.conv2 stage1.block1.norm2 stage1.block2.conv1 stage1.block2.conv2 stage1.block2.norm2 stage2.block1.conv1 stage2.block1.short
stage1.block1.conv1: 2 of 8 filters removed; stage1.block1.norm1 stage1.block1.conv2
stage1.block1.conv2: 2 of 8 filters removed; stem.conv stem.norm stage1.block1.conv1 stage1.block1.norm2 stage1.block2.conv1 stage1.block2.conv2 stage1.block2.norm2 stage2.block1.conv1 stage2.block1.short
stage1.block2.conv1: 2 of 8 filters removed; stage1.block2.norm1 stage1.block2.conv2
stage1.block2.conv2: 2 of 8 filters removed; stem.conv stem.norm stage1.block1.conv1 stage1.block1.conv2 stage1.block1.norm2 stage1.block2.conv1 stage1.block2.norm2 stage2.block1.conv1 stage2.block1.short
stage2.block1.conv1: 4 of 16 filters removed; stage2.block1.norm1 stage2.block1.conv2
stage2.block1.conv2: 4 of 16 filters removed; stage2.block1.norm2 stage2.block1.short stage2.block1.shortnorm stage2.block2.conv1 stage2.block2.conv2 stage2.block2.norm2 head
stage2.block1.short: 4 of 16 filters removed; stage2.block1.conv2 stage2.block1.norm2 stage2.block1.shortnorm stage2.block2.conv1 stage2.block2.conv2 stage2.block2.norm2 head
stage2.block2.conv1: 4 of 16 filters removed; stage2.block2.norm1 stage2.block2.conv2
stage2.block2.conv2: 4 of 16 filters removed; stage2.block1.conv2 stage2.block1.norm2 stage2.block1.short stage2.block1.shortnorm stage2.block2.conv1 stage2.block2.norm2 head
head: nothing, its outputs cannot be cut: the model's output "logits" shows them
`},
		{"a ratio for each layer, rounded to four", "{sparsity: 0, structure: filter, round_to: 4}", []passtest.Override{
			{Layers: []string{"stage1.block1.conv1"}, Set: "sparsity: 0.4"},
			{Layers: []string{"stage2.block1.conv1"}, Set: "sparsity: 30%"},
			{Layers: []string{"stage2.block2.conv1"}, Set: "sparsity: 10%"},
		}, `
stem.conv: nothing, its sparsity is 0
stage1.block1.conv1: nothing, 40.0% of 8 is 3; a multiple of round_to 4 stays, which is all
stage1.block1.conv2: nothing, its sparsity is 0
stage1.block2.conv1: nothing, its sparsity is 0
stage1.block2.conv2: nothing, its sparsity is 0
stage2.block1.conv1: 4 of 16 filters removed; stage2.block1.norm1 stage2.block1.conv2
stage2.block1.conv2: nothing, its sparsity is 0
stage2.block1.short: nothing, its sparsity is 0
stage2.block2.conv1: nothing, 10.0% of 16 is 2; a multiple of round_to 4 stays, which is all
stage2.block2.conv2: nothing, its sparsity is 0
head: nothing, its sparsity is 0
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := passtest.Run(t, prune.Pass, passtest.ResNet(), passtest.Step{Params: c.params, Overrides: c.overrides})
			if got, want := text(r.Effects), strings.TrimPrefix(c.want, "\n"); got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
			if got, want := text(r.Foreseen), text(r.Effects); got != want {
				t.Errorf("foreseen\n%shappened\n%s", got, want)
			}
		})
	}
}

func text(effects []passes.Effect) string {
	var b strings.Builder
	for _, e := range effects {
		fmt.Fprintf(&b, "%s: ", e.Layer)
		if e.Did == "" {
			b.WriteString("nothing, ")
		}
		b.WriteString(e.Did + e.Why)
		if len(e.Carried) > 0 {
			b.WriteString("; " + strings.Join(e.Carried, " "))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// The layers that a step does not treat follow all the same, and say with whom.
func TestUntreatedLayersFollow(t *testing.T) {
	r := passtest.Run(t, prune.Pass, passtest.ResNet(), passtest.Step{
		Params: "{sparsity: 0.5, structure: filter}", Layers: []string{"stage2.block1.conv2"}})
	e := r.Effect(t, "stage2.block2.conv2")
	if e.Did != "8 of 16 filters removed" || e.Why != "it shares its channels with stage2.block1.conv2" {
		t.Errorf("%+v", e)
	}
}

func TestRemovedEqualsZeroed(t *testing.T) {
	m := passtest.ResNet()
	data := map[string]dataset.Set{"train": passtest.Samples(40, 1, 8, 8)}
	for _, criterion := range []string{"magnitude", "l2", "taylor", "apoz", "mean_activation", "bn_scale", "random"} {
		t.Run(criterion, func(t *testing.T) {
			params := "sparsity: 40%\nstructure: filter\ncriterion: " + criterion + "\n"
			if criterion == "taylor" || criterion == "apoz" || criterion == "mean_activation" {
				params += "data: train\n"
			}
			removed := passtest.Run(t, prune.Pass, m, passtest.Step{Params: params, Data: data})
			zeroed := passtest.Run(t, prune.Pass, m, passtest.Step{Params: params + "remove: false\n", Data: data})
			got, want := outputs(t, removed.Model), outputs(t, zeroed.Model)
			for i := range want {
				if math.Abs(float64(got[i]-want[i])) > 1e-5 {
					t.Fatalf("output %d is %v; the zeroed model gives %v", i, got[i], want[i])
				}
			}
			e := zeroed.Effect(t, "stem.conv")
			if !strings.HasSuffix(e.Did, "of 8 filters zero") || e.To.Zeros == 0 || e.To.Params != e.From.Params {
				t.Errorf("%+v", e)
			}
			if f := zeroed.Foreseen[0]; f.To.Zeros != e.To.Zeros {
				t.Errorf("%d zeros foreseen, %d there", f.To.Zeros, e.To.Zeros)
			}
		})
	}
}

func outputs(t *testing.T, m *ir.Model) []float32 {
	t.Helper()
	x, _, err := passtest.Samples(6, 1, 8, 8).Batch([]int{0, 1, 2, 3, 4, 5})
	if err != nil {
		t.Fatal(err)
	}
	return passtest.Outputs(t, m, x)
}

func TestCriteria(t *testing.T) {
	m := passtest.ResNet()
	keeps := func(params string, seed uint64, data ...dataset.Set) string {
		t.Helper()
		s := passtest.Step{Params: "{sparsity: 0.5, structure: filter, " + params + "}", Seed: seed, Data: map[string]dataset.Set{}}
		for _, d := range data {
			s.Data["d"] = d
		}
		return fmt.Sprint(weights(t, passtest.Run(t, prune.Pass, m, s).Model, "stage1.block1.norm1.bias"))
	}
	t.Run("random is seeded", func(t *testing.T) {
		a, b, c := keeps("criterion: random", 1), keeps("criterion: random", 1), keeps("criterion: random", 2)
		if a != b || a == c {
			t.Errorf("seed 1: %s and %s; seed 2: %s", a, b, c)
		}
	})
	t.Run("bn_scale keeps the largest scales", func(t *testing.T) {
		scale, bias := weights(t, m, "stage1.block1.norm1.weight"), weights(t, m, "stage1.block1.norm1.bias")
		var want []float32
		for i, v := range scale {
			above := 0
			for _, u := range scale {
				if u > v {
					above++
				}
			}
			if above < 4 {
				want = append(want, bias[i])
			}
		}
		if got := keeps("criterion: bn_scale", 0); got != fmt.Sprint(want) {
			t.Errorf("kept %s, want %v", got, want)
		}
	})
	t.Run("a filter that is never active goes by apoz and mean_activation", func(t *testing.T) {
		data := passtest.Samples(32, 1, 8, 8)
		bias := append([]float32(nil), weights(t, m, "stage1.block1.norm1.bias")...)
		bias[2] = -100
		m := m.Clone()
		m.Graph.SetTensor(ir.FromFloat32s("stage1.block1.norm1.bias", []int{8}, bias))
		for _, criterion := range []string{"apoz", "mean_activation"} {
			r := passtest.Run(t, prune.Pass, m, passtest.Step{Params: "{sparsity: 0.1, structure: filter, data: d, criterion: " + criterion + "}",
				Layers: []string{"stage1.block1.conv1"}, Data: map[string]dataset.Set{"d": data}})
			want := append(append([]float32(nil), bias[:2]...), bias[3:]...)
			if got := weights(t, r.Model, "stage1.block1.norm1.bias"); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s keeps %v, want %v", criterion, got, want)
			}
		}
	})
	t.Run("taylor beats its reverse", func(t *testing.T) {
		data := passtest.Samples(64, 1, 8, 8)
		drift := func(criterion string) float64 {
			r := passtest.Run(t, prune.Pass, m, passtest.Step{Params: "{sparsity: 0.5, " + criterion + "}", Data: map[string]dataset.Set{"d": data}})
			a, b := outputs(t, m), outputs(t, r.Model)
			sum := 0.0
			for i := range a {
				sum += math.Abs(float64(a[i] - b[i]))
			}
			return sum
		}
		if a, b := drift("criterion: taylor, data: d"), drift("criterion: random"); a > b {
			t.Errorf("taylor drifts by %v, chance by %v", a, b)
		}
	})
}

func TestRefusals(t *testing.T) {
	resnet := passtest.ResNet()
	nan := one(1, 2, float32(math.NaN()), 1)
	swish := func() *ir.Model {
		b := build.New("swish", 17)
		x := b.Input("x", ir.Float32, "batch", 2, 4, 4)
		y := b.Op("HardSwish", "", []string{b.Conv("a", x, build.Conv{In: 2, Out: 4, Kernel: 1})})
		b.Output(b.Conv("b", y, build.Conv{In: 4, Out: 2, Kernel: 1}), ir.Float32, "batch", 2, 4, 4)
		return b.Model()
	}()
	for _, c := range []struct {
		name      string
		model     *ir.Model
		params    string
		overrides []passtest.Override
		want      string
	}{
		{"everything", resnet, "sparsity: 1.0", nil, "sparsity is 1"},
		{"nothing said", resnet, "criterion: l2", nil, "sparsity"},
		{"apoz of weights", resnet, "{sparsity: 0.5, criterion: apoz, data: d}", nil, "criterion apoz ranks whole filters; it needs structure: filter, not unstructured"},
		{"taylor without data", resnet, "{sparsity: 0.5, criterion: taylor}", nil, "criterion taylor is measured on data; add data: with the name of a data set"},
		{"n above m", resnet, "{sparsity: 0.5, structure: n_m, n: 4, m: 2}", nil, "n is 4 and m is 2"},
		{"rows of filters", resnet, "{sparsity: 0.5, structure: filter, scope: row}", nil, "scope row ranks the single weights of a row"},
		{"global removal", resnet, "{sparsity: 0.5, structure: filter, scope: global}", nil, "would leave the shapes unknown"},
		{"round_to of weights", resnet, "{sparsity: 0.5, round_to: 8}", nil, "round_to belongs to structure: filter"},
		{"data for nothing", resnet, "{sparsity: 0.5, data: d}", nil, "criterion magnitude needs no data"},
		{"not a number", nan, "sparsity: 0.5", nil, `tensor "fc.weight": 1 of its 2 weights are NaN or infinite; they cannot be ranked`},
		{"a stream with two ratios", resnet, "{sparsity: 0.5, structure: filter}", []passtest.Override{{Layers: []string{"stage1.block2.conv2"}, Set: "sparsity: 0.25"}},
			"layers stem.conv and stage1.block2.conv2 share their channels, so they are cut together; sparsity is 0.5 for one and 0.25 for the other: give both the same"},
		{"two structures", resnet, "{sparsity: 0.5, structure: filter}", []passtest.Override{{Layers: []string{"head"}, Set: "{structure: unstructured}"}},
			"structure is filter for layer stem.conv and unstructured for head; make them two steps"},
		{"two criteria, ranked globally", resnet, "{sparsity: 0.5, scope: global}", []passtest.Override{{Layers: []string{"head"}, Set: "{criterion: random}"}},
			"scope global ranks all layers of the step together, but criterion is magnitude for stem.conv and random for head"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := passtest.Try(t, prune.Pass, c.model, passtest.Step{Params: c.params, Overrides: c.overrides})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	t.Run("apoz without zeros", func(t *testing.T) {
		r := passtest.Run(t, prune.Pass, swish, passtest.Step{Params: "{sparsity: 0.5, structure: filter, criterion: apoz, data: d}",
			Data: map[string]dataset.Set{"d": passtest.Samples(4, 2, 4, 4)}})
		if e := r.Effect(t, "a"); e.Did != "" || !strings.Contains(e.Why, "gives exact zeros") {
			t.Errorf("%+v", e)
		}
	})
	t.Run("no norm", func(t *testing.T) {
		r := passtest.Run(t, prune.Pass, swish, passtest.Step{Params: "{sparsity: 0.5, structure: filter, criterion: bn_scale}"})
		if e := r.Effect(t, "a"); e.Did != "" || !strings.Contains(e.Why, "no batch normalization stands behind it") {
			t.Errorf("%+v", e)
		}
	})
}

// n:m groups of a convolution lie along its input channels, place by place.
func TestGroupsOfConvolution(t *testing.T) {
	m := passtest.ResNet()
	r := passtest.Run(t, prune.Pass, m, passtest.Step{Params: "{sparsity: 75%, structure: n_m, n: 1}"})
	w := weights(t, r.Model, "stage1.block1.conv1.weight") // 8 8 3 3
	for o := range 8 {
		for place := range 9 {
			for g := range 2 {
				kept := 0
				for i := range 4 {
					if w[(o*8+g*4+i)*9+place] != 0 {
						kept++
					}
				}
				if kept != 1 {
					t.Fatalf("filter %d, group %d, place %d keeps %d", o, g, place, kept)
				}
			}
		}
	}
	if e := r.Effect(t, "stem.conv"); e.Why != "its input dimension is 1, shorter than m = 4" {
		t.Errorf("stem: %+v", e)
	}
}
