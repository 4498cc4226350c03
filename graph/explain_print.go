package graph

import (
	"fmt"
	"io"
	"strings"

	"github.com/pare-ml/pare/internal/human"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/recipe/diag"
)

// ExplainOptions say how an explanation is printed for a person.
type ExplainOptions struct {
	Width int  // columns; 0: 100
	All   bool // defaults too, and overrides that do not match
}

// WriteText prints the explanation for a person.
func (x *Explanation) WriteText(w io.Writer, o ExplainOptions) error {
	if o.Width == 0 {
		o.Width = 100
	}
	t := &planText{o: TextOptions{Width: o.Width}}
	t.line("%s: %s", diag.Printable(x.Layer.Name), headline(x))
	for i, e := range x.Steps {
		t.line("")
		t.line("%d. %s", i+1, e.Step.title())
		t.explained(e, o.All)
	}
	_, err := io.WriteString(w, t.b.String())
	return err
}

func headline(x *Explanation) string {
	l, from := x.Layer, passes.StateOf(x.Layer)
	words := l.Type
	if len(l.Roles) > 0 {
		words += " (" + strings.Join(l.Roles, ", ") + ")"
	} else if l.Role != "" {
		words += " (" + l.Role + ")"
	}
	words += ", " + change(from, x.To)
	if x.To.Gone {
		return words
	}
	return words + ", " + size(from, x.To)
}

func (t *planText) explained(e *Explained, all bool) {
	text := e.Reason
	if at := e.Rule; at.Source != nil {
		text += " (" + at.String() + ")"
	}
	t.wrap(3, diag.Printable(text))
	for _, m := range e.Overrides {
		t.matched(m, all)
	}
	var rows [][2]string
	for _, p := range e.Params {
		if p.Default && !all {
			continue
		}
		where := "default"
		if !p.Default {
			where = p.Rule.String()
		}
		rows = append(rows, [2]string{p.Path + ": " + p.Value, where})
	}
	if len(rows) > 0 {
		t.line("   parameters")
		t.pairs(rows)
	}
	if e.Treatment == nil {
		return
	}
	f := e.Treatment.Effect
	if f.Did != "" || f.Why != "" {
		text := diag.Printable(outcome(f))
		if f.Did != "" {
			text = "becomes: " + text
		}
		t.wrap(3, text)
	}
	if c := change(f.From, f.To); f.Did != "" && (f.From.Bytes != f.To.Bytes || f.To.Gone) {
		t.line("   %s, %s", c, size(f.From, f.To))
	}
}

// outcome puts in words what a pass does to a layer.
func outcome(f passes.Effect) string {
	text := f.Did
	switch {
	case text == "":
		text = "left alone: " + f.Why
	case f.Why != "":
		text += "; " + f.Why
	}
	if len(f.Carried) > 0 {
		text += "; carries " + Names(f.Carried, 4)
	}
	if n := f.From.Params - f.To.Params; n > 0 && !f.To.Gone {
		text += fmt.Sprintf("; %s parameters fewer", human.Count(int64(n)))
	}
	return text
}

func (t *planText) matched(m Matched, all bool) {
	at := m.Override.Node.Head().String()
	if !m.Matches {
		if all {
			t.wrap(3, fmt.Sprintf("override %s does not match: %s", at, diag.Printable(m.Why)))
		}
		return
	}
	t.wrap(3, fmt.Sprintf("override %s matches and sets", at))
	var rows [][2]string
	for _, s := range m.Sets {
		note := ""
		if s.Lost.Source != nil {
			note = "set again by the override " + s.Lost.String()
		}
		rows = append(rows, [2]string{s.Path + ": " + s.Value, note})
	}
	t.pairs(rows)
}

// pairs prints rows of two columns.
func (t *planText) pairs(rows [][2]string) {
	wide := 0
	for _, r := range rows {
		wide = max(wide, min(50, len(r[0])))
	}
	for _, r := range rows {
		t.line("     %-*s  %s", wide, diag.Printable(r[0]), diag.Printable(r[1]))
	}
}

type explanationJSON struct {
	Layer string          `json:"layer"`
	Type  string          `json:"type"`
	Role  string          `json:"role,omitempty"`
	From  stateJSON       `json:"from"`
	To    stateJSON       `json:"to"`
	Steps []explainedJSON `json:"steps"`
}

type explainedJSON struct {
	ID        string        `json:"id"`
	Pass      string        `json:"pass"`
	At        string        `json:"at"` // file:line:column
	AtRun     string        `json:"at_run,omitempty"`
	Picked    bool          `json:"picked"`
	Reason    string        `json:"reason"`
	Rule      string        `json:"rule,omitempty"`
	Overrides []matchedJSON `json:"overrides,omitempty"`
	Params    []paramJSON   `json:"params,omitempty"`
	Did       string        `json:"did,omitempty"`
	Why       string        `json:"why,omitempty"`
	Carried   []string      `json:"carried,omitempty"`
	From      *stateJSON    `json:"from,omitempty"`
	To        *stateJSON    `json:"to,omitempty"`
}

type matchedJSON struct {
	At      string    `json:"at"`
	Matches bool      `json:"matches"`
	Why     string    `json:"why,omitempty"`
	Sets    []setJSON `json:"sets,omitempty"`
}

type setJSON struct {
	Param string `json:"param"`
	Value string `json:"value"`
	At    string `json:"at"`
	Lost  string `json:"set_again_at,omitempty"`
}

type paramJSON struct {
	Param   string `json:"param"`
	Value   string `json:"value"`
	At      string `json:"at,omitempty"`
	Default bool   `json:"default,omitempty"`
}

// WriteJSON prints the explanation for programs: everything, defaults included.
func (x *Explanation) WriteJSON(w io.Writer) error {
	out := explanationJSON{Layer: x.Layer.Name, Type: x.Layer.Type, Role: x.Layer.Role, From: stateToJSON(passes.StateOf(x.Layer)),
		To: stateToJSON(x.To), Steps: []explainedJSON{}}
	for _, e := range x.Steps {
		j := explainedJSON{ID: e.Step.Step.ID, Pass: e.Step.Pass.Name, At: e.Step.Step.Node.Head().String(), AtRun: e.Step.AtRun,
			Picked: e.Picked, Reason: e.Reason, Rule: e.Rule.String()}
		for _, m := range e.Overrides {
			o := matchedJSON{At: m.Override.Node.Head().String(), Matches: m.Matches, Why: m.Why}
			for _, s := range m.Sets {
				o.Sets = append(o.Sets, setJSON{s.Path, s.Value, s.Rule.String(), s.Lost.String()})
			}
			j.Overrides = append(j.Overrides, o)
		}
		for _, p := range e.Params {
			j.Params = append(j.Params, paramJSON{p.Path, p.Value, p.Rule.String(), p.Default})
		}
		if t := e.Treatment; t != nil {
			from, to := stateToJSON(t.Effect.From), stateToJSON(t.Effect.To)
			j.Did, j.Why, j.Carried, j.From, j.To = t.Effect.Did, t.Effect.Why, t.Effect.Carried, &from, &to
		}
		out.Steps = append(out.Steps, j)
	}
	return writeJSON(w, out)
}
