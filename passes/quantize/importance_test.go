package quantize_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
	"github.com/pare-ml/pare/internal/ggml"
	"github.com/pare-ml/pare/internal/importance"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/passes/passtest"
	"github.com/pare-ml/pare/passes/quantize"
)

// matrixOf makes a matrix for the weights of a model's matrices, but for some layers.
func matrixOf(m *ir.Model, but ...string) *importance.Matrix {
	x := &importance.Matrix{File: "some.imatrix", Datasets: []string{"text"}, Chunks: 5}
	for i, l := range m.Layers() {
		if len(l.Weight.Shape) != 2 || slices.Contains(but, l.Name) {
			continue
		}
		v := make([]float32, l.Weight.Shape[1])
		for j := range v {
			v[j] = float32((j*37+i*11)%101) / 8
		}
		x.Entries = append(x.Entries, importance.Entry{Name: l.Weight.Name, Values: len(v), Experts: 1, Read: func() ([]float32, error) { return v, nil }})
	}
	slices.SortFunc(x.Entries, func(a, b importance.Entry) int { return strings.Compare(a.Name, b.Name) })
	return x
}

// Weights get the blocks that ggml gives them with the importance of their columns, from whatever they are stored in; the
// search of algorithm mse weighs by it too. Where the matrix says nothing, or has another width for the table of tokens,
// they get those without.
func TestImportance(t *testing.T) {
	const without = "model.layers.0.self_attn.q_proj"
	for _, dtype := range []ir.DType{ir.Float32, ir.Float16, ir.BFloat16} {
		m := words(true)
		if dtype != ir.Float32 {
			m = ofType(t, m, dtype)
		}
		x := matrixOf(m, without)
		for i := range x.Entries {
			if strings.Contains(x.Entries[i].Name, "embed_tokens") {
				x.Entries[i].Values--
			}
		}
		for _, tt := range []struct {
			params   string
			typ      ggml.Type
			quantize func([]byte, ggml.Type, []float32, int, []float32) error
		}{
			{"{weights: {type: q4_0}, importance: some}", ggml.Q4_0, ggml.Quantize},
			{"{weights: {type: iq4_nl}, importance: some}", ggml.IQ4_NL, ggml.Quantize},
			{"{weights: {type: q4_0}, algorithm: mse, importance: some}", ggml.Q4_0, ggml.QuantizeBest},
			{"{scheme: Q5_1, importance: some}", ggml.Q5_1, ggml.Quantize},
		} {
			r := passtest.Run(t, quantize.Pass, m, passtest.Step{Params: tt.params, Matrices: map[string]*importance.Matrix{"some": x}})
			for _, l := range r.Model.Layers() {
				if number, _ := l.Weight.DType.Block(); number == 0 || l.Weight.DType != ir.BlockBase+ir.DType(tt.typ) {
					continue
				}
				var weights []float32
				if v, _, err := x.Of(l.Weight.Name, 1, l.Weight.Shape[1]); err == nil && v != nil {
					weights, _ = v()
				}
				want := make([]byte, l.Weight.Size())
				if err := tt.quantize(want, tt.typ, floats(t, m, l.Weight.Name), l.Weight.Shape[1], weights); err != nil {
					t.Fatal(err)
				}
				got, err := l.Weight.Bytes()
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("%s, %s: %s has other bytes than ggml with importance %v", dtype, tt.params, l.Name, weights != nil)
				}
				if words := l.Node.Attr(ir.ImportanceAttr); words == nil || !slices.Equal(words.Strings, x.Origin().Words()) {
					t.Errorf("%s does not say which matrix it was quantized with", l.Name)
				}
				e := r.Effect(t, l.Name)
				if strings.Contains(e.Did, "by importance") != (weights != nil) {
					t.Errorf("%s: %s", l.Name, e.Did)
				}
				if why := map[string]string{without: "some.imatrix says nothing of it", "model.embed_tokens": "some.imatrix has 63 numbers for model.embed_tokens.weight"}[l.Name]; !strings.Contains(e.Why, why) {
					t.Errorf("%s: %s, want %s", l.Name, e.Why, why)
				}
			}
		}
	}
}

// A matrix of another model, and one that says nothing of weights that need it, are refused, unit by unit here.
func TestImportanceRefused(t *testing.T) {
	b := build.New("wide", 17)
	b.Fill = func(_ string, shape []int, _ int) []float32 { n, _ := ir.Elements(shape); return make([]float32, n) }
	b.Transformer(build.Transformer{Vocabulary: 8, Width: 256, Hidden: 256, Heads: 8, KVHeads: 8, Blocks: 2, Rows: true})
	m := b.Model()
	bare := matrixOf(m, "model.layers.0.mlp.up_proj", "model.layers.1.self_attn.q_proj", "lm_head")
	other := matrixOf(m)
	for i := range other.Entries {
		if strings.Contains(other.Entries[i].Name, "v_proj") {
			other.Entries[i].Values = 128
		}
	}
	for _, tt := range []struct {
		params, code, layers, want string
		x                          *importance.Matrix
	}{
		{"{scheme: Q2_K_S, importance: some}", "missing-importance", "model.layers.0.mlp.up_proj",
			"some.imatrix says nothing of model.layers.0.mlp.up_proj.weight, and q2_k of Q2_K_S is no good without", bare},
		{"{scheme: Q2_K, importance: some}", "", "", "", bare},
		{"{scheme: Q2_K, importance: some}", "importance-does-not-fit", "model.layers.0.self_attn.v_proj",
			"some.imatrix has 128 numbers for model.layers.0.self_attn.v_proj.weight, and the weight has 256 columns", other},
		{"{scheme: Q2_K, importance: some}", "", "", "the importance matrix some is not at hand", nil},
	} {
		_, err := passtest.Try(t, quantize.Pass, m, passtest.Step{Params: tt.params, Matrices: map[string]*importance.Matrix{"some": tt.x}})
		var refused passes.Refused
		errors.As(err, &refused)
		var layers []string
		for _, p := range refused {
			layers = append(layers, p.Layer)
			if p.Code != tt.code || p.Field != "importance" {
				t.Errorf("%s: %+v", tt.params, p)
			}
		}
		if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) || strings.Join(layers, " ") != tt.layers {
			t.Errorf("%s: %v, of layers %s; want %s", tt.params, err, layers, tt.want)
		}
	}
}

// What has no effect is said, and what is needed.
func TestImportanceChecked(t *testing.T) {
	for _, tt := range []struct{ params, want string }{
		{"{scheme: Q4_K_M, importance: m}", ""},
		{"{scheme: TQ1_0, importance: m}", ""}, // its fallbacks and its head are weighed
		{"{scheme: Q8_0, importance: m}", "importance has no effect on q8_0"},
		{"{weights: {type: int8}, importance: m}", "importance has no effect on int8"},
		{"{scheme: F16, importance: m}", "importance has no effect on float16"},
		{"{scheme: Q2_K_S}", "Q2_K_S leaves so few bits that weights need an importance matrix"},
		{"{scheme: Q2_K_S, weights: {type: q4_k}}", ""},
	} {
		n, err := passtest.Parse(tt.params)
		if err != nil {
			t.Fatal(err)
		}
		_, err = passtest.Decode(quantize.Pass, n)
		if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.params, err, tt.want)
		}
	}
}

// The weight of an expert takes its part of what the matrix says of the stack.
func TestImportanceOfExperts(t *testing.T) {
	const layer = "model.layers.0.mlp.up_proj"
	m := words(true)
	l, _ := m.Layer(layer)
	columns := l.Weight.Shape[1]
	stack := make([]float32, 3*columns)
	for i := range stack {
		stack[i] = float32(i*i%89) / 4
	}
	x := &importance.Matrix{File: "some.imatrix",
		Entries: []importance.Entry{{Name: "ups", Values: len(stack), Experts: 3, Read: func() ([]float32, error) { return stack, nil }}},
		Place: func(weight string) (importance.Place, bool) {
			return importance.Place{Entry: "ups", Expert: 2, Experts: 3}, weight == layer+".weight"
		}}
	r := passtest.Run(t, quantize.Pass, m, passtest.Step{Params: "{weights: {type: q5_0}, importance: some}", Layers: []string{layer}, Matrices: map[string]*importance.Matrix{"some": x}})
	want := make([]byte, l.Weight.Len()/32*22)
	if err := ggml.Quantize(want, ggml.Q5_0, floats(t, m, l.Weight.Name), columns, stack[2*columns:]); err != nil {
		t.Fatal(err)
	}
	l, _ = r.Model.Layer(layer)
	if got, err := l.Weight.Bytes(); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the third expert has other bytes than ggml with the third part of the matrix: %v", err)
	}
}
