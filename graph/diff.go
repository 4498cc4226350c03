package graph

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pare-ml/pare/internal/human"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
)

// Difference is what changes between two plans, in the words of a review: layers that are treated in another way, not
// lines of text.
type Difference struct {
	A, B     *Plan
	Settings []Change      // of the recipe as a whole: model, data, seed, outputs
	Gates    []GateChange  // in the order of the gates
	Steps    []StepChange  // steps added, removed, left out, moved; parameters of passes that treat the model as a whole
	Layers   []LayerChange // layers that a step of both treats differently, and the layers of added and removed steps
}

// Change is a setting with its value before and after; empty: not there.
type Change struct {
	What     string // "data test: samples"
	From, To string
	Rule     diag.Span // of the new value, else of the old one
}

// GateChange is a gate that asks for something else.
type GateChange struct {
	Kind     GateKind
	Gate     string // its name
	From, To string // what it asks; empty: there is none
	Rule     diag.Span
}

// GateKind says in which direction a gate changed.
type GateKind string

const (
	Loosened  GateKind = "loosened"
	Tightened GateKind = "tightened"
	Added     GateKind = "added"
	Removed   GateKind = "removed"
	Other     GateKind = "changed" // neither looser nor tighter, as far as that can be told
)

// StepChange is a change of a step as such.
type StepChange struct {
	Step    string
	What    string // "added", "removed", "moved", or what of it changed
	Changes []Change
	Rule    diag.Span
}

// LayerChange is a change that one step makes to some layers.
type LayerChange struct {
	Step    string
	Layers  []string
	What    string   // "treated", "no longer treated", "changed"
	Params  []Change // effective parameters
	Outcome []Change // what becomes of the layers: type, shape, words; size of all of them
	Rule    diag.Span

	from, to int64 // bytes of all layers
}

// Empty tells whether the two plans do the same.
func (d *Difference) Empty() bool {
	return len(d.Settings) == 0 && len(d.Gates) == 0 && len(d.Steps) == 0 && len(d.Layers) == 0
}

// Diff compares two plans.
func Diff(a, b *Plan, s *Suite) *Difference {
	a.Estimate()
	b.Estimate()
	d := &Difference{A: a, B: b}
	d.settings()
	d.gates(s)
	d.steps()
	return d
}

func (d *Difference) setting(what, from, to string, rule diag.Span) {
	if from != to {
		d.Settings = append(d.Settings, Change{what, from, to, rule})
	}
}

func (d *Difference) settings() {
	a, b := d.A.Recipe, d.B.Recipe
	at := func(key string) diag.Span { return b.Root.KeySpan(key) }
	d.setting("name", a.Name, b.Name, at("name"))
	d.setting("model", a.Model.Path, b.Model.Path, at("model"))
	d.setting("target", a.Target.Name+a.Target.Path, b.Target.Name+b.Target.Path, at("target"))
	d.setting("seed", fmt.Sprint(a.Seed), fmt.Sprint(b.Seed), at("seed"))
	if d.A.Before != d.B.Before {
		d.setting("model: parameters", fmt.Sprint(d.A.Before.Params), fmt.Sprint(d.B.Before.Params), at("model"))
		d.setting("model: layers", fmt.Sprint(d.A.Before.Layers), fmt.Sprint(d.B.Before.Layers), at("model"))
		d.setting("model: bytes", fmt.Sprint(d.A.Before.Bytes), fmt.Sprint(d.B.Before.Bytes), at("model"))
	}
	for _, v := range b.Vars {
		if i := slices.IndexFunc(a.Vars, func(w recipe.Var) bool { return w.Name == v.Name }); i >= 0 {
			d.setting("vars."+v.Name, schema.FormatValue(a.Vars[i].Value, a.Vars[i].Kind), schema.FormatValue(v.Value, v.Kind), v.Node.Span)
		}
	}
	d.data(a, b)
	outputs := func(r *recipe.Recipe) string {
		var words []string
		for _, o := range r.Outputs {
			words = append(words, o.Path+" ("+o.Format+")")
		}
		return strings.Join(words, ", ")
	}
	d.setting("outputs", outputs(a), outputs(b), at("outputs"))
}

func (d *Difference) data(a, b *recipe.Recipe) {
	for _, x := range b.Data {
		i := slices.IndexFunc(a.Data, func(y recipe.Data) bool { return y.Name == x.Name })
		if i < 0 {
			d.setting("data "+x.Name, "", dataWords(x)[0][1], x.Node.Head())
			continue
		}
		was := dataWords(a.Data[i])
		for j, w := range dataWords(x) {
			d.setting("data "+x.Name+": "+w[0], was[j][1], w[1], x.Node.KeySpan(w[0]))
		}
	}
	for _, y := range a.Data {
		if !slices.ContainsFunc(b.Data, func(x recipe.Data) bool { return x.Name == y.Name }) {
			d.setting("data "+y.Name, dataWords(y)[0][1], "", y.Node.Head())
		}
	}
}

// dataWords lists what a data set is, key by key; the first is the file.
func dataWords(d recipe.Data) [][2]string {
	file := d.Images
	if file == "" {
		file = d.Path
	}
	key := "images"
	if d.Importance != "" {
		key, file = "importance", d.Importance
	}
	return [][2]string{{key, file}, {"labels", d.Labels}, {"skip", fmt.Sprint(d.Skip)}, {"samples", fmt.Sprint(d.Samples)},
		{"mean", fmt.Sprint(d.Mean)}, {"std", fmt.Sprint(d.Std)}}
}

// steps compares the steps that both have, by their ids, and tells which are new, gone or moved.
func (d *Difference) steps() {
	find := func(p *Plan, id string) *Step {
		for _, s := range p.Steps {
			if s.Step.ID == id {
				return s
			}
		}
		return nil
	}
	var wasOrder, isOrder []string
	for _, a := range d.A.Steps {
		if find(d.B, a.Step.ID) == nil {
			d.Steps = append(d.Steps, StepChange{Step: a.Step.ID, What: "removed: " + a.summary(), Rule: a.Step.Node.Head()})
			continue
		}
		wasOrder = append(wasOrder, a.Step.ID)
	}
	for _, b := range d.B.Steps {
		a := find(d.A, b.Step.ID)
		if a == nil {
			d.Steps = append(d.Steps, StepChange{Step: b.Step.ID, What: "added: " + b.summary(), Rule: b.Step.Node.Head()})
			continue
		}
		isOrder = append(isOrder, b.Step.ID)
		if a.Pass != b.Pass {
			d.Steps = append(d.Steps, StepChange{Step: b.Step.ID, What: fmt.Sprintf("is now %s instead of %s", b.Pass.Name, a.Pass.Name), Rule: b.Step.Node.Head()})
			continue
		}
		d.step(a, b)
		d.layers(a, b)
	}
	if !slices.Equal(wasOrder, isOrder) {
		d.Steps = append(d.Steps, StepChange{What: "order", Changes: []Change{{What: "order", From: strings.Join(wasOrder, ", "), To: strings.Join(isOrder, ", ")}},
			Rule: d.B.Recipe.Root.KeySpan("passes")})
	}
}

// summary says in a few words what a step does.
func (s *Step) summary() string {
	if s.Skipped != "" {
		return s.Pass.Name + ", left out"
	}
	if s.Pass.Whole {
		return s.Pass.Name
	}
	return fmt.Sprintf("%s of %s", s.Pass.Name, plural(len(s.acting()), "layer"))
}

// step compares what two versions of one step are as such.
func (d *Difference) step(a, b *Step) {
	c := StepChange{Step: b.Step.ID, What: "changed", Rule: b.Step.Node.Head()}
	add := func(what, from, to string, rule diag.Span) {
		if from != to {
			c.Changes = append(c.Changes, Change{what, from, to, rule})
		}
	}
	add("when", conditionText(a), conditionText(b), b.Step.Node.KeySpan("when"))
	add("left out", a.Skipped, b.Skipped, b.Step.Node.Head())
	add("expect", expectText(a.Step.Expect), expectText(b.Step.Expect), b.Step.Node.KeySpan("expect"))
	if b.Pass.Whole {
		c.Changes = append(c.Changes, paramChanges(a.Params, b.Params)...)
		for i := range c.Changes {
			if n := b.node; c.Changes[i].Rule.Source == nil && n != nil && n.At(c.Changes[i].What) != nil {
				c.Changes[i].Rule = n.At(c.Changes[i].What).Span
			}
		}
	}
	if len(c.Changes) > 0 {
		d.Steps = append(d.Steps, c)
	}
}

func conditionText(s *Step) string {
	if s.Step.When == nil {
		return ""
	}
	return oneLine(s.Step.When.Text)
}

func expectText(e recipe.Expect) string {
	var words []string
	for _, w := range []struct {
		name string
		n    *int
	}{{"matches", e.Matches}, {"min", e.Min}, {"max", e.Max}} {
		if w.n != nil {
			words = append(words, fmt.Sprintf("%s %d", w.name, *w.n))
		}
	}
	return strings.Join(words, ", ")
}

// layers compares what two versions of one step do to each layer, and groups layers of which the same is to be said.
func (d *Difference) layers(a, b *Step) {
	if a.Skipped != "" || b.Skipped != "" {
		return
	}
	was, is := a.byLayer(), b.byLayer()
	told := b.Pass.Whole && len(paramChanges(a.Params, b.Params)) > 0 // of the step
	groups := map[string]int{}
	add := func(key string, c LayerChange) {
		if i, ok := groups[key]; ok {
			first := &d.Layers[i]
			first.Layers = append(first.Layers, c.Layers...)
			first.from, first.to = first.from+c.from, first.to+c.to
			first.Outcome = common(first.Outcome, c.Outcome)
			return
		}
		groups[key] = len(d.Layers)
		d.Layers = append(d.Layers, c)
	}
	for _, t := range b.Layers {
		name := t.Layer.Name
		c := LayerChange{Step: b.Step.ID, Layers: []string{name}, Rule: t.rule()}
		old := was[name]
		switch {
		case old == nil || old.Params == nil && t.Params != nil:
			c.What = "treated"
			c.Outcome = []Change{{What: "becomes", To: generic(outcome(t.Effect), name)}}
		case t.Params == nil && old.Params != nil:
			c.What = "no longer treated"
			c.Outcome = []Change{{What: "was", From: generic(outcome(old.Effect), name)}}
		default:
			c.What = "changed"
			if !b.Pass.Whole && t.Params != nil {
				c.Params = paramChanges(old.Params, t.Params)
			}
			c.Outcome = outcomeChanges(name, old.Effect, t.Effect, told || len(c.Params) > 0)
			if old.Effect.From.Bytes == t.Effect.From.Bytes {
				c.from, c.to = old.Effect.To.Bytes, t.Effect.To.Bytes
			}
		}
		if c.What == "changed" && len(c.Params) == 0 && len(c.Outcome) == 0 && c.from == c.to {
			continue
		}
		add(c.key(), c)
	}
	for _, t := range a.Layers {
		if is[t.Layer.Name] == nil && t.Params != nil {
			c := LayerChange{Step: b.Step.ID, Layers: []string{t.Layer.Name}, What: "no longer treated", Rule: b.Step.Node.Head(),
				Outcome: []Change{{What: "was", From: generic(outcome(t.Effect), t.Layer.Name)}}}
			add(c.key(), c)
		}
	}
	for i := range d.Layers {
		c := &d.Layers[i]
		if c.Step == b.Step.ID && c.from != c.to {
			c.Outcome = append(c.Outcome, Change{What: "size", From: human.Bytes(c.from), To: human.Bytes(c.to)})
		}
	}
}

// common keeps of two lists what is the same in both.
func common(a, b []Change) []Change {
	return slices.DeleteFunc(slices.Clone(a), func(c Change) bool { return !slices.Contains(b, c) })
}

func (s *Step) byLayer() map[string]*Treatment {
	m := make(map[string]*Treatment, len(s.Layers))
	for _, t := range s.Layers {
		m[t.Layer.Name] = t
	}
	return m
}

// rule is the last place that decided a treatment.
func (t *Treatment) rule() diag.Span {
	if n := len(t.Overrides); n > 0 {
		return t.Overrides[n-1].Node.Head()
	}
	if t.Target != nil {
		return t.Target.Node.Span
	}
	if len(t.Rules) > 0 {
		return diag.Span{Source: t.Rules[0].Source, Start: t.Rules[0].Start, End: t.Rules[0].Start + 1}
	}
	return diag.Span{}
}

// key is equal for layers of which one thing is to be said: the same parameters change, or, if none do, the same
// becomes of them.
func (c *LayerChange) key() string {
	var b strings.Builder
	fmt.Fprint(&b, c.What)
	list := c.Params
	if len(list) == 0 {
		list = c.Outcome
		fmt.Fprint(&b, "\x00", kindOf(c.Layers[0]).template)
	}
	for _, x := range list {
		fmt.Fprint(&b, "\x00", x.What, "\x01", x.From, "\x01", x.To)
	}
	return b.String()
}

// paramChanges lists the parameters that differ, by path, in the order of the records.
func paramChanges(a, b *passes.Params) []Change {
	if a == b || a == nil || b == nil || string(a.Canonical()) == string(b.Canonical()) {
		return nil
	}
	was := map[string]string{}
	var order []string
	for _, p := range flat(a.Settings()) {
		was[p.Path] = p.Value
		order = append(order, p.Path)
	}
	is := map[string]string{}
	var out []Change
	for _, p := range flat(b.Settings()) {
		is[p.Path] = p.Value
		if old, ok := was[p.Path]; !ok || old != p.Value {
			out = append(out, Change{What: p.Path, From: old, To: p.Value})
		}
	}
	for _, path := range order {
		if _, ok := is[path]; !ok {
			out = append(out, Change{What: path, From: was[path]})
		}
	}
	return out
}

// flat lists settings by path.
func flat(list []schema.Setting) []Param {
	var out []Param
	var walk func(prefix string, list []schema.Setting)
	walk = func(prefix string, list []schema.Setting) {
		for _, s := range list {
			if inner, ok := s.Value.([]schema.Setting); ok {
				walk(prefix+s.Name+".", inner)
				continue
			}
			if v, ok := s.Value.(float64); ok {
				s.Value = rounded(v)
			}
			out = append(out, Param{Path: prefix + s.Name, Value: s.Inline()})
		}
	}
	walk("", list)
	return out
}

// rounded takes a number to twelve digits: what arithmetic of a recipe leaves behind them, as in 0.7 * 0.7, means nothing.
func rounded(v float64) float64 {
	if r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 12, 64), 64); err == nil {
		return r
	}
	return v
}

// outcomeChanges compares what becomes of a layer. Where parameters tell what changes, words are only needed if the layer
// is now left alone, or no longer is.
func outcomeChanges(layer string, a, b passes.Effect, told bool) []Change {
	var out []Change
	add := func(what, from, to string) {
		if from != to {
			out = append(out, Change{What: what, From: from, To: to})
		}
	}
	state := func(s passes.State) string {
		if s.Gone {
			return "gone"
		}
		return shape(s)
	}
	inherited := state(a.From) != state(b.From) // an earlier step makes the difference, and there it is told
	if !inherited {
		add("weight", state(a.To), state(b.To))
	}
	if !told && !inherited || (a.Did == "") != (b.Did == "") {
		add("becomes", generic(outcome(a), layer), generic(outcome(b), layer))
	}
	return out
}
