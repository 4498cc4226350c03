package exec

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/pare-ml/pare/graph/format/onnx"
	"github.com/pare-ml/pare/graph/ir"
)

// FuzzRun: whatever model a file holds, compiling and running it ends in outputs or in an error. Memory is bounded by
// Options; a model small enough for the fuzzer is small enough to be done in seconds.
func FuzzRun(f *testing.F) {
	for _, o := range opCases {
		b, err := onnx.Encode(o.model())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := onnx.Decode(b)
		if err != nil || m.Check() != nil {
			return
		}
		p, err := Compile(m, Options{Workers: 1, Memory: 1 << 20})
		if err != nil {
			return
		}
		in := map[string]*Array{}
		for _, v := range p.Inputs() {
			shape := make([]int, len(v.Shape))
			for d := range shape {
				if shape[d] = int(v.Shape[d].Size); shape[d] < 0 {
					shape[d] = 2
				}
			}
			d := v.DType
			if d == ir.Undefined {
				d = ir.Float32
			}
			if n, err := byteSize(d, shape); err != nil || n > 1<<16 {
				return
			}
			in[v.Name] = NewArray(d, shape...)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		tape, err := p.Forward(ctx, in, Train)
		if err != nil {
			sane(t, err)
			return
		}
		seeds := map[string]*Array{}
		for _, name := range p.OutputNames() {
			if y := tape.Value(name); y.DType == ir.Float32 {
				seeds[name] = y
			}
		}
		if _, err := tape.Backward(ctx, seeds, append(p.InputNames(), p.Params()...)); err != nil {
			sane(t, err)
		}
		tape.Release()
		if p.pool.live != 0 {
			t.Errorf("%d bytes are not given back", p.pool.live)
		}
	})
}

// sane refuses errors that a panic was turned into: the executor should have said what is wrong with the node.
func sane(t *testing.T, err error) {
	if strings.Contains(err.Error(), "internal error") {
		t.Error(err)
	}
}
