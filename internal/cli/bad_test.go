package cli

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/arch/archtest"
	"github.com/pare-ml/pare/graph/format/onnx"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
)

var update = flag.Bool("update", false, "write the goldens anew")

// Each bad recipe has beside it exactly what pare lint says of it: these are wrong for the model that they name, those of
// package recipe by themselves.
func TestBadForTheirModels(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 45 {
		t.Fatalf("%d bad recipes, %v", len(files), err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	badModels(t, dir)
	t.Chdir(dir)
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(here, file))
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		write(t, name, text)
		code, got := run(t, nil, "lint", name)
		if strings.Contains(got, "no findings") || code != 0 && code != 1 {
			t.Errorf("%s: exit %d\n%s", name, code, got)
		}
		golden := filepath.Join(here, strings.TrimSuffix(file, ".yaml")+".txt")
		if *update {
			write(t, golden, []byte(got))
			continue
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s\n got:\n%s\nwant:\n%s", name, got, want)
		}
	}
}

// badModels writes the models that the bad recipes name.
func badModels(t *testing.T, dir string) {
	t.Helper()
	fashion, err := os.ReadFile("../../recipes/models/fashion.onnx")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "fashion.onnx"), fashion)
	words := build.New("words", 17)
	words.Transformer(build.Transformer{Vocabulary: 40, Width: 32, Hidden: 96, Heads: 4, Blocks: 1, Rotary: true, Rows: true})
	mobile := build.New("mobile", 17)
	x := mobile.Input("image", ir.Float32, "batch", 3, 8, 8)
	x = mobile.Relu(mobile.Conv("stem", x, build.Conv{In: 3, Out: 30, Kernel: 3, Pad: 1, Bias: true}))
	x = mobile.Relu(mobile.Conv("deep", x, build.Conv{In: 30, Out: 30, Kernel: 3, Pad: 1, Groups: 30, Bias: true}))
	x = mobile.Conv("mix", x, build.Conv{In: 30, Out: 16, Kernel: 1, Bias: true})
	mobile.Output(x, ir.Float32, "batch", 16, 8, 8)
	for name, b := range map[string]*build.Builder{"words.onnx": words, "mobile.onnx": mobile} {
		file, err := onnx.Encode(b.Model())
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), file)
	}
	llama := filepath.Join(dir, "llama")
	if err := os.Mkdir(llama, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := archtest.Named(archtest.Tiny(), "Llama-3.2-1B").Write(llama, false); err != nil {
		t.Fatal(err)
	}
}
