package graph

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pare-ml/pare/graph/measure"
	"github.com/pare-ml/pare/internal/human"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/recipe/diag"
)

// TextOptions say how a plan is printed for a person.
type TextOptions struct {
	Width int  // columns; 0: 100
	Full  bool // a line for each layer, nothing grouped or left out
}

// WriteText prints the plan for a person: step by step what each layer becomes and which lines of the recipe say so.
func (p *Plan) WriteText(w io.Writer, options ...TextOptions) error {
	var o TextOptions
	if len(options) > 0 {
		o = options[0]
	}
	if o.Width == 0 {
		o.Width = 100
	}
	p.Estimate()
	t := &planText{plan: p, o: o}
	t.line("Plan for %s", diag.Printable(p.Recipe.Source.Name))
	t.line("   %s: %s, %s parameters, %s", diag.Printable(p.Recipe.Model.Path), plural(p.Before.Layers, "layer"),
		human.Count(p.Before.Params), human.Bytes(p.Before.Bytes))
	for i, s := range p.Steps {
		t.line("")
		t.line("%d. %s%s", i+1, s.title(), p.cachedNote(s))
		t.step(s)
	}
	t.line("")
	t.end()
	_, err := io.WriteString(w, t.b.String())
	return err
}

// planText is the text as far as it is written.
type planText struct {
	plan *Plan
	o    TextOptions
	b    strings.Builder
}

func (t *planText) line(format string, args ...any) {
	t.b.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " "))
	t.b.WriteByte('\n')
}

// wrap writes a text after an indentation, and what does not fit in lines of their own, indented further.
func (t *planText) wrap(indent int, text string) {
	pad := strings.Repeat(" ", indent)
	for _, line := range wrapped(text, t.o.Width-indent-2) {
		t.line("%s%s", pad, line)
		pad = strings.Repeat(" ", indent+2)
	}
}

// wrapped breaks a text at blanks into lines of at most width characters, as far as its words allow.
func wrapped(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}

func (s *Step) title() string {
	name := s.Step.ID
	if name != s.Pass.Name {
		name += ": " + s.Pass.Name
	}
	return name + "  (" + place(s.Step.Node.Head()) + ")"
}

// place is a span as file:line.
func place(s diag.Span) string {
	if s.Source == nil {
		return ""
	}
	line, _ := s.Source.Position(s.Start)
	return fmt.Sprintf("%s:%d", diag.Printable(s.Source.Name), line)
}

func (t *planText) step(s *Step) {
	if s.Skipped != "" {
		t.wrap(3, "left out: "+diag.Printable(s.Skipped))
		return
	}
	if s.AtRun != "" {
		t.wrap(3, "decided at run: left out unless "+diag.Printable(s.AtRun)+"; shown as if it runs")
	}
	for _, n := range s.Needs {
		text := "measures " + describe(n)
		if other := t.plan.sharedWith(s, n); other != nil {
			text += ", made for step " + other.Step.ID + " and shared"
		}
		t.wrap(3, text)
	}
	for _, d := range t.plan.matrices(s) {
		t.wrap(3, fmt.Sprintf("takes the importance of columns from %s (data %s)", diag.Printable(d.Importance), d.Name))
	}
	if s.Did != "" {
		t.wrap(3, diag.Printable(s.Did))
	}
	t.table(s)
	t.sum(s)
	for _, g := range s.Step.Gates {
		t.wrap(3, "then must hold: "+diag.Printable(t.plan.rules[g]))
	}
}

// sum adds up what a step changes.
func (t *planText) sum(s *Step) {
	var from, to passes.State
	changed, touched := 0, 0
	for _, l := range s.Layers {
		e := l.Effect
		if e.Did != "" {
			touched++
		}
		from.Params, to.Params = from.Params+e.From.Params, to.Params+e.To.Params
		from.Bytes, to.Bytes = from.Bytes+e.From.Bytes, to.Bytes+e.To.Bytes
		if e.From.Bytes != e.To.Bytes || e.From.Params != e.To.Params {
			changed++
		}
	}
	var parts []string
	if changed > 1 {
		text := fmt.Sprintf("%d layers %s -> %s", changed, human.Bytes(from.Bytes), human.Bytes(to.Bytes))
		if n := from.Params - to.Params; n > 0 {
			text += fmt.Sprintf(", %s parameters fewer", human.Count(int64(n)))
		}
		parts = append(parts, text)
	}
	if s.Cost.Work > 0 {
		parts = append(parts, "about "+human.Short(s.Cost.Work)+" multiply-adds")
	}
	if len(s.Needs) > 0 || s.Cost.Work > 0 {
		parts = append(parts, "about "+human.Bytes(s.Cost.Memory)+" of memory")
	}
	if len(parts) > 0 {
		t.wrap(3, "in all: "+strings.Join(parts, "; "))
	}
}

func (t *planText) end() {
	p := t.plan
	for _, o := range p.Recipe.Outputs {
		text := fmt.Sprintf("Writes %s (%s)", o.Path, o.Format)
		if tests := p.Tests(); len(tests) > 0 {
			text += ", reads it back and measures it on " + strings.Join(tests, ", ")
			if !slices.ContainsFunc(p.Actions, func(a *Action) bool { return a.Do == Evaluate && !a.Cached }) {
				text += " (cached)"
			}
		}
		t.wrap(0, diag.Printable(text)+".")
	}
	for _, g := range p.Gates {
		t.wrap(0, "Gate: "+diag.Printable(g)+".")
	}
	t.line("")
	removed := ""
	if n := p.Before.Params - p.After.Params; n > 0 {
		removed = fmt.Sprintf(", %s removed", human.Count(n))
	}
	t.line("Parameters   %s -> %s%s", human.Count(p.Before.Params), human.Count(p.After.Params), removed)
	t.line("Size         %s -> %s (%s), %.2f bits for each parameter that came in", human.Bytes(p.Before.Bytes), human.Bytes(p.After.Bytes),
		human.Percent(ratio(p.After.Bytes, p.Before.Bytes)), bits(p.After.Bytes, p.Before.Params))
	if p.Before.Work > 0 && p.After.Work > 0 {
		t.line("Work         %s -> %s multiply-adds a sample", human.Short(p.Before.Work), human.Short(p.After.Work))
	}
	if memory, where := p.peak(); memory > 0 {
		t.line("Peak memory  about %s, %s", human.Bytes(memory), where)
	}
}

// peak is the largest estimate of memory, and when it is reached.
func (p *Plan) peak() (memory int64, where string) {
	memory, where = p.Evaluation.Memory, "when the artefact is measured"
	for _, s := range p.Steps {
		if s.Cost.Memory > memory {
			memory, where = s.Cost.Memory, "in step "+s.Step.ID
		}
	}
	return memory, where
}

func ratio(a, b int64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// bits for each of n parameters.
func bits(bytes, n int64) float64 { return 8 * ratio(bytes, n) }

// describe puts a measurement in words.
func describe(n measure.Need) string {
	what := map[string]string{
		"taylor": "the loss's gradient by every weight", "activation": "how often each channel is zero, and its mean size",
		"range": "ranges of activations (" + n.Observer.Kind + ")",
	}[n.Kind]
	if what == "" {
		what = n.Kind
	}
	if n.Samples == 0 {
		return fmt.Sprintf("%s on all of %s", what, n.Data)
	}
	return fmt.Sprintf("%s on %s of %s", what, plural(n.Samples, "sample"), n.Data)
}
