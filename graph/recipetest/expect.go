package recipetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/internal/human"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// expectation is what stands behind expect.
type expectation struct {
	layers, counts, steps             *syntax.Node
	params, bytes, bits, work, memory *syntax.Node
	findings                          *syntax.Node
}

func parseExpectation(n *syntax.Node, report *diag.List) *expectation {
	e := &expectation{}
	d := &schema.Decoder{Report: report}
	ok := d.Decode(n, schema.Object{
		Name: "expect",
		Fields: []*schema.Field{
			schema.Node(&e.layers, "layers", "by selector: by step, treated, none or parameters that hold; becomes: type, shape, params, bytes, gone"),
			schema.Node(&e.counts, "counts", "by step: how many layers it treats, a number or a bound such as <= 10"),
			schema.Node(&e.steps, "steps", "by step: runs, left_out or at_run"),
			schema.Node(&e.params, "params", "parameters of the result, a number or a bound"),
			schema.Node(&e.bytes, "bytes", "size of the result's layers, a size such as 300kB or a bound"),
			schema.Node(&e.bits, "bits_per_weight", "bits of the result's layers for each parameter that came in, a number or a bound"),
			schema.Node(&e.work, "work", "multiply-adds of the result for one sample, a number or a bound"),
			schema.Node(&e.memory, "memory", "peak memory of the build as estimated, a size or a bound"),
			schema.Node(&e.findings, "findings", "codes of the findings, warnings and errors all; none: there are none"),
		},
	})
	if !ok {
		return nil
	}
	for name, m := range map[string]*syntax.Node{"layers": e.layers, "counts": e.counts, "steps": e.steps} {
		if m != nil && m.Kind != syntax.Mapping {
			report.Errorf(m.Head(), "wrong-type", "%s is %s; it must be a mapping", name, m.Kind)
			return nil
		}
	}
	if n.Kind != syntax.Mapping || len(n.Pairs) == 0 {
		report.Errorf(n.Head(), "empty-value", "expect is empty, so the case tests nothing")
		return nil
	}
	return e
}

func (k *checker) check(e *expectation) {
	k.findings(e.findings)
	p := k.outcome.Plan
	if p == nil {
		if e.findings != nil && (e.layers != nil || e.counts != nil || e.steps != nil || e.params != nil || e.bytes != nil || e.bits != nil || e.work != nil || e.memory != nil) {
			k.fail(k.at, diag.Span{}, "the recipe does not compile, so nothing can be said of its plan: %s", firstErrors(k.outcome.Findings))
		}
		return
	}
	p.Estimate()
	k.counts(e.counts)
	k.steps(e.steps)
	k.number("params", e.params, float64(p.After.Params), human.Count(p.After.Params))
	k.number("bytes", e.bytes, float64(p.After.Bytes), human.Bytes(p.After.Bytes))
	if p.Before.Params > 0 {
		bits := 8 * float64(p.After.Bytes) / float64(p.Before.Params)
		k.number("bits_per_weight", e.bits, bits, fmt.Sprintf("%.3f", bits))
	}
	k.number("work", e.work, float64(p.After.Work), human.Count(p.After.Work))
	memory := p.PeakMemory()
	k.number("memory", e.memory, float64(memory), human.Bytes(memory))
	k.layers(e.layers)
}

func firstErrors(list diag.List) string {
	var out []string
	for _, d := range list {
		if d.Severity == diag.Error && len(out) < 3 {
			out = append(out, fmt.Sprintf("%s [%s]", d.Message, d.Code))
		}
	}
	return strings.Join(out, "; ")
}

// findings compares codes. Without the key errors alone are not expected.
func (k *checker) findings(n *syntax.Node) {
	var want []*syntax.Node
	switch {
	case n == nil:
		for _, d := range k.outcome.Findings {
			if d.Severity == diag.Error {
				k.failAt(k.at, d.Span, "it is here", "the recipe has an error that the case does not expect: %s [%s]", d.Message, d.Code)
			}
		}
		return
	case n.Kind == syntax.Sequence:
		want = n.Items
	case n.Text != "none" && n.Kind != syntax.Null:
		k.fail(n.Span, diag.Span{}, "findings is %q; it must be a list of codes, or none", n.Text)
		return
	}
	for _, w := range want {
		if !slices.ContainsFunc(k.lang.AllChecks(), func(c recipe.Check) bool { return c.Code == w.Text }) {
			k.fail(w.Span, diag.Span{}, "there is no finding with the code %q%s", w.Text, diag.Suggest(w.Text, codes(k.lang)))
		} else if !slices.ContainsFunc(k.outcome.Findings, func(d diag.Diagnostic) bool { return d.Code == w.Text }) {
			k.fail(w.Span, diag.Span{}, "the recipe has no finding %s; it has %s", w.Text, have(k.outcome.Findings))
		}
	}
	for _, d := range k.outcome.Findings {
		if d.Severity > diag.Note && !slices.ContainsFunc(want, func(w *syntax.Node) bool { return w.Text == d.Code }) {
			k.failAt(n.Head(), d.Span, "it is here", "the recipe has a finding that the case does not expect: %s [%s]", d.Message, d.Code)
		}
	}
}

func codes(lang *recipe.Language) []string {
	var out []string
	for _, c := range lang.AllChecks() {
		out = append(out, c.Code)
	}
	return out
}

func have(list diag.List) string {
	var out []string
	for _, d := range list {
		if !slices.Contains(out, d.Code) {
			out = append(out, d.Code)
		}
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}

// step finds the step that a key names.
func (k *checker) step(key *syntax.Node) *graph.Step {
	var ids []string
	for _, s := range k.outcome.Plan.Steps {
		if s.Step.ID == key.Text {
			return s
		}
		ids = append(ids, s.Step.ID)
	}
	k.fail(key.Span, diag.Span{}, "the recipe has no step %q%s", key.Text, diag.Suggest(key.Text, ids))
	return nil
}

func (k *checker) counts(n *syntax.Node) {
	if n == nil {
		return
	}
	for _, p := range n.Pairs {
		if s := k.step(p.Key); s != nil {
			got := len(s.Treated())
			k.number("step "+s.Step.ID, p.Value, float64(got), layers(got))
		}
	}
}

func layers(n int) string {
	if n == 1 {
		return "1 layer"
	}
	return fmt.Sprintf("%d layers", n)
}

func (k *checker) steps(n *syntax.Node) {
	if n == nil {
		return
	}
	words := []string{"runs", "left_out", "at_run"}
	for _, p := range n.Pairs {
		s := k.step(p.Key)
		if s == nil {
			continue
		}
		got, why := "runs", ""
		switch {
		case s.Skipped != "":
			got, why = "left_out", ": "+s.Skipped
		case s.AtRun != "":
			got, why = "at_run", ": "+s.AtRun
		}
		switch {
		case !slices.Contains(words, p.Value.Text):
			k.fail(p.Value.Head(), diag.Span{}, "%q is nothing that a step does; it must be runs, left_out or at_run", p.Value.Text)
		case p.Value.Text != got:
			k.fail(p.Value.Span, s.Step.Node.Head(), "step %s is %s%s; the test expects %s", s.Step.ID, got, why, p.Value.Text)
		}
	}
}

// number holds a value against a number or a bound. shown is how the value is written for people.
func (k *checker) number(what string, n *syntax.Node, got float64, shown string) {
	if n == nil {
		return
	}
	b, problem := parseBound(n)
	switch {
	case problem != "":
		k.fail(n.Head(), diag.Span{}, "%s: %s", what, problem)
	case !b.holds(got):
		verb := "is"
		if strings.HasPrefix(what, "step ") {
			verb = "treats"
		}
		k.fail(n.Span, diag.Span{}, "%s %s %s; the test expects %s", what, verb, shown, strings.TrimSpace(n.Text))
	}
}

// layers checks the entries behind layers: by selector, by step.
func (k *checker) layers(n *syntax.Node) {
	if n == nil {
		return
	}
	for _, p := range n.Pairs {
		var report diag.List
		sel := k.lang.Selector(p.Key, &report)
		if sel == nil {
			for _, d := range report {
				k.fail(d.Span, diag.Span{}, "%s", d.Message)
			}
			continue
		}
		if p.Value.Kind != syntax.Mapping {
			k.fail(p.Value.Head(), diag.Span{}, "%s is %s; it must be a mapping of steps to what they do to it", p.Key.Text, p.Value.Kind)
			continue
		}
		names := k.matched(sel)
		if len(names) == 0 {
			k.fail(p.Key.Span, diag.Span{}, "%q matches no layer%s", sel.Text, diag.Suggest(sel.Text, k.outcome.Plan.LayerNames()))
			continue
		}
		for _, step := range p.Value.Pairs {
			k.layer(names, step)
		}
	}
}

// matched lists the layers that a selector matches, at any place of the plan.
func (k *checker) matched(sel *recipe.Selector) []string {
	var out []string
	for _, l := range k.outcome.Plan.AllLayers() {
		if graph.Fits(sel, l) {
			out = append(out, l.Name)
		}
	}
	return out
}

// layer checks what one step, or the whole recipe, does to layers.
func (k *checker) layer(names []string, p syntax.Pair) {
	if p.Key.Text == "becomes" {
		for _, name := range names {
			k.becomes(name, p.Value)
		}
		return
	}
	s := k.step(p.Key)
	if s == nil {
		return
	}
	for _, name := range names {
		t := s.Treatment(name)
		treated := t != nil && t.Params != nil && t.Effect.Did != "" || t != nil && s.Pass.Whole && t.Effect.Did != ""
		switch {
		case p.Value.Kind == syntax.Mapping:
			k.params(s, t, name, p.Value)
		case p.Value.Text == "none":
			if treated {
				k.fail(p.Value.Span, t.Rule(), "step %s treats %s: %s; the test expects that it leaves the layer alone", s.Step.ID, name, t.Effect.Did)
			}
		case p.Value.Text == "treated":
			if !treated {
				k.fail(p.Value.Span, diag.Span{}, "step %s leaves %s alone: %s; the test expects that it treats the layer", s.Step.ID, name, k.why(s, name))
			}
		default:
			k.fail(p.Value.Head(), diag.Span{}, "%s is %q; it must be treated, none or a mapping of parameters", p.Key.Text, p.Value.Text)
			return
		}
	}
}

// why tells why a step leaves a layer alone.
func (k *checker) why(s *graph.Step, name string) string {
	x := k.outcome.Plan.Explain(name)
	for _, e := range x.Steps {
		if e.Step != s {
			continue
		}
		if e.Treatment != nil && e.Treatment.Effect.Why != "" {
			return e.Treatment.Effect.Why
		}
		return e.Reason
	}
	return ""
}

// params compares the effective parameters of a layer with those that the test names.
func (k *checker) params(s *graph.Step, t *graph.Treatment, name string, want *syntax.Node) {
	params := s.Params
	if !s.Pass.Whole {
		if t == nil || t.Params == nil {
			k.fail(want.Head(), diag.Span{}, "step %s does not treat %s: %s", s.Step.ID, name, k.why(s, name))
			return
		}
		params = t.Params
	}
	report := diag.List{}
	for _, d := range k.outcome.Plan.Compare(s, t, params, undotted(want), &report) {
		k.fail(d.At, d.From, "%s: step %s: %s is %s; the test expects %s", name, s.Step.ID, d.Param, orNothing(d.Got), orNothing(d.Want))
	}
	for _, d := range report {
		k.fail(d.Span, diag.Span{}, "%s", d.Message)
	}
}

func orNothing(s string) string {
	if s == "" {
		return "not set"
	}
	return s
}

// undotted writes `weights.type: int8` as `weights: {type: int8}`.
func undotted(n *syntax.Node) *syntax.Node {
	if n.Kind != syntax.Mapping {
		return n
	}
	out := &syntax.Node{Kind: syntax.Mapping, Span: n.Span}
	for _, p := range n.Pairs {
		head, rest, dotted := strings.Cut(p.Key.Text, ".")
		value := undotted(p.Value)
		key := *p.Key
		if dotted {
			inner := *p.Key
			inner.Text = rest
			key.Text = head
			value = undotted(&syntax.Node{Kind: syntax.Mapping, Span: p.Value.Span, Pairs: []syntax.Pair{{Key: &inner, Value: p.Value}}})
		}
		if old := out.Pair(head); old != nil {
			old.Value = syntax.Merge(old.Value, value)
			continue
		}
		out.Pairs = append(out.Pairs, syntax.Pair{Key: &key, Value: value})
	}
	return out
}

// becomes compares what a layer is in the end.
func (k *checker) becomes(name string, n *syntax.Node) {
	to := k.outcome.Plan.Final(name)
	if n.Kind != syntax.Mapping {
		k.fail(n.Head(), diag.Span{}, "becomes is %s; it must be a mapping with type, shape, params, bytes or gone", n.Kind)
		return
	}
	for _, p := range n.Pairs {
		k.final(name, to, p)
	}
}

func (k *checker) final(name string, to passes.State, p syntax.Pair) {
	v := p.Value
	if to.Gone && p.Key.Text != "gone" {
		k.fail(v.Head(), diag.Span{}, "%s is gone in the end, so it has no %s", name, p.Key.Text)
		return
	}
	switch p.Key.Text {
	case "gone":
		if v.Text != fmt.Sprint(to.Gone) {
			k.fail(v.Head(), diag.Span{}, "%s: gone is %v; the test expects %s", name, to.Gone, v.Text)
		}
	case "type":
		if got := to.DType.String(); v.Text != got {
			k.fail(v.Head(), diag.Span{}, "%s becomes %s; the test expects %s", name, got, v.Text)
		}
	case "shape":
		var want []string
		for _, item := range v.Items {
			want = append(want, item.Text)
		}
		if got := shape(to.Shape); got != strings.Join(want, ", ") {
			k.fail(v.Head(), diag.Span{}, "%s gets the shape [%s]; the test expects %s", name, got, strings.TrimSpace(v.Span.Text()))
		}
	case "params":
		k.number(name+": params", v, float64(to.Params), human.Count(int64(to.Params)))
	case "bytes":
		k.number(name+": bytes", v, float64(to.Bytes), human.Bytes(to.Bytes))
	default:
		k.fail(p.Key.Span, diag.Span{}, "becomes has no key %q%s", p.Key.Text, diag.Suggest(p.Key.Text, []string{"type", "shape", "params", "bytes", "gone"}))
	}
}

func shape(s []int) string {
	words := make([]string, len(s))
	for i, d := range s {
		words[i] = fmt.Sprint(d)
	}
	return strings.Join(words, ", ")
}
