// Package onnxnodes runs ONNX's own operator tests (backend/test/data/node: a model, its inputs, its outputs) through
// pare's reader and executor. It is part of `make conformance`.
package onnxnodes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/format/onnx"
	"github.com/pare-ml/pare/graph/ir"
)

// Report says what became of each test of a folder.
type Report struct {
	Passed      []string
	Failed      []Failure
	Unsupported map[string][]string // by reason, mostly "operator X": names of tests
	LeftOut     []string            // tests of knownWrong that do not pass
}

// knownWrong are tests of onnx 1.12 (Debian's libonnx-testdata) whose data contradicts the standard or their own model.
var knownWrong = map[string]string{
	"test_castlike_BFLOAT16_to_FLOAT":          inputOfAnotherShape,
	"test_castlike_BFLOAT16_to_FLOAT_expanded": inputOfAnotherShape,
	"test_castlike_FLOAT_to_BFLOAT16":          inputOfAnotherShape,
	"test_castlike_FLOAT_to_BFLOAT16_expanded": inputOfAnotherShape,
}

const inputOfAnotherShape = "gives input \"like\" in shape [1]; the model declares [3 4]"

// Failure is a test whose outputs are not what they should be, or that could not be run for a reason other than an
// operator that the executor lacks.
type Failure struct {
	Test string
	Err  error
}

// Run runs all tests in dir, one folder each, in the order of their names.
func Run(dir string) (*Report, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	r := &Report{Unsupported: map[string][]string{}}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, e.Name(), "model.onnx")); err != nil {
			continue
		}
		var u *unsupported
		switch err := runTest(filepath.Join(dir, e.Name())); {
		case err == nil:
			r.Passed = append(r.Passed, e.Name())
		case errors.As(err, &u):
			for _, reason := range u.reasons {
				r.Unsupported[reason] = append(r.Unsupported[reason], e.Name())
			}
		case knownWrong[e.Name()] != "":
			r.LeftOut = append(r.LeftOut, e.Name())
		default:
			r.Failed = append(r.Failed, Failure{e.Name(), err})
		}
	}
	if len(r.Passed) == 0 {
		return nil, fmt.Errorf("%s holds no test that passes: is it the folder data/node of onnx's tests?", dir)
	}
	return r, nil
}

// Print writes the counts, the failures and what is unsupported, most frequent first.
func (r *Report) Print(w io.Writer) {
	tests := map[string]bool{}
	for _, list := range r.Unsupported {
		for _, t := range list {
			tests[t] = true
		}
	}
	fmt.Fprintf(w, "%d passed, %d failed, %d unsupported, %d left out\n", len(r.Passed), len(r.Failed), len(tests), len(r.LeftOut))
	for _, f := range r.Failed {
		fmt.Fprintf(w, "FAIL %s: %v\n", f.Test, f.Err)
	}
	for _, test := range r.LeftOut {
		fmt.Fprintf(w, "left out %s: it %s\n", test, knownWrong[test])
	}
	reasons := slices.Sorted(maps.Keys(r.Unsupported))
	slices.SortStableFunc(reasons, func(a, b string) int { return len(r.Unsupported[b]) - len(r.Unsupported[a]) })
	for _, reason := range reasons {
		fmt.Fprintf(w, "unsupported %4d  %s\n", len(r.Unsupported[reason]), reason)
	}
}

// unsupported is what a test asks for beyond what pare does.
type unsupported struct{ reasons []string }

func (u *unsupported) Error() string { return strings.Join(u.reasons, "; ") }

// asUnsupported turns the executor's refusal into reasons without node names, so that they can be counted.
func asUnsupported(err error) error {
	var u *exec.Unsupported
	if !errors.As(err, &u) {
		return err
	}
	out := &unsupported{}
	for _, o := range u.Ops {
		reason := "operator " + o.Op
		if o.Domain != "" {
			reason = "operator " + o.Domain + "." + o.Op
		}
		if o.Reason != "" {
			reason += ": " + o.Reason
		}
		out.reasons = append(out.reasons, reason)
	}
	return out
}

func runTest(dir string) error {
	m, closeModel, err := onnx.Open(filepath.Join(dir, "model.onnx"))
	if err != nil {
		return err
	}
	defer closeModel()
	for _, values := range [][]*ir.Value{m.Graph.Inputs, m.Graph.Outputs} {
		for _, v := range values {
			if v.DType == ir.Undefined || v.DType == ir.String {
				return &unsupported{[]string{"inputs or outputs that are strings, sequences or optional"}}
			}
		}
	}
	p, err := exec.Compile(m, exec.Options{Workers: 2})
	if err != nil {
		return asUnsupported(err)
	}
	sets, err := filepath.Glob(filepath.Join(dir, "test_data_set_*"))
	if err != nil {
		return err
	}
	if len(sets) == 0 {
		return errors.New("no test data")
	}
	for _, set := range sets {
		if err := runSet(p, m, set); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(set), asUnsupported(err))
		}
	}
	return nil
}

// runSet runs the model on one set of inputs. Files are numbered in the order of the graph's inputs and outputs.
func runSet(p *exec.Program, m *ir.Model, dir string) error {
	inputs := map[string]*exec.Array{}
	for i, v := range m.Graph.Inputs {
		a, err := readArray(filepath.Join(dir, fmt.Sprintf("input_%d.pb", i)))
		if err != nil {
			return err
		}
		inputs[v.Name] = as(a, v.DType)
	}
	got, err := p.Run(context.Background(), inputs)
	if err != nil {
		return err
	}
	for i, v := range m.Graph.Outputs {
		want, err := readArray(filepath.Join(dir, fmt.Sprintf("output_%d.pb", i)))
		if err != nil {
			return err
		}
		if err := equal(got[v.Name], as(want, v.DType)); err != nil {
			return fmt.Errorf("output %s: %w", v.Name, err)
		}
	}
	return nil
}

// as gives bfloat16, which the tests store as bit patterns in uint16, its own type.
func as(a *exec.Array, d ir.DType) *exec.Array {
	if d == ir.BFloat16 && a.DType == ir.Uint16 {
		a.DType = d
	}
	return a
}

// readArray reads a file that holds a TensorProto. pare reads tensors as parts of models only, so it is put into one:
// field 7 (graph) of ModelProto, field 5 (initializer) of GraphProto.
func readArray(path string) (*exec.Array, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m, err := onnx.Decode(modelAround(b))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	tensors := m.Graph.Tensors()
	if len(tensors) != 1 {
		return nil, fmt.Errorf("%s holds no tensor", filepath.Base(path))
	}
	a, err := exec.FromTensor(tensors[0])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return a.Clone(), nil
}
