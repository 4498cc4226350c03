package graph_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	evaluateall "github.com/pare-ml/pare/evaluate/all"
	"github.com/pare-ml/pare/graph"
	formatall "github.com/pare-ml/pare/graph/format/all"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
	passesall "github.com/pare-ml/pare/passes/all"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
)

// stack is a header of n feed-forward blocks with seven layers each, named as transformers are.
func stack(blocks int) *ir.Model {
	b := build.New("stack", 17)
	b.Fill = func(_ string, shape []int, _ int) []float32 { n, _ := ir.Elements(shape); return make([]float32, n) }
	x := b.Input("x", ir.Float32, "batch", 8)
	for i := range blocks {
		name := func(part string) string { return fmt.Sprintf("model.layers.%d.%s", i, part) }
		q, k, v := b.MatMul(name("self_attn.q_proj"), x, 8, 8), b.MatMul(name("self_attn.k_proj"), x, 8, 8), b.MatMul(name("self_attn.v_proj"), x, 8, 8)
		x = b.Add(x, b.MatMul(name("self_attn.o_proj"), b.Add(b.Mul(q, k), v), 8, 8))
		gate, up := b.MatMul(name("mlp.gate_proj"), x, 8, 16), b.MatMul(name("mlp.up_proj"), x, 8, 16)
		x = b.Add(x, b.MatMul(name("mlp.down_proj"), b.Mul(b.Relu(gate), up), 16, 8))
	}
	b.Output(x, ir.Float32, "batch", 8)
	return b.Model().Header()
}

// longRecipe has about 300 lines: three steps with a hundred overrides.
func longRecipe() string {
	var b strings.Builder
	b.WriteString("version: 1\nmodel: {path: stack.onnx}\ndata:\n  test: {images: a.idx, labels: b.idx}\n  train: {images: c.idx, labels: d.idx}\npasses:\n" +
		"  - prune:\n      sparsity: 50%\n    targets: [\"**.mlp.*\"]\n    overrides:\n")
	for i := range 30 {
		fmt.Fprintf(&b, "      - targets: [\"model.layers.%d.mlp.*\"]\n        when: layer.params > 64 && layer.index > %d\n        set:\n          sparsity: %d%%\n", i, i, 10+i)
	}
	b.WriteString("  - distill:\n      steps: 10\n      data: train\n  - quantize:\n      weights: {type: int8, granularity: channel}\n    targets: [\"type:linear\"]\n    overrides:\n")
	for i := range 50 {
		fmt.Fprintf(&b, "      - targets: [\"model.layers.%d.**\"]\n        set:\n          weights: {granularity: tensor}\n", i)
	}
	b.WriteString("gates:\n  - {metric: top1, data: test, max_degradation: 1%}\noutputs:\n  - {path: out.onnx}\n")
	return b.String()
}

func suite() *graph.Suite {
	return &graph.Suite{Passes: passesall.All(), Metrics: evaluateall.Metrics(), Formats: formatall.All()}
}

func BenchmarkLint1000(b *testing.B) {
	m, text, s := stack(143), []byte(longRecipe()), suite()
	b.ReportMetric(float64(strings.Count(string(text), "\n")), "lines")
	for b.Loop() {
		var report diag.List
		r := recipe.Parse(&diag.Source{Name: "r.yaml", Text: text}, s.Language(), recipe.Options{}, &report)
		if plan := graph.Compile(r, m, s, graph.Opener{}, &report); plan == nil {
			b.Fatal(report)
		}
	}
}

func BenchmarkPlan1000(b *testing.B) {
	m, text, s := stack(143), []byte(longRecipe()), suite()
	for b.Loop() {
		var report diag.List
		r := recipe.Parse(&diag.Source{Name: "r.yaml", Text: text}, s.Language(), recipe.Options{}, &report)
		plan := graph.Compile(r, m, s, graph.Opener{}, &report)
		if err := plan.WriteText(io.Discard, graph.TextOptions{}); err != nil {
			b.Fatal(err)
		}
		if err := plan.WriteJSON(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
