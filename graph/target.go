package graph

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/target"
	"github.com/pare-ml/pare/internal/human"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
)

// Target returns the profile that a recipe names: one that is built in by its name, one of the user's by its path; nil if
// there is none.
func (s *Suite) Target(t recipe.Target) *target.Target {
	for _, p := range s.Targets {
		if t.Path != "" && p.Path == t.Path || t.Path == "" && p.Path == "" && t.Name != "" && p.Name == t.Name {
			return p
		}
	}
	return nil
}

// WithTarget returns a suite that has one more profile.
func (s *Suite) WithTarget(t *target.Target) *Suite {
	c := *s
	c.Targets = append(slices.Clone(s.Targets), t)
	return &c
}

// targetCheck compares what the steps leave with what the recipe's target can execute.
type targetCheck struct {
	*compiler
	plan   *Plan
	target *target.Target
	index  *ir.Index
	found  []*refusal
}

// refusal is one thing that a target cannot do, with the layers that ask for it.
type refusal struct {
	at      diag.Span
	code    string
	text    string // %s stands for the layers
	warning bool
	layers  []string
}

// runsOn checks the plan against the target: types and granularities of weights and activations, operators and opset,
// formats of outputs, budgets.
func (c *compiler) runsOn(plan *Plan) {
	t := c.suite.Target(c.recipe.Target)
	if t == nil {
		return // none is named, or that has been reported
	}
	k := &targetCheck{compiler: c, plan: plan, target: t, index: plan.output.Graph.Index()}
	k.numbers()
	k.operators()
	k.formats()
	k.budgets()
	for _, r := range k.found {
		severity, layers := diag.Error, ""
		if r.warning {
			severity = diag.Warning
		}
		if len(r.layers) > 0 {
			layers = r.layers[0]
			if n := len(r.layers); n > 1 {
				layers = fmt.Sprintf("%s (%s)", plural(n, "layer"), strings.Join(shorten(r.layers, 3), ", "))
			}
		}
		d := diag.Diagnostic{Severity: severity, Code: r.code, Span: r.at, Message: strings.Replace(r.text, "%s", layers, 1)}
		if at := c.recipe.Target.Node.Span; at != r.at {
			d.Related = []diag.Related{{Span: at, Message: "the target is named here"}}
		}
		c.report.Add(d)
	}
}

// add notes a refusal, together with others of the same place and text.
func (k *targetCheck) add(at diag.Span, code, text, layer string) *refusal {
	i := slices.IndexFunc(k.found, func(r *refusal) bool { return r.at == at && r.text == text && r.code == code })
	if i < 0 {
		i = len(k.found)
		k.found = append(k.found, &refusal{at: at, code: code, text: text})
	}
	if layer != "" {
		k.found[i].layers = append(k.found[i].layers, layer)
	}
	return k.found[i]
}

// numbers checks how each layer stores its weight and takes its data.
func (k *targetCheck) numbers() {
	for i := range k.plan.final {
		l := &k.plan.final[i]
		if l.Type == "norm" {
			continue
		}
		w, in := k.index.WeightScheme(l), k.index.InputScheme(l)
		step, t := k.decided(l.Name)
		use := useOf(w)
		use.Asymmetric = use.Asymmetric || t.asymmetric("weights")
		if part, why, ok := target.Runs(k.target.Weights, use); !ok {
			k.add(k.placeOf(step, t, "weights", part, use.Type), "target-cannot-run",
				fmt.Sprintf("the weights of %%s are %s, which %s cannot run; %s", use, k.target.Name, why), l.Name)
		}
		if in.DType == ir.Undefined {
			continue
		}
		data := useOf(in)
		data.Asymmetric = data.Asymmetric || t.asymmetric("activations")
		if part, why, ok := target.Runs(k.target.Activations, data); !ok {
			k.add(k.placeOf(step, t, "activations", part, data.Type), "target-cannot-run",
				fmt.Sprintf("the activations into %%s are %s, which %s cannot run; %s", data, k.target.Name, why), l.Name)
		}
		if k.target.Saturates && w.DType == ir.Int8 && in.DType == ir.Uint8 {
			k.add(k.placeOf(step, t, "weights", "type", use.Type), "target-saturates", fmt.Sprintf(
				"on %s sums of uint8 activations times int8 weights saturate in %%s, which has cost 8 to 18 points of accuracy; give the weights type uint8 too",
				k.target.Name), l.Name).warning = true
		}
	}
}

func useOf(s ir.Scheme) target.Use {
	return target.Use{Type: s.Type(), Granularity: s.Granularity, Group: s.Group, Asymmetric: s.Asymmetric}
}

// decided returns what the last step that changed a layer's type did to it, nil if none did.
func (k *targetCheck) decided(layer string) (*Step, *Treatment) {
	for i := len(k.plan.Steps) - 1; i >= 0; i-- {
		for _, t := range k.plan.Steps[i].Layers {
			if t.Layer.Name == layer && t.Params != nil && t.Effect.From.DType != t.Effect.To.DType {
				return k.plan.Steps[i], t
			}
		}
	}
	return nil, nil
}

// asymmetric tells whether a treatment asks for ranges that do not lie evenly around zero: zero points themselves are not
// known before a build. weights and activations, and symmetric below them, are words that mean the same in every pass.
func (t *Treatment) asymmetric(what string) bool {
	if t == nil {
		return false
	}
	numbers, _ := t.Params.Effective()[what].(map[string]any)
	return numbers["symmetric"] == false
}

// placeOf is the smallest place that decided on a use: the parameter for a part of it, else the word that names its
// type, else the step; for weights that came in so, the model.
func (k *targetCheck) placeOf(step *Step, t *Treatment, what, part, typ string) diag.Span {
	if t == nil {
		return k.recipe.Model.Node.Get("path").Span
	}
	if n := t.node.At(what + "." + part); n != nil {
		return n.Span
	}
	for _, l := range leaves(t.node, "") {
		if l.node != nil && l.node.Text == typ && (l.path == what || strings.HasPrefix(l.path, what+".")) {
			return l.node.Span
		}
	}
	if n := len(t.Overrides); n > 0 {
		return t.Overrides[n-1].Node.Head()
	}
	return problemAt(step)
}

// operators checks the graph that the steps leave, if the target reads ONNX.
func (k *targetCheck) operators() {
	if !target.Has(k.target.Formats, "onnx") || k.plan.output.Format != "onnx" {
		return
	}
	at := k.recipe.Model.Node.Get("path").Span
	o, has := k.target.Opset, int(k.plan.output.Opset(""))
	switch {
	case o.Max > 0 && has > o.Max:
		k.add(at, "target-cannot-run", fmt.Sprintf("the result needs opset %d of ONNX; %s runs at most %d", has, k.target.Name, o.Max), "")
	case o.Min > 0 && has < o.Min:
		k.add(at, "target-cannot-run", fmt.Sprintf("the result is in opset %d of ONNX; %s runs from %d on", has, k.target.Name, o.Min), "")
	}
	if missing := k.missing(); len(missing) > 0 {
		k.add(at, "target-cannot-run", fmt.Sprintf("the graph needs operators that %s does not have: %s", k.target.Name,
			strings.Join(shorten(missing, 8), ", ")), "")
	}
}

// missing lists the operators of the graph that the target lacks, in graph order.
func (k *targetCheck) missing() []string {
	var out []string
	seen := map[string]bool{}
	for _, n := range k.plan.output.Graph.Nodes {
		name, has := n.Op, false
		if n.Domain == "" || n.Domain == "ai.onnx" {
			has = target.Has(k.target.Operators, n.Op)
		} else {
			name = diag.Printable(n.Domain + "." + n.Op)
			has = slices.Contains(k.target.Domains, n.Domain) || len(k.target.Domains)+len(k.target.Operators) == 0
		}
		if !has && !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	return out
}

// formats checks the files that the recipe asks for.
func (k *targetCheck) formats() {
	for _, o := range k.recipe.Outputs {
		if o.Format == "" || target.Has(k.target.Formats, o.Format) {
			continue
		}
		at := o.Node.Span
		if n := o.Node.Get("format"); n != nil {
			at = n.Span
		} else if n := o.Node.Get("path"); n != nil {
			at = n.Span
		}
		k.add(at, "target-cannot-run", fmt.Sprintf("%s does not read %s; it reads %s", k.target.Name, o.Format, strings.Join(k.target.Formats, ", ")), "")
	}
}

// budgets compares the weights that the steps leave with what the target has room for. Files are a little larger.
func (k *targetCheck) budgets() {
	at := k.recipe.Target.Node.Span
	for _, b := range []struct {
		limit int64
		what  string
	}{{k.target.Memory, "memory for them"}, {k.target.Size, "room for files"}} {
		if b.limit > 0 && k.plan.After.Bytes > b.limit {
			k.add(at, "target-over-budget", fmt.Sprintf("the weights of the result take %s; %s has %s of %s",
				human.Bytes(k.plan.After.Bytes), k.target.Name, human.Bytes(b.limit), b.what), "")
		}
	}
}
