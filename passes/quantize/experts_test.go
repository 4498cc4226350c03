package quantize_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/arch"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/ggml"
	"github.com/pare-ml/pare/internal/importance"
	"github.com/pare-ml/pare/passes/passtest"
	"github.com/pare-ml/pare/passes/quantize"
)

const experts = 8

// stacked is a model as a GGUF file has it: blocks with experts in stacks.
func stacked(t *testing.T, blocks, inner int) *ir.Model {
	t.Helper()
	const width = 256
	var tensors []*ir.Tensor
	add := func(name string, shape ...int) {
		n, _ := ir.Elements(shape)
		v := make([]float32, n)
		for i := range v {
			v[i] = float32((i*7919+len(tensors)*131)%2003-1001) / 1024
		}
		tensors = append(tensors, ir.FromFloat32s(name, shape, v))
	}
	add("token_embd.weight", 40, width)
	for b := range blocks {
		p := fmt.Sprintf("blk.%d.", b)
		for _, name := range []string{"attn_q", "attn_k", "attn_v", "attn_output"} {
			add(p+name+".weight", 32, width)
		}
		add(p+"ffn_gate_inp.weight", experts, width)
		add(p+"ffn_gate_exps.weight", experts, inner, width)
		add(p+"ffn_up_exps.weight", experts, inner, width)
		add(p+"ffn_down_exps.weight", experts, width, inner)
	}
	b, err := arch.Build(nil, tensors)
	if err != nil {
		t.Fatal(err)
	}
	m := &ir.Model{Format: "gguf", IRVersion: 11, Graph: b.Graph, Opsets: b.Opsets}
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	return m
}

// Each matrix of a stack gets the blocks that ggml gives it with the importance of its own columns, from whatever it is
// stored in.
func TestStackedExperts(t *testing.T) {
	const name = "blk.1.ffn_up_exps"
	for _, dtype := range []ir.DType{ir.Float32, ir.BFloat16} {
		m := stacked(t, 2, 96) // of several bands, which do not end where an expert ends
		if dtype != ir.Float32 {
			m = ofType(t, m, dtype)
		}
		l, _ := m.Layer(name)
		each, columns := l.Weight.Len()/experts, l.InFeatures
		values := make([]float32, experts*columns)
		for i := range values {
			values[i] = float32(i*i%89) / 4
		}
		x := &importance.Matrix{File: "some.imatrix", Entries: []importance.Entry{{Name: l.Weight.Name, Values: len(values), Experts: experts,
			Read: func() ([]float32, error) { return values, nil }}}}
		w := floats(t, m, l.Weight.Name)
		for _, tt := range []struct {
			params   string
			typ      ggml.Type
			quantize func([]byte, ggml.Type, []float32, int, []float32) error
			weighed  bool
		}{
			{"{weights: {type: q5_k}}", ggml.Q5_K, ggml.Quantize, false},
			{"{weights: {type: q5_k}, importance: some}", ggml.Q5_K, ggml.Quantize, true},
			{"{weights: {type: iq4_nl}, algorithm: mse, importance: some}", ggml.IQ4_NL, ggml.QuantizeBest, true},
			{"{scheme: Q4_K_M, importance: some}", ggml.Q4_K, ggml.Quantize, true},
			{"{scheme: Q8_0}", ggml.Q8_0, ggml.Quantize, false},
		} {
			r := passtest.Run(t, quantize.Pass, m, passtest.Step{Params: tt.params, Layers: []string{name}, Matrices: map[string]*importance.Matrix{"some": x}})
			after, _ := r.Model.Layer(name)
			got, err := after.Weight.Bytes()
			if err != nil || !slices.Equal(after.Weight.Shape, l.Weight.Shape) {
				t.Fatal(err, after.Weight.Shape)
			}
			size := len(got) / experts
			for i := range experts {
				var weights []float32
				if tt.weighed {
					weights = values[i*columns : (i+1)*columns]
				}
				want := make([]byte, size)
				if err := tt.quantize(want, tt.typ, w[i*each:(i+1)*each], columns, weights); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got[i*size:(i+1)*size], want) {
					t.Errorf("%s, %s: expert %d has other bytes than ggml", dtype, tt.params, i)
				}
			}
		}
		short := *x
		short.Entries = slices.Clone(x.Entries)
		short.Entries[0].Values = columns
		_, err := passtest.Try(t, quantize.Pass, m, passtest.Step{Params: "{weights: {type: q4_0}, importance: some}", Layers: []string{name},
			Matrices: map[string]*importance.Matrix{"some": &short}})
		if want := "has 256 numbers for blk.1.ffn_up_exps.weight, and the weight has 2048 columns"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// Schemes give stacks what llama-quantize gives them; a router stays as it is.
func TestMixOfExperts(t *testing.T) {
	m := stacked(t, 8, 32)
	for _, tt := range []struct{ scheme, want string }{ // of blocks 0, 1 and 3: output, key, value, router, gate, up, down
		{"Q4_K_M", "q5_k q8_0 q8_0 float32 q4_k q4_k q8_0; q5_k q8_0 q8_0 float32 q4_k q4_k q5_0; q5_k q8_0 q8_0 float32 q4_k q4_k q8_0"},
		{"Q2_K", "q5_k q8_0 q8_0 float32 q2_k q2_k q4_0; q5_k q8_0 q8_0 float32 q2_k q2_k q4_0; q5_k q8_0 q8_0 float32 q2_k q2_k q4_0"},
		{"IQ4_NL", "q5_k q8_0 q8_0 float32 iq4_nl iq4_nl q5_1; q5_k q8_0 q8_0 float32 iq4_nl iq4_nl iq4_nl; q5_k q8_0 q8_0 float32 iq4_nl iq4_nl iq4_nl"},
		{"Q8_0", "q8_0 q8_0 q8_0 float32 q8_0 q8_0 q8_0; q8_0 q8_0 q8_0 float32 q8_0 q8_0 q8_0; q8_0 q8_0 q8_0 float32 q8_0 q8_0 q8_0"},
	} {
		r := passtest.Run(t, quantize.Pass, m, passtest.Step{Params: "{scheme: " + tt.scheme + "}"})
		var blocks []string
		for _, b := range []int{0, 1, 3} {
			var types []string
			for _, name := range []string{"attn_output", "attn_k", "attn_v", "ffn_gate_inp", "ffn_gate_exps", "ffn_up_exps", "ffn_down_exps"} {
				l, _ := r.Model.Layer(fmt.Sprintf("blk.%d.%s", b, name))
				types = append(types, l.Weight.DType.String())
			}
			blocks = append(blocks, strings.Join(types, " "))
		}
		if got := strings.Join(blocks, "; "); got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.scheme, got, tt.want)
		}
		if e := r.Effect(t, "blk.0.ffn_gate_inp"); e.Why != "it routes to experts, and "+tt.scheme+" leaves routers as they are" {
			t.Errorf("%s: %+v", tt.scheme, e)
		}
	}
}
