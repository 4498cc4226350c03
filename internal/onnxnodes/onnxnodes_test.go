package onnxnodes

import (
	"os"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/ir"
)

// The tests themselves need a package that is not everywhere: `make conformance` has it, and a folder can be named by
// PARE_ONNX_TESTDATA.
func TestNodeTests(t *testing.T) {
	dir := os.Getenv("PARE_ONNX_TESTDATA")
	if dir == "" {
		t.Skip("PARE_ONNX_TESTDATA names no folder")
	}
	r, err := Run(dir)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	r.Print(&b)
	t.Log(b.String())
	if len(r.Failed) > 0 {
		t.Errorf("%d failed", len(r.Failed))
	}
}

func TestEqual(t *testing.T) {
	f := func(v ...float32) *exec.Array { return exec.FromFloats(v, len(v)) }
	for _, c := range []struct {
		name      string
		got, want *exec.Array
		ok        bool
	}{
		{"same", f(1, 2), f(1, 2), true},
		{"within the tolerance", f(1.0009), f(1), true},
		{"beyond it", f(1.0011), f(1), false},
		{"not a number", f(nan), f(nan), true},
		{"a number for none", f(1), f(nan), false},
		{"another shape", f(1), f(1, 1), false},
		{"another type", exec.FromInts([]int64{1}, 1), f(1), false},
		{"other integers", exec.FromInts([]int64{1}, 1), exec.FromInts([]int64{2}, 1), false},
		{"nothing", nil, f(1), false},
	} {
		if err := equal(c.got, c.want); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if got := as(exec.NewArray(ir.Uint16, 1), ir.BFloat16); got.DType != ir.BFloat16 {
		t.Error("bit patterns stay uint16")
	}
}

var nan = func() float32 { var zero float32; return zero / zero }()
