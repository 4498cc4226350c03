// Package passtest is the kit for testing a pass: it runs the pass on a small model as the engine would and checks what
// must hold for every pass. What is foreseen on the header is what happens; the model stays a model; the model that went
// in is untouched; and the result is the same for any number of workers.
package passtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/measure"
	"github.com/pare-ml/pare/graph/patch"
	"github.com/pare-ml/pare/internal/dataset"
	"github.com/pare-ml/pare/internal/importance"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// Step is a step of a recipe, resolved by hand.
type Step struct {
	Params    string     // the YAML behind the pass's name
	Layers    []string   // names of the layers to treat; empty: every layer that the pass takes
	Overrides []Override // later ones win
	Data      map[string]dataset.Set
	Matrices  map[string]*importance.Matrix // importance matrices, by data set
	Input     *ir.Model                     // the model as it came into the recipe; nil: the one given to Run
	Seed      uint64

	ctx        context.Context // nil: it never ends
	progress   func(done, total int, note string)
	checkpoint passes.Checkpointer
}

// Override changes the parameters of some layers.
type Override struct {
	Layers []string
	Set    string // YAML
}

// Result is what a pass did.
type Result struct {
	Model    *ir.Model       // after the pass
	Header   *ir.Model       // the header after Foresee
	Effects  []passes.Effect // of Run
	Foreseen []passes.Effect
	Problems []passes.Problem // warnings of Check
	Params   *passes.Params   // the step's
}

// Effect returns what was done to a layer; the empty name stands for the model as a whole.
func (r *Result) Effect(t testing.TB, layer string) passes.Effect {
	t.Helper()
	for _, e := range r.Effects {
		if e.Layer == layer {
			return e
		}
	}
	t.Fatalf("no effect on layer %q among %d", layer, len(r.Effects))
	return passes.Effect{}
}

// Run applies a pass to a copy of m and fails the test if anything that must hold does not.
func Run(t testing.TB, p *passes.Pass, m *ir.Model, s Step) *Result {
	t.Helper()
	r, err := Try(t, p, m, s)
	if err != nil {
		t.Fatalf("%s: %v", p.Name, err)
	}
	return r
}

// Try is Run for steps that may fail: errors of the pass come back, broken promises still fail the test.
func Try(t testing.TB, p *passes.Pass, m *ir.Model, s Step) (*Result, error) {
	t.Helper()
	before := digest(t, m)
	r, err := try(p, m, m.Clone(), s, 1)
	if err != nil {
		return nil, err
	}
	draft := patch.On(m).Draft()
	again, err := try(p, m, draft.Model, s, 3)
	if err != nil {
		t.Fatalf("fails with 3 workers and not with 1: %v", err)
	}
	comparePatched(t, m, draft, r.Model)
	if digest(t, r.Model) != digest(t, again.Model) {
		t.Errorf("the result depends on the number of workers, or on the run")
	}
	for i := range r.Effects {
		if e := &r.Effects[i]; e.Finish != nil {
			e.Finish(e)
			again.Effects[i].Finish(&again.Effects[i])
			if got, want := again.Effects[i].Did, e.Did; got != want {
				t.Errorf("the effect depends on the number of workers: %q, %q", got, want)
			}
		}
	}
	if digest(t, m) != before {
		t.Errorf("the model given to the pass has changed")
	}
	compareForeseen(t, r)
	return r, nil
}

// try runs a pass on work, which is a copy of m.
func try(p *passes.Pass, m, work *ir.Model, s Step, workers int) (*Result, error) {
	step, params, problems, err := s.decode(p, m)
	r := &Result{Params: step, Problems: problems}
	if err != nil {
		return nil, err
	}
	if s.Input == nil {
		s.Input = m
	}
	r.Header, r.Model = m.Header(), work
	if r.Foreseen, err = s.each(p, r.Header, step, params, func(layers []passes.LayerParams) ([]passes.Effect, error) {
		site := &passes.Site{Step: "step", Model: r.Header, Input: s.Input.Header(), Workers: workers, Seed: s.Seed, Importance: s.matrix}
		return p.Foresee(site, step, layers)
	}); err != nil {
		return nil, fmt.Errorf("foresee: %w", err)
	}
	site := &passes.Site{Step: "step", Model: r.Model, Input: s.Input, Workers: workers, Data: s.data, Importance: s.matrix,
		Measure: s.measure(m.Clone(), workers), Progress: s.progress, Checkpoint: s.checkpoint}
	if p.Draws(step) {
		site.Seed = s.Seed
	}
	ctx := s.ctx
	if ctx == nil {
		ctx = context.Background()
	}
	if r.Effects, err = s.each(p, r.Model, step, params, func(layers []passes.LayerParams) ([]passes.Effect, error) {
		return p.Run(ctx, site, step, layers)
	}); err != nil {
		return nil, err
	}
	for _, c := range r.Model.Graph.Constants() { // what a pass left to be computed when it is written
		if _, err := c.Bytes(); err != nil {
			return nil, fmt.Errorf("write: %w", err)
		}
	}
	for what, m := range map[string]*ir.Model{"foreseen": r.Header, "resulting": r.Model} {
		if err := m.Check(); err != nil {
			return nil, fmt.Errorf("the %s model does not hold together: %w", what, err)
		}
	}
	return r, nil
}

// each groups the layers of m as the pass asks and calls do for every group, its layers found anew.
func (s Step) each(p *passes.Pass, m *ir.Model, step *passes.Params, params map[string]*passes.Params, do func([]passes.LayerParams) ([]passes.Effect, error)) ([]passes.Effect, error) {
	find := func(names []string) (out []passes.LayerParams) {
		for _, l := range m.Layers() {
			if slices.Contains(names, l.Name) {
				out = append(out, passes.LayerParams{Layer: l, Params: params[l.Name]})
			}
		}
		return out
	}
	var names []string
	for _, l := range m.Layers() {
		if params[l.Name] != nil {
			names = append(names, l.Name)
		}
	}
	groups, err := p.Join(m, find(names))
	if err != nil {
		return nil, err
	}
	var effects []passes.Effect
	for _, g := range groups {
		var some []string
		for _, i := range g {
			some = append(some, names[i])
		}
		e, err := do(find(some))
		if err != nil {
			return nil, err
		}
		effects = append(effects, e...)
	}
	return effects, nil
}

// decode reads the parameters of the step and of each layer that it treats.
func (s Step) decode(p *passes.Pass, m *ir.Model) (*passes.Params, map[string]*passes.Params, []passes.Problem, error) {
	base, err := Parse(s.Params)
	if err != nil {
		return nil, nil, nil, err
	}
	step, err := Decode(p, base)
	if err != nil {
		return nil, nil, nil, err
	}
	params := map[string]*passes.Params{}
	var warnings []passes.Problem
	for _, l := range m.Layers() {
		if len(s.Layers) > 0 && !slices.Contains(s.Layers, l.Name) {
			continue
		}
		if ok, why := p.Takes(l); !ok {
			if len(s.Layers) > 0 {
				return nil, nil, nil, fmt.Errorf("layer %s: %s", l.Name, why)
			}
			continue
		}
		node := base
		for _, o := range s.Overrides {
			if slices.Contains(o.Layers, l.Name) {
				over, err := Parse(o.Set)
				if err != nil {
					return nil, nil, nil, err
				}
				node = syntax.Merge(node, over)
			}
		}
		x, err := Decode(p, node)
		if err != nil {
			return nil, nil, nil, err
		}
		for _, problem := range p.Check(x, l) {
			if !problem.Warning {
				return nil, nil, nil, fmt.Errorf("layer %s: %s: %s [%s]", l.Name, problem.Field, problem.Message, problem.Code)
			}
			warnings = append(warnings, problem)
		}
		params[l.Name] = x
	}
	return step, params, warnings, nil
}

// Parse reads YAML text; the empty text is the nil node.
func Parse(text string) (*syntax.Node, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var report diag.List
	n := syntax.Parse(&diag.Source{Name: "params.yaml", Text: []byte(text)}, &report)
	return n, findings(report)
}

// Decode reads the parameters of a pass; findings come back as an error, one a line.
func Decode(p *passes.Pass, n *syntax.Node) (*passes.Params, error) {
	var report diag.List
	x, _ := p.Decode(&schema.Decoder{Report: &report}, n)
	return x, findings(report)
}

func findings(report diag.List) error {
	var texts []string
	for _, d := range report {
		texts = append(texts, fmt.Sprintf("%s [%s]", d.Message, d.Code))
	}
	if len(texts) == 0 {
		return nil
	}
	return errors.New(strings.Join(texts, "\n"))
}

func (s Step) data(name string) (dataset.Set, error) {
	if set, ok := s.Data[name]; ok {
		return set, nil
	}
	return nil, fmt.Errorf("there is no data set %q", name)
}

// matrix is nil for one that is not there, as in a plan.
func (s Step) matrix(name string) (*importance.Matrix, error) { return s.Matrices[name], nil }

// measure makes each measurement once, on the model as the step found it.
func (s Step) measure(m *ir.Model, workers int) func(context.Context, measure.Need) (*measure.Result, error) {
	made := map[measure.Need]*measure.Result{}
	return func(ctx context.Context, n measure.Need) (*measure.Result, error) {
		if made[n] == nil {
			set, err := s.data(n.Data)
			if err != nil {
				return nil, err
			}
			if made[n], err = measure.Make(ctx, m, set, n, workers); err != nil {
				return nil, err
			}
		}
		return made[n], nil
	}
}

// compareForeseen checks that Foresee told the structure, types, shapes and layers that Run made.
func compareForeseen(t testing.TB, r *Result) {
	t.Helper()
	if got, want := Text(r.Header), Text(r.Model); got != want {
		t.Errorf("foreseen\n%s\nhappened\n%s", got, want)
	}
	if len(r.Foreseen) != len(r.Effects) {
		t.Fatalf("%d effects foreseen, %d happened", len(r.Foreseen), len(r.Effects))
	}
	for i, e := range r.Effects {
		f := r.Foreseen[i]
		same := f.Layer == e.Layer && f.To.DType == e.To.DType && slices.Equal(f.To.Shape, e.To.Shape) &&
			f.To.Params == e.To.Params && f.To.Bytes == e.To.Bytes && f.To.Gone == e.To.Gone
		if !same {
			t.Errorf("foreseen %+v\nhappened %+v", f, e)
		}
	}
}

// Text prints the structure of a model: opset, nodes, tensors. Goldens are made of it.
func Text(m *ir.Model) string {
	var b strings.Builder
	for _, o := range m.Opsets {
		fmt.Fprintf(&b, "opset %s %d, ir %d\n", o.Domain, o.Version, m.IRVersion)
	}
	for _, n := range m.Graph.Nodes {
		fmt.Fprintf(&b, "%s %s(%s) -> %s", n.Op, n.Name, strings.Join(n.Inputs, ", "), strings.Join(n.Outputs, ", "))
		for _, a := range n.Attrs {
			if a.Kind == ir.AttrInt {
				fmt.Fprintf(&b, " %s=%d", a.Name, a.Int)
			}
		}
		b.WriteByte('\n')
	}
	for _, c := range m.Graph.Tensors() {
		fmt.Fprintf(&b, "%s %s %v\n", c.Name, c.DType, c.Shape)
	}
	for _, v := range m.Graph.Outputs {
		fmt.Fprintf(&b, "output %s %s\n", v.Name, v.DType)
	}
	return b.String()
}

// digest is equal for models of equal structure and equal bytes.
func digest(t testing.TB, m *ir.Model) [32]byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString(Text(m))
	for _, n := range m.Graph.Nodes {
		for _, a := range n.Attrs {
			fmt.Fprintln(&b, a.Name, a.Kind, a.Int, a.Float, a.String, a.Ints, a.Floats, a.Strings)
		}
	}
	for _, c := range m.Graph.Constants() {
		data, err := c.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		b.Write(data)
	}
	return sha256.Sum256(b.Bytes())
}

// Outputs runs a model on one batch and returns its first output.
func Outputs(t testing.TB, m *ir.Model, x *exec.Array) []float32 {
	t.Helper()
	p, err := exec.Compile(m, exec.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.Run(context.Background(), map[string]*exec.Array{m.Graph.Feeds()[0].Name: x})
	if err != nil {
		t.Fatal(err)
	}
	return out[m.Graph.Outputs[0].Name].Float32s()
}
