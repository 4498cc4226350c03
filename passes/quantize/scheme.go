package quantize

import (
	"fmt"

	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// preset is a scheme: parameters under one name. Empty fields stay at their defaults.
type preset struct {
	name, doc   string
	weights     Weights // Type, Granularity, GroupSize; Symmetric unless asymmetric
	asymmetric  bool
	activations string // type; empty: none
	dynamic     bool
}

// presets are the schemes that treat all layers alike; mixes (mix.go) are the others.
var presets = []preset{
	{name: "W8A8", doc: "int8 weights per channel, 8-bit activations: with ranges from samples one scale a tensor, with dynamic: true one a token",
		weights: Weights{Type: "int8", Granularity: "channel"}, activations: "uint8"},
	{name: "W8A16", doc: "int8 weights per channel; activations stay as they are", weights: Weights{Type: "int8", Granularity: "channel"}},
	{name: "W4A16", doc: "int4 weights in groups; activations stay as they are", weights: Weights{Type: "int4", Granularity: "group"}},
	{name: "W4A16_ASYM", doc: "uint4 weights in groups with zero points; activations stay as they are",
		weights: Weights{Type: "uint4", Granularity: "group"}, asymmetric: true},
	{name: "FP8", doc: "8-bit floats: weights with one scale a tensor, activations with ranges from samples",
		weights: Weights{Type: "fp8_e4m3", Granularity: "tensor"}, activations: "fp8_e4m3"},
	{name: "FP8_DYNAMIC", doc: "8-bit floats: weights per channel, activations with one scale a token, taken as the model runs",
		weights: Weights{Type: "fp8_e4m3", Granularity: "channel"}, activations: "fp8_e4m3", dynamic: true},
	{name: "MXFP4", doc: "4-bit floats in groups of 32; activations stay as they are", weights: Weights{Type: "mxfp4", Granularity: "group", GroupSize: 32}},
	{name: "NVFP4", doc: "4-bit floats in groups of 16; activations stay as they are", weights: Weights{Type: "nvfp4", Granularity: "group", GroupSize: 16}},
}

func schemeChoices() []schema.Choice {
	var out []schema.Choice
	for _, s := range presets {
		out = append(out, schema.Choice{Name: s.name, Doc: s.doc})
	}
	for _, m := range mixes {
		out = append(out, schema.Choice{Name: m.name, Doc: m.doc})
	}
	return out
}

// check completes the parameters by the scheme and finds what cannot go together.
func check(p *Params, n *syntax.Node, report *diag.List) {
	wrote := func(key string) bool { return n.Get("weights").Get(key) != nil }
	p.complete(n, wrote)
	t := typeNamed(p.Weights.Type)
	p.fits(t, n, report, wrote)
	p.unwritten(t, n, report, wrote)
	p.weighs(t, n, report)
	a := p.Activations
	if a == nil {
		return
	}
	at := n.At("activations")
	switch {
	case p.static() && p.Data == "":
		report.Errorf(at.Span, "missing-data", "the ranges of activations come from samples; name a data set: `data: calibration`; those of linear layers can also be taken as the model runs: activations: {dynamic: true}")
	case t.kind == block || t.kind == half:
		report.Errorf(at.Span, "type-does-not-fit", "weights of type %s go with activations as they are; write activations: none", t.name)
	case a.Dynamic && a.Type == "uint8":
		report.Errorf(n.At("activations.type").Span, "type-does-not-fit", "no format that pare writes says that activations become uint8 as the model runs; write type: int8 or fp8_e4m3, or name data and leave dynamic out")
	case a.Type == "int8" && p.Weights.Type == "uint8":
		report.Warningf(n.At("weights.type").Span, "slow-type-pair",
			"runtimes have no integer kernel for int8 activations with uint8 weights and will compute in float; use int8 weights, or uint8 for both")
	}
	if observer := n.Get("activations").Get("observer"); a.Dynamic && observer != nil {
		report.Warningf(observer.Head(), "parameter-unused", "observer has no effect beside dynamic: true: the runtime takes the smallest and the largest value")
	}
}

// complete sets what the scheme says and the text does not.
func (p *Params) complete(n *syntax.Node, wrote func(key string) bool) {
	w := &p.Weights
	for _, s := range presets {
		if s.name != p.Scheme {
			continue
		}
		if !wrote("type") {
			w.Type = s.weights.Type
		}
		if !wrote("granularity") {
			w.Granularity = s.weights.Granularity
		}
		if !wrote("group_size") && s.weights.GroupSize > 0 {
			w.GroupSize = s.weights.GroupSize
		}
		if !wrote("symmetric") && s.asymmetric {
			w.Symmetric = false
		}
		if s.activations != "" && n.Get("activations") == nil {
			p.Activations = new(Activations)
			activationFields(p.Activations)
		}
		if a := p.Activations; a != nil && s.activations != "" {
			given := n.Get("activations")
			a.Dynamic = a.Dynamic || s.dynamic && given.Get("dynamic") == nil
			if given.Get("type") == nil {
				a.Type = s.activations
			}
		}
	}
	if m := mixNamed(p.Scheme); m != nil && !wrote("type") {
		p.mix, w.Type = m, m.rest.String()
	}
	if a := p.Activations; a != nil && a.Dynamic && a.Type == "uint8" && n.Get("activations").Get("type") == nil {
		a.Type = "int8" // as runtimes of language models take tokens
	}
	if a := p.Activations; a != nil && n.Get("activations").Get("symmetric") == nil && (a.Dynamic && a.Type == "int8" || typeNamed(a.Type).kind == float8) {
		a.Symmetric = true
	}
	if t := typeNamed(w.Type); t.kind == float4 {
		if !wrote("granularity") {
			w.Granularity = "group"
		}
		if !wrote("group_size") {
			w.GroupSize = t.group
		}
	}
}

// fits finds parameters of weights that the type does not have, or that have no effect on it.
func (p *Params) fits(t *numbers, n *syntax.Node, report *diag.List, wrote func(key string) bool) {
	w := &p.Weights
	unused := func(why string, keys ...string) {
		for _, key := range keys {
			if wrote(key) {
				report.Warningf(n.Get("weights").KeySpan(key), "parameter-unused", "%s has no effect: %s", key, why)
			}
		}
	}
	refuse := func(key, format string, args ...any) {
		report.Errorf(n.At("weights."+key).Span, "type-does-not-fit", format, args...)
	}
	if w.Form == "matmul_nbits" && (t.kind != integer || w.Granularity != "group") {
		refuse("form", "MatMulNBits holds integers in groups; %s with granularity %s stays qdq: write granularity: group and a group_size, or leave form out", t.name, w.Granularity)
	}
	switch t.kind {
	case half:
		unused(t.name+" has no codes and no scales", "granularity", "group_size", "symmetric", "observer")
	case block:
		unused("blocks of "+t.name+" hold their own scales", "granularity", "group_size", "symmetric", "observer")
	case float4:
		if w.Granularity != "group" {
			refuse("granularity", "%s has a scale for each group of %d; granularity %s cannot be", t.name, t.group, w.Granularity)
		} else if w.GroupSize != t.group {
			refuse("group_size", "groups of %s have %d weights, not %d", t.name, t.group, w.GroupSize)
		}
		unused(t.name+" has a sign of its own", "symmetric")
	case float8:
		if !w.Symmetric {
			refuse("symmetric", "%s has a sign of its own and no zero point; its ranges are symmetric", t.name)
		}
	}
	if t.kind == integer || t.kind == float8 {
		if w.Granularity != "group" && w.Granularity != "block" {
			unused("granularity is "+w.Granularity, "group_size")
		}
	}
	if p.Algorithm == "mse" && t.kind != block && w.Observer.Kind == "percentile" {
		report.Errorf(n.At("algorithm").Span, "observer-conflict", "algorithm mse searches the range itself; observer percentile of the weights chooses another")
	}
	if p.Algorithm == "mse" && t.kind == half {
		report.Warningf(n.At("algorithm").Span, "parameter-unused", "algorithm has no effect: %s has no scales to search", t.name)
	}
	if w.Observer.Kind == "percentile" && t.kind == float4 {
		refuse("observer", "the scales of %s come from the largest weight of a group; percentile cannot be", t.name)
	}
}

// unwritten warns of group sizes and granularities that decide about quality and that the text does not say.
func (p *Params) unwritten(t *numbers, n *syntax.Node, report *diag.List, wrote func(key string) bool) {
	w := &p.Weights
	if t.kind != integer && t.kind != float8 {
		return
	}
	from := "weights"
	at := n.KeySpan("weights")
	if p.Scheme != "" {
		from, at = "scheme "+p.Scheme, n.At("scheme").Span
	}
	switch {
	case (w.Granularity == "group" || w.Granularity == "block") && !wrote("group_size"):
		report.Warningf(at, "hidden-default", "%s leaves group_size at its default, which matters more than any algorithm; write weights: {group_size: %d}, or what is meant",
			from, w.GroupSize)
	case p.Scheme == "" && t.dtype.Bits() < 8 && !wrote("granularity"):
		report.Warningf(at, "hidden-default", "weights of %s leave granularity at its default, one scale a channel, which is coarse for %d bits; write granularity: group with a group_size, or granularity: %s",
			t.name, t.dtype.Bits(), w.Granularity)
	}
}

// size says a group size in words.
func (w *Weights) size() string {
	if w.Granularity == "block" {
		return fmt.Sprintf("%d x %d", w.GroupSize, w.GroupSize)
	}
	return fmt.Sprint(w.GroupSize)
}
