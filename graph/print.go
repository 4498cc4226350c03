package graph

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/pare-ml/pare/graph/measure"
	"github.com/pare-ml/pare/internal/human"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/recipe/diag"
)

// WriteText prints the plan for a person: step by step what each layer becomes and which lines of the recipe say so.
func (p *Plan) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Plan for %s: %s, %s, %s parameters, %s\n", p.Recipe.Source.Name, diag.Printable(p.Recipe.Model.Path),
		plural(p.Before.Layers, "layer"), human.Count(p.Before.Params), human.Bytes(p.Before.Bytes))
	for i, s := range p.Steps {
		fmt.Fprintf(&b, "\n%d. %s\n", i+1, s.title())
		if s.Skipped != "" {
			fmt.Fprintf(&b, "   left out: %s\n", s.Skipped)
			continue
		}
		for _, n := range s.Needs {
			fmt.Fprintf(&b, "   measures %s\n", describe(n))
		}
		if s.Did != "" {
			fmt.Fprintf(&b, "   %s\n", diag.Printable(s.Did))
		}
		s.table(&b)
	}
	fmt.Fprintln(&b)
	for _, o := range p.Recipe.Outputs {
		fmt.Fprintf(&b, "Writes %s (%s)", o.Path, o.Format)
		if tests := p.Tests(); len(tests) > 0 {
			fmt.Fprintf(&b, ", reads it back and measures it on %s", strings.Join(tests, ", "))
		}
		fmt.Fprintln(&b, ".")
	}
	for _, g := range p.Gates {
		fmt.Fprintf(&b, "Gate: %s.\n", diag.Printable(g))
	}
	fmt.Fprintf(&b, "Layers: %s -> %s parameters, %s -> %s (%s)", human.Count(p.Before.Params), human.Count(p.After.Params),
		human.Bytes(p.Before.Bytes), human.Bytes(p.After.Bytes), human.Percent(ratio(p.After.Bytes, p.Before.Bytes)))
	if p.Before.Work > 0 && p.After.Work > 0 {
		fmt.Fprintf(&b, ", %s -> %s multiply-adds a sample", human.Short(p.Before.Work), human.Short(p.After.Work))
	}
	fmt.Fprintln(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func ratio(a, b int64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

func (s *Step) title() string {
	if s.Step.ID == s.Pass.Name {
		return s.Pass.Name
	}
	return fmt.Sprintf("%s (%s)", s.Step.ID, s.Pass.Name)
}

// table prints a line for each layer that changes or that was asked for and is left alone.
func (s *Step) table(b *strings.Builder) {
	tw := tabwriter.NewWriter(b, 0, 8, 2, ' ', 0)
	quiet := 0
	for _, t := range s.Layers {
		e := t.Effect
		if e.Did == "" && e.Why == "" {
			quiet++
			continue
		}
		fmt.Fprintf(tw, "   %s\t%s\t%s\t%s\t%s\n", diag.Printable(t.Layer.Name), change(e.From, e.To), size(e.From, e.To),
			diag.Printable(said(e)), lines(t.Rules))
	}
	tw.Flush()
	if quiet > 0 {
		fmt.Fprintf(b, "   %s unchanged in shape and type\n", plural(quiet, "layer"))
	}
}

func said(e passes.Effect) string {
	text := e.Did
	switch {
	case text == "":
		text = "left alone: " + e.Why
	case e.Why != "":
		text += "; " + e.Why
	}
	if len(e.Carried) > 0 {
		text += "; carries " + strings.Join(shorten(e.Carried, 4), ", ")
	}
	return text
}

// change shows the shape and type of a layer's weight, and what they become if that differs.
func change(from, to passes.State) string {
	if to.Gone {
		return shape(from) + " -> gone"
	}
	a, b := shape(from), shape(to)
	if a == b {
		return a
	}
	if as, bs := dims(from.Shape), dims(to.Shape); as == bs {
		return fmt.Sprintf("%s %s -> %s", as, from.DType, to.DType)
	} else if from.DType == to.DType {
		return fmt.Sprintf("%s -> %s %s", as, bs, from.DType)
	}
	return a + " -> " + b
}

func shape(s passes.State) string {
	if s.Shape == nil && s.Params == 0 {
		return "-"
	}
	return dims(s.Shape) + " " + s.DType.String()
}

func dims(shape []int) string {
	parts := make([]string, len(shape))
	for i, d := range shape {
		parts[i] = fmt.Sprint(d)
	}
	return strings.Join(parts, "x")
}

func size(from, to passes.State) string {
	if to.Gone || from.Bytes == to.Bytes {
		return human.Bytes(from.Bytes)
	}
	return human.Bytes(from.Bytes) + " -> " + human.Bytes(to.Bytes)
}

// lines names the lines of the recipe that decided, without the file's name, which heads the plan.
func lines(rules []diag.Span) string {
	var out []string
	for _, r := range rules {
		line, _ := r.Source.Position(r.Start)
		out = append(out, fmt.Sprint(line))
	}
	if len(out) == 0 {
		return ""
	}
	return "line " + strings.Join(out, ", ")
}

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

// planJSON is the plan as `pare plan --json` prints it. Fields are added, never renamed or removed.
type planJSON struct {
	Recipe  string       `json:"recipe"`
	Model   string       `json:"model"`
	Before  Totals       `json:"before"`
	After   Totals       `json:"after"`
	Steps   []stepJSON   `json:"steps"`
	Gates   []string     `json:"gates"`
	Actions []actionJSON `json:"actions"`
}

type stepJSON struct {
	ID       string          `json:"id"`
	Pass     string          `json:"pass"`
	Version  int             `json:"pass_version"`
	Skipped  string          `json:"skipped,omitempty"`
	Params   json.RawMessage `json:"params"`
	Measures []needJSON      `json:"measures,omitempty"`
	Layers   []layerJSON     `json:"layers"`
}

type needJSON struct {
	Kind    string `json:"kind"`
	Data    string `json:"data"`
	Samples int    `json:"samples"` // 0: all
}

type layerJSON struct {
	Name    string          `json:"name"`
	Type    string          `json:"type,omitempty"`
	Role    string          `json:"role,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Rules   []string        `json:"rules,omitempty"` // file:line:column
	Did     string          `json:"did,omitempty"`
	Why     string          `json:"why,omitempty"`
	Carried []string        `json:"carried,omitempty"`
	From    stateJSON       `json:"from"`
	To      stateJSON       `json:"to"`
}

type stateJSON struct {
	DType  string `json:"dtype,omitempty"`
	Shape  []int  `json:"shape,omitempty"`
	Params int    `json:"params"`
	Bytes  int64  `json:"bytes"`
	Gone   bool   `json:"gone,omitempty"`
}

type actionJSON struct {
	ID     int      `json:"id"`
	Do     Doing    `json:"do"`
	Step   string   `json:"step,omitempty"`
	Layers []string `json:"layers,omitempty"`
	What   string   `json:"what,omitempty"`
	Inputs []int    `json:"inputs,omitempty"`
}

// WriteJSON prints the plan for programs.
func (p *Plan) WriteJSON(w io.Writer) error {
	out := planJSON{Recipe: p.Recipe.Source.Name, Model: p.Recipe.Model.Path, Before: p.Before, After: p.After, Gates: p.Gates}
	for _, s := range p.Steps {
		sj := stepJSON{ID: s.Step.ID, Pass: s.Pass.Name, Version: s.Pass.Version, Skipped: s.Skipped,
			Params: s.Params.Canonical(), Layers: []layerJSON{}}
		for _, n := range s.Needs {
			sj.Measures = append(sj.Measures, needJSON{n.Kind, n.Data, n.Samples})
		}
		for _, t := range s.Layers {
			lj := layerJSON{Name: t.Layer.Name, Type: t.Layer.Type, Role: t.Layer.Role, Did: t.Effect.Did, Why: t.Effect.Why,
				Carried: t.Effect.Carried, From: stateToJSON(t.Effect.From), To: stateToJSON(t.Effect.To)}
			if t.Params != nil && !s.Pass.Whole {
				lj.Params = t.Params.Canonical()
			}
			for _, r := range t.Rules {
				lj.Rules = append(lj.Rules, r.String())
			}
			sj.Layers = append(sj.Layers, lj)
		}
		out.Steps = append(out.Steps, sj)
	}
	for _, a := range p.Actions {
		out.Actions = append(out.Actions, a.json())
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}

func (a *Action) json() actionJSON {
	j := actionJSON{ID: a.ID, Do: a.Do}
	if a.Step != nil {
		j.Step = a.Step.Step.ID
	}
	for _, t := range a.Layers {
		j.Layers = append(j.Layers, t.Layer.Name)
	}
	switch a.Do {
	case Measure:
		j.What = describe(a.Need)
	case Write:
		j.What = a.Output.Path
	case Evaluate:
		j.What = a.Data
	}
	for _, in := range a.Inputs {
		j.Inputs = append(j.Inputs, in.ID)
	}
	return j
}

func stateToJSON(s passes.State) stateJSON {
	j := stateJSON{Shape: s.Shape, Params: s.Params, Bytes: s.Bytes, Gone: s.Gone}
	if s.DType != 0 {
		j.DType = s.DType.String()
	}
	return j
}
