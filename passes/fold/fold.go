// Package fold is the pass that rewrites a model into a smaller one with the same function: batch normalization goes
// into the convolution or linear layer before it, what does nothing or always gives the same is taken out.
package fold

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/recipe/schema"
)

// Pass is the record of fold.
var Pass = passes.Define(passes.Info{
	Name: "fold",
	Doc: "Rewrites that keep the function: batch normalization goes into the layer before it; identities, constant " +
		"expressions and dead code go away. Needs no data.",
	Version: 1,
	Whole:   true,
	Order: []passes.Order{
		{Before: "quantize", Why: "a batch normalization behind a quantized layer cannot be folded into its codes any more"},
	},
}, passes.Spec[Params]{
	Fields: fields,
	Foresee: func(s *passes.Site, u passes.Unit[Params]) ([]passes.Effect, error) {
		return run(context.Background(), s, u)
	},
	Run: run,
})

// Params are the parameters of a step.
type Params struct {
	What []string
}

const (
	batchNorm  = "batch_norm"
	identity   = "identity"
	constant   = "constant"
	deadCode   = "dead_code"
	fieldsHelp = "which rewrites to make"
)

func fields(p *Params) schema.Object {
	return schema.Object{Fields: []*schema.Field{
		schema.Enums(&p.What, "what", []string{batchNorm, identity, constant, deadCode}, fieldsHelp,
			schema.Choice{Name: batchNorm, Doc: "batch normalization into the convolution or linear layer before it"},
			schema.Choice{Name: identity, Doc: "Identity and Dropout, which do nothing when a model is used"},
			schema.Choice{Name: constant, Doc: "nodes that always give the same, up to 64 MB of results"},
			schema.Choice{Name: deadCode, Doc: "nodes and tensors that no output needs"}),
	}}
}

// folding is one application of the pass.
type folding struct {
	ctx    context.Context
	site   *passes.Site
	graph  *ir.Graph
	acts   map[*ir.Node]string     // nodes of the unit's layers, by name of the layer
	did    map[string][]string     // layer -> what happened to it
	why    map[string]string       // layer -> why nothing did
	before map[string]passes.State // layers as they were
	notes  []string                // what happened to the model beyond its layers
}

// run does the same to a model and to a header: tensors without bytes stay so.
func run(ctx context.Context, s *passes.Site, u passes.Unit[Params]) ([]passes.Effect, error) {
	f := &folding{ctx: ctx, site: s, graph: s.Model.Graph, acts: map[*ir.Node]string{},
		did: map[string][]string{}, why: map[string]string{}, before: map[string]passes.State{}}
	for _, l := range u.Layers {
		f.acts[l.Node] = l.Name
	}
	for _, l := range s.Model.Layers() {
		f.before[l.Name] = passes.StateOf(l)
	}
	for _, rewrite := range []struct {
		what string
		do   func() error
	}{{identity, f.identities}, {constant, f.constants}, {batchNorm, f.batchNorms}, {deadCode, f.deadCode}} {
		if slices.Contains(u.Params.What, rewrite.what) {
			if err := rewrite.do(); err != nil {
				return nil, err
			}
		}
	}
	return f.effects(u), nil
}

// effects reports layer by layer, and in a last effect without a layer what happened to the model beyond its layers.
func (f *folding) effects(u passes.Unit[Params]) []passes.Effect {
	after := map[string]passes.State{}
	for _, l := range f.site.Model.Layers() {
		after[l.Name] = passes.StateOf(l)
	}
	var out []passes.Effect
	for _, l := range u.Layers {
		e := passes.Effect{Layer: l.Name, Did: strings.Join(f.did[l.Name], "; "), Why: f.why[l.Name], From: f.before[l.Name]}
		if to, ok := after[l.Name]; ok {
			e.To = to
		} else {
			e.To = passes.State{Gone: true}
		}
		if e.Did != "" {
			e.Why = ""
		}
		out = append(out, e)
	}
	if len(f.notes) > 0 {
		out = append(out, passes.Effect{Did: strings.Join(f.notes, "; ")})
	}
	return out
}

func (f *folding) notef(format string, args ...any) {
	f.notes = append(f.notes, fmt.Sprintf(format, args...))
}

// counted returns "1 node", "3 nodes".
func counted(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
