package recipe

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/pare-ml/pare/recipe/condition"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// WriteEffective writes a complete recipe that means the same with nothing left open: every default written out, every
// ${{ }} filled in from the variables and from facts (model, target). Parsed again it gives the same parameters. It is
// for a recipe that Parse reported no error about.
func (r *Recipe) WriteEffective(w io.Writer, facts condition.Facts) error {
	e := effective{recipe: r, facts: facts}
	e.line(0, "# The effective recipe: every default written out, every variable filled in.")
	e.line(0, "# Paths are relative to the recipe that it came from.")
	e.line(0, "version: %d", Version)
	e.text("name", r.Name)
	e.text("description", r.Description)
	e.vars()
	e.model()
	e.text("target", r.Target.Name+r.Target.Path)
	e.data()
	e.line(0, "seed: %d", r.Seed)
	e.line(0, "passes:%s", emptyList(len(r.Steps)))
	for _, s := range r.Steps {
		if err := e.step(s); err != nil {
			return fmt.Errorf("step %s: %w", s.ID, err)
		}
	}
	e.gates(0, r.Gates)
	e.outputs()
	_, err := w.Write(e.b.Bytes())
	return err
}

type effective struct {
	b      bytes.Buffer
	recipe *Recipe
	facts  condition.Facts
}

func (e *effective) line(indent int, format string, args ...any) {
	e.b.WriteString(strings.Repeat("  ", indent))
	fmt.Fprintf(&e.b, format, args...)
	e.b.WriteByte('\n')
}

func emptyList(n int) string {
	if n == 0 {
		return " []"
	}
	return ""
}

func (e *effective) text(key, value string) {
	if value != "" {
		e.line(0, "%s: %s", key, schema.FormatValue(value, schema.KindString))
	}
}

// vars keeps the variables that conditions ask about; all others have been filled in.
func (e *effective) vars() {
	first := true
	for _, v := range e.recipe.Vars {
		if !e.asked("vars." + v.Name) {
			continue
		}
		if first {
			e.line(0, "vars:")
			first = false
		}
		e.line(1, "%s: %s", v.Name, schema.FormatValue(v.Value, v.Kind))
	}
}

// asked tells whether a condition of the recipe uses a fact.
func (e *effective) asked(fact string) bool {
	uses := func(c *condition.Condition) bool { return c != nil && slices.Contains(c.Uses, fact) }
	in := func(list []*Selector) bool {
		return slices.ContainsFunc(list, func(s *Selector) bool { return uses(s.When) })
	}
	for _, s := range e.recipe.Steps {
		if uses(s.When) || in(s.Targets) || in(s.Ignore) {
			return true
		}
		for _, o := range s.Overrides {
			if uses(o.When) || in(o.Targets) {
				return true
			}
		}
	}
	return slices.ContainsFunc(e.recipe.allGates(), func(g *Gate) bool { return uses(g.Expr) })
}

// allGates lists the gates of the steps and those of the result.
func (r *Recipe) allGates() []*Gate {
	var out []*Gate
	for _, s := range r.Steps {
		out = append(out, s.Gates...)
	}
	return append(out, r.Gates...)
}

func (e *effective) model() {
	bound := new(Model)
	o := modelFields(bound)
	*bound = e.recipe.Model
	e.line(0, "model: %s", schema.Inline(o.Settings()))
}

func (e *effective) data() {
	if len(e.recipe.Data) == 0 {
		return
	}
	e.line(0, "data:")
	for _, d := range e.recipe.Data {
		bound := new(Data)
		o := dataFields(bound)
		*bound = d
		e.line(1, "%s: %s", schema.Inline(d.Name), schema.Inline(o.Settings()))
	}
}

func (e *effective) step(s *Step) error {
	w := e.recipe.lang.pass(s.Pass)
	settings, err := e.settings(w, s.Params)
	if err != nil {
		return err
	}
	e.line(1, "- id: %s", schema.Inline(s.ID))
	e.mapping(2, s.Pass, settings)
	e.selectors(2, "targets", s.Targets)
	e.selectors(2, "ignore", s.Ignore)
	e.condition(2, "when", s.When)
	if s.Expect.Node != nil {
		bound := new(Expect)
		o := expectFields(bound)
		*bound = s.Expect
		e.line(2, "expect: %s", schema.Inline(o.Settings()))
	}
	if len(s.Gates) > 0 {
		e.gates(2, s.Gates)
	}
	if len(s.Overrides) > 0 {
		e.line(2, "overrides:")
	}
	for _, o := range s.Overrides {
		merged, err := e.settings(w, w.fields().Merge(s.Params, o.Set))
		if err != nil {
			return err
		}
		var keys []string
		if len(o.Targets) > 0 {
			keys = append(keys, "targets: "+inlineSelectors(o.Targets))
		}
		if o.When != nil {
			keys = append(keys, "when: "+strconv.Quote(o.When.Text))
		}
		keys = append(keys, "set: "+schema.Inline(only(merged, o.Set)))
		e.line(3, "- %s", strings.Join(keys, "\n        "))
	}
	return nil
}

// settings decodes parameters and returns their values, defaults included.
func (e *effective) settings(w *PassWord, n *syntax.Node) ([]schema.Setting, error) {
	o := w.fields()
	if !e.recipe.Decoder(e.facts, nil).Decode(n, o) {
		return nil, fmt.Errorf("its parameters have no effective values")
	}
	return o.Settings(), nil
}

// only keeps of the settings those that the mapping n sets.
func only(settings []schema.Setting, n *syntax.Node) []schema.Setting {
	var out []schema.Setting
	for _, s := range settings {
		v := n.Get(s.Name)
		if v == nil {
			continue
		}
		if inner, ok := s.Value.([]schema.Setting); ok && v.Kind == syntax.Mapping {
			s.Value = only(inner, v)
		}
		out = append(out, s)
	}
	return out
}

// mapping writes a mapping with a line for each key.
func (e *effective) mapping(indent int, key string, settings []schema.Setting) {
	if len(settings) == 0 {
		e.line(indent, "%s: {}", key)
		return
	}
	e.line(indent, "%s:", key)
	for _, s := range settings {
		e.line(indent+1, "%s: %s", s.Name, s.Inline())
	}
}

func (e *effective) selectors(indent int, key string, list []*Selector) {
	if len(list) > 0 {
		e.line(indent, "%s: %s", key, inlineSelectors(list))
	}
}

func inlineSelectors(list []*Selector) string {
	words := make([]string, len(list))
	for i, s := range list {
		switch {
		case s.inner == nil:
			words[i] = strconv.Quote(s.Text)
		case s.When == nil:
			words[i] = fmt.Sprintf("{targets: %s}", inlineSelectors(s.inner))
		default:
			words[i] = fmt.Sprintf("{targets: %s, when: %s}", inlineSelectors(s.inner), strconv.Quote(s.When.Text))
		}
	}
	return "[" + strings.Join(words, ", ") + "]"
}

func (e *effective) condition(indent int, key string, c *condition.Condition) {
	if c != nil {
		e.line(indent, "%s: %s", key, strconv.Quote(c.Text))
	}
}

func (e *effective) gates(indent int, list []*Gate) {
	e.line(indent, "gates:%s", emptyList(len(list)))
	for _, g := range list {
		words := []string{"name: " + strconv.Quote(g.Name)}
		if g.Expr != nil {
			words = append(words, "expect: "+strconv.Quote(g.Expr.Text))
		} else {
			words = append(words, "metric: "+g.Metric)
			if g.Data != "" {
				words = append(words, "data: "+schema.Inline(g.Data))
			}
			if g.At != "" {
				words = append(words, "at: "+g.At)
			}
			words = append(words, fmt.Sprintf("%s: %s", g.Limit, e.limit(g)))
			if g.Confidence != 0 {
				words = append(words, "confidence: "+schema.FormatValue(g.Confidence, schema.KindRatio))
			}
		}
		words = append(words, "on_fail: "+g.OnFail)
		e.line(indent+1, "- {%s}", strings.Join(words, ", "))
	}
}

// limit writes the limit of a gate in the unit of its metric.
func (e *effective) limit(g *Gate) string {
	unit := ""
	if w := word(e.recipe.lang.Metrics, g.Metric); w != nil {
		unit = w.Unit
	}
	switch {
	case g.Limit == PercentMaxDegradation, unit == "share":
		return schema.FormatValue(g.Value, schema.KindRatio)
	case unit == "bytes":
		return schema.FormatValue(int64(g.Value), schema.KindBytes)
	}
	return schema.FormatValue(g.Value, schema.KindFloat)
}

func (e *effective) outputs() {
	e.line(0, "outputs:%s", emptyList(len(e.recipe.Outputs)))
	for _, o := range e.recipe.Outputs {
		e.line(1, "- {format: %s, path: %s%s}", schema.Inline(o.Format), schema.Inline(o.Path), o.GGUF.inline())
	}
}

// inline is what is said of GGUF files, if anything is.
func (g GGUFOutput) inline() string {
	var parts []string
	if g.Compatible {
		parts = append(parts, "compatible: true")
	}
	if g.SplitMaxSize > 0 {
		parts = append(parts, "split_max_size: "+schema.FormatValue(g.SplitMaxSize, schema.KindBytes))
	}
	if g.SplitMaxTensors > 0 {
		parts = append(parts, "split_max_tensors: "+strconv.Itoa(g.SplitMaxTensors))
	}
	if g.NoTensorFirstSplit {
		parts = append(parts, "no_tensor_first_split: true")
	}
	if parts == nil {
		return ""
	}
	return ", gguf: {" + strings.Join(parts, ", ") + "}"
}
