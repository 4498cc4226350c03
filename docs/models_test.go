package docs_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pare-ml/pare/graph/arch/archtest"
	"github.com/pare-ml/pare/graph/format/imatrix/imatrixtest"
	"github.com/pare-ml/pare/graph/format/onnx"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
)

// models writes what examples need beside the fashion model.
func models(t *testing.T, dir string) {
	t.Helper()
	for name, m := range map[string]*ir.Model{"mobile": mobile(), "attention": attention(), "tied": tied(), "words": words()} {
		b, err := onnx.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".onnx"), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	llama := filepath.Join(dir, "llama")
	if err := os.Mkdir(llama, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := archtest.Named(archtest.Tiny(), "Llama-3.2-1B").Write(llama, false); err != nil {
		t.Fatal(err)
	}
	matrix := imatrixtest.GGUF(imatrixtest.Meta(100, "wiki.txt"), imatrixtest.Entry{Name: "blk.0.ffn_down.weight", Sums: make([]float32, 128), Counts: []float32{1}})
	if err := os.WriteFile(filepath.Join(dir, "other.imatrix"), matrix, 0o666); err != nil {
		t.Fatal(err)
	}
}

// mobile has a depthwise convolution and a layer with an odd number of channels.
func mobile() *ir.Model {
	b := build.New("mobile", 17)
	x := b.Input("image", ir.Float32, "batch", 1, 28, 28)
	x = b.Relu(b.Conv("stem", x, build.Conv{In: 1, Out: 30, Kernel: 3, Stride: 2, Pad: 1, Bias: true}))
	x = b.Relu(b.Conv("deep", x, build.Conv{In: 30, Out: 30, Kernel: 3, Pad: 1, Groups: 30, Bias: true}))
	x = b.Relu(b.Conv("mix", x, build.Conv{In: 30, Out: 16, Kernel: 1, Bias: true}))
	x = b.Gemm("head", b.Flatten(b.GlobalAveragePool(x)), 16, 5)
	b.Output(x, ir.Float32, "batch", 5)
	return b.Model()
}

// attention is one head of attention over 8 features.
func attention() *ir.Model {
	b := build.New("attention", 17)
	x := b.Input("tokens", ir.Float32, "batch", 4, 8)
	q, k, v := b.MatMul("q", x, 8, 8), b.MatMul("k", x, 8, 8), b.MatMul("v", x, 8, 8)
	kt := b.Op("Transpose", "", []string{k}, ir.IntsAttr("perm", 0, 2, 1))
	p := b.Softmax(b.Op("MatMul", "", []string{q, kt}))
	y := b.MatMul("out", b.Op("MatMul", "", []string{p, v}), 8, 8)
	b.Output(y, ir.Float32, "batch", 4, 8)
	return b.Model()
}

// tied has two layers with one weight.
func tied() *ir.Model {
	b := build.New("tied", 17)
	x := b.Input("features", ir.Float32, "batch", 8)
	w := b.Weight("shared.weight", 8, 8, 8)
	x = b.Relu(b.Op("MatMul", "first", []string{x, w}))
	x = b.Relu(b.Op("MatMul", "second", []string{x, w}))
	x = b.Gemm("head", x, 8, 5)
	b.Output(x, ir.Float32, "batch", 5)
	return b.Model()
}

// words is a language model of two blocks whose rows are no multiple of 64.
func words() *ir.Model {
	b := build.New("words", 17)
	b.Transformer(build.Transformer{Vocabulary: 40, Width: 32, Hidden: 96, Heads: 4, Blocks: 2, Rotary: true, Rows: true})
	return b.Model()
}
