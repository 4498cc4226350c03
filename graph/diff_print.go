package graph

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/internal/human"
	"github.com/pare-ml/pare/recipe/diag"
)

// WriteText prints the difference for a person.
func (d *Difference) WriteText(w io.Writer, width int) error {
	if width == 0 {
		width = 100
	}
	t := &planText{o: TextOptions{Width: width}}
	t.line("%s -> %s", diag.Printable(d.A.Recipe.Source.Name), diag.Printable(d.B.Recipe.Source.Name))
	if d.Empty() {
		t.line("no layer is treated differently, and nothing else changes")
	}
	for _, r := range d.totals() {
		t.line("   %-12s %s", r[0], r[1])
	}
	if len(d.Gates) > 0 {
		t.line("\ngates")
	}
	for _, g := range d.Gates {
		t.change(3, fmt.Sprintf("%s: ", g.Kind), g.From, g.To)
	}
	if len(d.Settings) > 0 {
		t.line("\nrecipe")
	}
	for _, c := range d.Settings {
		t.changed(3, c)
	}
	for _, id := range d.order() {
		t.line("\nstep %s", diag.Printable(id))
		for _, c := range d.Steps {
			if c.Step == id {
				t.stepChange(c)
			}
		}
		for _, c := range d.Layers {
			if c.Step == id {
				t.layerChange(c)
			}
		}
	}
	for _, c := range d.Steps {
		if c.Step == "" {
			t.line("")
			t.stepChange(c)
		}
	}
	_, err := io.WriteString(w, t.b.String())
	return err
}

// order lists the steps that change: those of the old plan that are gone, then in the order of the new plan.
func (d *Difference) order() []string {
	changed := map[string]bool{}
	for _, c := range d.Steps {
		changed[c.Step] = true
	}
	for _, c := range d.Layers {
		changed[c.Step] = true
	}
	var out []string
	for _, p := range []*Plan{d.A, d.B} {
		for _, s := range p.Steps {
			if id := s.Step.ID; changed[id] && (p == d.B || !d.B.has(id)) {
				out = append(out, id)
			}
		}
	}
	return out
}

func (p *Plan) has(id string) bool {
	for _, s := range p.Steps {
		if s.Step.ID == id {
			return true
		}
	}
	return false
}

func (t *planText) stepChange(c StepChange) {
	if len(c.Changes) == 0 {
		t.wrap(3, diag.Printable(c.What))
	}
	for _, x := range c.Changes {
		t.changed(3, x)
	}
}

func (t *planText) layerChange(c LayerChange) {
	head := Names(c.Layers, 4)
	if len(c.Layers) > 1 {
		head += fmt.Sprintf(" (%d layers)", len(c.Layers))
	}
	if c.What != "changed" {
		head += ": " + c.What
	}
	t.wrap(3, head)
	for _, x := range c.changes() {
		t.changed(5, x)
	}
}

// changes of parameters and outcome, with the numbers of all layers in place.
func (c *LayerChange) changes() []Change {
	return append(specificChanges(c.Params, c.Layers), specificChanges(c.Outcome, c.Layers)...)
}

func specificChanges(list []Change, layers []string) []Change {
	var out []Change
	for _, x := range list {
		x.From, x.To = specific(x.From, layers), specific(x.To, layers)
		out = append(out, x)
	}
	return out
}

// changed prints what becomes of what: in one line if it fits, else the new below the old.
func (t *planText) changed(indent int, c Change) {
	if c.From == "" || c.To == "" {
		t.wrap(indent, diag.Printable(changeText(c)))
		return
	}
	t.change(indent, c.What+": ", c.From, c.To)
}

func (t *planText) change(indent int, what, from, to string) {
	what, from, to = diag.Printable(what), diag.Printable(from), diag.Printable(to)
	switch text := what + from + " -> " + to; {
	case from == "" || to == "":
		t.wrap(indent, what+from+to)
	case indent+utf8.RuneCountInString(text) <= t.o.Width:
		t.line("%s%s", strings.Repeat(" ", indent), text)
	default:
		t.wrap(indent, what+from)
		t.wrap(indent+2, "-> "+to)
	}
}

// totals are the rows that stand first: parameters, size, work.
func (d *Difference) totals() [][2]string {
	a, b := d.A.After, d.B.After
	rows := [][2]string{
		{"parameters", was(human.Count(a.Params), human.Count(b.Params), a.Params, b.Params)},
		{"size", was(human.Bytes(a.Bytes), human.Bytes(b.Bytes), a.Bytes, b.Bytes)},
	}
	if a.Work > 0 || b.Work > 0 {
		rows = append(rows, [2]string{"work", was(human.Short(a.Work), human.Short(b.Work)+" multiply-adds a sample", a.Work, b.Work)})
	}
	return rows
}

func was(from, to string, a, b int64) string {
	if a == b {
		return to + ", as before"
	}
	text := from + " -> " + to
	if a > 0 {
		text += fmt.Sprintf(" (%+.1f%%)", 100*(ratio(b, a)-1))
	}
	return text
}

// WriteMarkdown prints the difference as a comment for a review: totals first, then what a reviewer must not miss, then
// a table of steps and layers. Names and texts of recipes are escaped.
func (d *Difference) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	code := evaluate.MarkdownCode
	fmt.Fprintf(&b, "### %s → %s\n\n", code(d.A.Recipe.Source.Name), code(d.B.Recipe.Source.Name))
	b.WriteString("| | change |\n|---|---|\n")
	for _, r := range d.totals() {
		fmt.Fprintf(&b, "| %s | %s |\n", r[0], strings.ReplaceAll(r[1], "->", "→"))
	}
	if d.Empty() {
		b.WriteString("\nNo layer is treated differently, and nothing else changes.\n")
	}
	if len(d.Gates) > 0 {
		b.WriteString("\n| gate | before | after |\n|---|---|---|\n")
	}
	for _, g := range d.Gates {
		kind := string(g.Kind)
		if g.Kind == Loosened || g.Kind == Removed {
			kind = "⚠️ **" + kind + "**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", kind, cell(g.From), cell(g.To))
	}
	if len(d.Settings) > 0 {
		b.WriteString("\n| recipe | before | after |\n|---|---|---|\n")
	}
	for _, c := range d.Settings {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", code(c.What), cell(c.From), cell(c.To))
	}
	if len(d.Steps)+len(d.Layers) > 0 {
		b.WriteString("\n| step | layers | change |\n|---|---|---|\n")
	}
	row := func(step, layers string, changes []string) {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", cell(step), layers, strings.Join(changes, "<br>"))
	}
	for _, id := range append(d.order(), "") {
		for _, c := range d.Steps {
			if c.Step == id {
				row(id, "", markdownChanges(c.What, c.Changes))
			}
		}
		for _, c := range d.Layers {
			if c.Step == id {
				row(id, fmt.Sprintf("%s (%d)", code(Names(c.Layers, 4)), len(c.Layers)), markdownChanges(c.What, c.changes()))
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func cell(text string) string {
	if text == "" {
		return "–"
	}
	return evaluate.MarkdownCode(text)
}

func markdownChanges(what string, list []Change) []string {
	var out []string
	if what != "changed" && what != "order" {
		out = append(out, evaluate.MarkdownText(what))
	}
	for _, c := range list {
		text := evaluate.MarkdownText(c.What) + ": "
		switch {
		case c.From == "":
			text += cell(c.To)
		case c.To == "" && c.What == "was":
			text += cell(c.From)
		case c.To == "":
			text += "no longer " + cell(c.From)
		default:
			text += cell(c.From) + " → " + cell(c.To)
		}
		out = append(out, text)
	}
	return out
}

type differenceJSON struct {
	A        sideJSON          `json:"a"`
	B        sideJSON          `json:"b"`
	Same     bool              `json:"same"`
	Gates    []gateChangeJSON  `json:"gates"`
	Settings []changeJSON      `json:"settings"`
	Steps    []stepChangeJSON  `json:"steps"`
	Layers   []layerChangeJSON `json:"layers"`
}

type sideJSON struct {
	Recipe string     `json:"recipe"`
	Before totalsJSON `json:"before"`
	After  totalsJSON `json:"after"`
}

type changeJSON struct {
	What string `json:"what"`
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	At   string `json:"at,omitempty"`
}

type gateChangeJSON struct {
	Kind GateKind `json:"kind"`
	Gate string   `json:"gate"`
	From string   `json:"from,omitempty"`
	To   string   `json:"to,omitempty"`
	At   string   `json:"at,omitempty"`
}

type stepChangeJSON struct {
	Step    string       `json:"step,omitempty"`
	What    string       `json:"what"`
	Changes []changeJSON `json:"changes,omitempty"`
	At      string       `json:"at,omitempty"`
}

type layerChangeJSON struct {
	Step    string       `json:"step"`
	Layers  []string     `json:"layers"`
	What    string       `json:"what"`
	Params  []changeJSON `json:"params,omitempty"`
	Outcome []changeJSON `json:"outcome,omitempty"`
	At      string       `json:"at,omitempty"`
}

// WriteJSON prints the difference for programs.
func (d *Difference) WriteJSON(w io.Writer) error {
	side := func(p *Plan) sideJSON {
		return sideJSON{p.Recipe.Source.Name, totalsJSON{p.Before, bits(p.Before.Bytes, p.Before.Params)}, totalsJSON{p.After, bits(p.After.Bytes, p.Before.Params)}}
	}
	out := differenceJSON{A: side(d.A), B: side(d.B), Same: d.Empty(), Gates: []gateChangeJSON{}, Settings: changesJSON(d.Settings),
		Steps: []stepChangeJSON{}, Layers: []layerChangeJSON{}}
	for _, g := range d.Gates {
		out.Gates = append(out.Gates, gateChangeJSON{g.Kind, g.Gate, g.From, g.To, g.Rule.String()})
	}
	for _, c := range d.Steps {
		out.Steps = append(out.Steps, stepChangeJSON{c.Step, c.What, changesJSON(c.Changes), c.Rule.String()})
	}
	for _, c := range d.Layers {
		out.Layers = append(out.Layers, layerChangeJSON{c.Step, c.Layers, c.What, changesJSON(specificChanges(c.Params, c.Layers)), changesJSON(specificChanges(c.Outcome, c.Layers)), c.Rule.String()})
	}
	return writeJSON(w, out)
}

func changesJSON(list []Change) []changeJSON {
	out := []changeJSON{}
	for _, c := range list {
		out = append(out, changeJSON{c.What, c.From, c.To, c.Rule.String()})
	}
	return out
}
