package exec

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
)

var update = flag.Bool("update", false, "write testdata/digests.txt anew")

// TestGoldenDigests holds results to the same bits on every machine and for every number of workers: outputs and
// gradients of each operator, and the weights after five steps of training. CI runs it on arm64, with GOAMD64=v3 and
// with the tag purego, against one file.
func TestGoldenDigests(t *testing.T) {
	path := filepath.Join("testdata", "digests.txt")
	var lines []string
	for _, workers := range []int{1, 2, 7} {
		var now []string
		for _, o := range opCases {
			now = append(now, digestOf(t, o, o.model(), workers))
		}
		now = append(now, fakeQuantDigest(t, workers))
		for _, name := range []string{"sgd", "adamw"} {
			now = append(now, trainingDigest(t, name, workers))
		}
		if lines == nil {
			lines = now
		}
		for i := range now {
			if now[i] != lines[i] {
				t.Errorf("%d workers: %s; with one it is %s", workers, now[i], lines[i])
			}
		}
	}
	got := strings.Join(lines, "\n") + "\n"
	if *update {
		if err := os.MkdirAll("testdata", 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wanted := strings.Split(strings.TrimSuffix(string(want), "\n"), "\n")
	if len(wanted) != len(lines) {
		t.Fatalf("%d digests for %d cases: run with -update and look at the difference", len(wanted), len(lines))
	}
	for i := range lines {
		if lines[i] != wanted[i] {
			t.Errorf("got  %s\nwant %s", lines[i], wanted[i])
		}
	}
}

// fakeQuantDigest covers quantization by axis in int8 and as a whole in uint8, both on the way back too.
func fakeQuantDigest(t *testing.T, workers int) string {
	b := build.New("fake", 17)
	y := b.Input("x0", ir.Float32, 5, 3, 7)
	s, z := b.Floats("s", []int{3}, 0.03, 0.01, 0.02), b.Tensor(ir.NewTensor("z", ir.Int8, []int{3}, []byte{0, 5, 250}))
	y = b.Op("QuantizeLinear", "q", []string{y, s, z})
	y = b.Op("DequantizeLinear", "d", []string{y, s, z})
	s, z = b.Floats("s2", nil, 0.017), b.Tensor(ir.NewTensor("z2", ir.Uint8, nil, []byte{120}))
	y = b.Op("QuantizeLinear", "q2", []string{y, s, z})
	y = b.Op("DequantizeLinear", "d2", []string{y, s, z})
	b.Output(y, ir.Float32)
	return digestOf(t, opCase{name: "fake quantization", inputs: [][]int{{5, 3, 7}}, also: []string{"s", "s2"}}, b.Model(), workers)
}

func digestOf(t *testing.T, o opCase, m *ir.Model, workers int) string {
	ctx := context.Background()
	p, err := Compile(m, Options{Workers: workers})
	if err != nil {
		t.Fatalf("%s: %v", o.name, err)
	}
	in := o.values()
	out, err := p.Run(ctx, in)
	if err != nil {
		t.Fatalf("%s: %v", o.name, err)
	}
	tape, err := p.Forward(ctx, in, Train)
	if err != nil {
		t.Fatalf("%s: %v", o.name, err)
	}
	for name, y := range out {
		if !bytes.Equal(tape.Value(name).Data, y.Data) {
			t.Errorf("%s: output %s differs between Run and Forward", o.name, name)
		}
	}
	seeds := map[string]*Array{}
	for name, y := range out {
		if y.DType == ir.Float32 {
			seeds[name] = y // any will do
		}
	}
	var names []string
	for i := range o.inputs {
		if !slices.Contains(o.skip, i) {
			names = append(names, fmt.Sprintf("x%d", i))
		}
	}
	grads, err := tape.Backward(ctx, seeds, append(names, o.also...))
	if err != nil {
		t.Fatalf("%s: %v", o.name, err)
	}
	return o.name + ": " + digest(out) + " " + digest(grads)
}

func digest(arrays map[string]*Array) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(arrays)) {
		a := arrays[name]
		fmt.Fprintln(h, name, a.DType, a.Shape)
		h.Write(a.Data)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func trainingDigest(t *testing.T, optimizer string, workers int) string {
	m := residualOf(10, []int{4, 8}, 1)
	p, err := Compile(m, Options{Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	var optim Optimizer = &SGD{LearningRate: 0.05, Momentum: 0.9, Nesterov: true, WeightDecay: 1e-3}
	mode := TrainNorm
	if optimizer == "adamw" {
		optim = &AdamW{LearningRate: 0.01, WeightDecay: 0.1}
		mode = Train
	}
	x, labels := images(3, 9, 10)
	first, last := 0.0, 0.0
	for step := range 5 {
		loss, err := trainingStep(p, map[string]*Array{"image": x}, labels, optim, mode)
		if err != nil {
			t.Fatal(err)
		}
		if last = loss; step == 0 {
			first = loss
		}
	}
	if !(last < first) {
		t.Errorf("%s: the loss went from %v to %v", optimizer, first, last)
	}
	params := map[string]*Array{}
	for _, name := range p.Params() {
		params[name] = p.Param(name)
	}
	return fmt.Sprintf("%s: %s %.17g", optimizer, digest(params), last)
}
