package graph

import (
	"encoding/json"
	"io"
	"slices"

	"github.com/pare-ml/pare/passes"
)

// planJSON is the plan as `pare plan --json` prints it; docs/plan.schema.json describes it. Fields are added, never
// renamed or removed.
type planJSON struct {
	Recipe      string       `json:"recipe"`
	Model       string       `json:"model"`
	Before      totalsJSON   `json:"before"`
	After       totalsJSON   `json:"after"`
	Steps       []stepJSON   `json:"steps"`
	Gates       []string     `json:"gates"`
	Outputs     []outputJSON `json:"outputs"`
	Tests       []string     `json:"tests"`
	PeakMemory  int64        `json:"peak_memory_bytes,omitempty"`
	Measurement int          `json:"measurements"`
	Actions     []actionJSON `json:"actions"`
}

type totalsJSON struct {
	Totals
	Bits float64 `json:"bits_per_weight"` // bits of all layers' tensors for each parameter of the model that came in
}

type outputJSON struct {
	Format string `json:"format"`
	Path   string `json:"path"`
}

type stepJSON struct {
	ID       string          `json:"id"`
	Pass     string          `json:"pass"`
	Version  int             `json:"pass_version"`
	Rule     string          `json:"rule"` // file:line:column
	Skipped  string          `json:"skipped,omitempty"`
	AtRun    string          `json:"at_run,omitempty"`
	Params   json.RawMessage `json:"params"`
	Measures []needJSON      `json:"measures,omitempty"`
	Weighs   []matrixJSON    `json:"importance,omitempty"`
	Did      string          `json:"did,omitempty"`
	Memory   int64           `json:"memory_bytes,omitempty"`
	Work     int64           `json:"work,omitempty"`
	Gates    []string        `json:"gates,omitempty"`
	Units    int             `json:"units"`
	Cached   int             `json:"units_cached,omitempty"` // of which the store has the result
	Layers   []layerJSON     `json:"layers"`
}

type needJSON struct {
	Kind     string `json:"kind"`
	Data     string `json:"data"`
	Samples  int    `json:"samples"` // 0: all
	Batch    int    `json:"batch,omitempty"`
	Observer string `json:"observer,omitempty"`
	Shared   string `json:"shared_with,omitempty"` // the step that makes it
}

type matrixJSON struct {
	Data string `json:"data"`
	Path string `json:"path"`
}

type layerJSON struct {
	Name    string          `json:"name"`
	Type    string          `json:"type,omitempty"`
	Role    string          `json:"role,omitempty"`
	Target  string          `json:"target,omitempty"` // the selector that picked it
	Params  json.RawMessage `json:"params,omitempty"`
	Rules   []string        `json:"rules,omitempty"` // file:line:column
	Did     string          `json:"did,omitempty"`
	Why     string          `json:"why,omitempty"`
	Carried []string        `json:"carried,omitempty"`
	Removed int             `json:"parameters_removed,omitempty"`
	From    stateJSON       `json:"from"`
	To      stateJSON       `json:"to"`
}

type stateJSON struct {
	DType  string  `json:"dtype,omitempty"`
	Shape  []int   `json:"shape,omitempty"`
	Params int     `json:"params"`
	Bytes  int64   `json:"bytes"`
	Bits   float64 `json:"bits_per_weight,omitempty"`
	Gone   bool    `json:"gone,omitempty"`
}

type actionJSON struct {
	ID     int      `json:"id"`
	Do     Doing    `json:"do"`
	Step   string   `json:"step,omitempty"`
	Layers []string `json:"layers,omitempty"`
	What   string   `json:"what,omitempty"`
	Inputs []int    `json:"inputs,omitempty"`
	Cached bool     `json:"cached,omitempty"` // the store has the result
}

// WriteJSON prints the plan for programs.
func (p *Plan) WriteJSON(w io.Writer) error {
	p.Estimate()
	memory, _ := p.peak()
	out := planJSON{Recipe: p.Recipe.Source.Name, Model: p.Recipe.Model.Path, Gates: p.Gates, PeakMemory: memory,
		Before:  totalsJSON{p.Before, bits(p.Before.Bytes, p.Before.Params)},
		After:   totalsJSON{p.After, bits(p.After.Bytes, p.Before.Params)},
		Outputs: []outputJSON{}, Steps: []stepJSON{}, Tests: append([]string{}, p.Tests()...), Actions: []actionJSON{}}
	for _, o := range p.Recipe.Outputs {
		out.Outputs = append(out.Outputs, outputJSON{o.Format, o.Path})
	}
	for _, s := range p.Steps {
		out.Steps = append(out.Steps, p.stepJSON(s))
	}
	for _, a := range p.Actions {
		out.Actions = append(out.Actions, a.json())
		if a.Do == Measure {
			out.Measurement++
		}
	}
	return writeJSON(w, out)
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func (p *Plan) stepJSON(s *Step) stepJSON {
	j := stepJSON{ID: s.Step.ID, Pass: s.Pass.Name, Version: s.Pass.Version, Rule: s.Step.Node.Head().String(), Skipped: s.Skipped,
		AtRun: s.AtRun, Params: s.Params.Canonical(), Did: s.Did, Memory: s.Cost.Memory, Work: s.Cost.Work, Units: len(s.Units), Cached: p.found(s),
		Layers: []layerJSON{}}
	for _, n := range s.Needs {
		m := needJSON{Kind: n.Kind, Data: n.Data, Samples: n.Samples, Batch: n.Batch, Observer: n.Observer.Kind}
		if other := p.sharedWith(s, n); other != nil {
			m.Shared = other.Step.ID
		}
		j.Measures = append(j.Measures, m)
	}
	for _, d := range p.matrices(s) {
		j.Weighs = append(j.Weighs, matrixJSON{d.Name, d.Importance})
	}
	for _, g := range s.Step.Gates {
		j.Gates = append(j.Gates, p.rules[g])
	}
	params := map[*passes.Params]json.RawMessage{}
	for _, t := range s.Layers {
		e := t.Effect
		l := layerJSON{Name: t.Layer.Name, Type: t.Layer.Type, Role: t.Layer.Role, Did: e.Did, Why: e.Why, Carried: e.Carried,
			From: stateToJSON(e.From), To: stateToJSON(e.To)}
		if !e.To.Gone {
			l.Removed = max(0, e.From.Params-e.To.Params)
		} else {
			l.Removed = e.From.Params
		}
		if t.Target != nil {
			l.Target = t.Target.Text
		}
		if t.Params != nil && !s.Pass.Whole {
			if params[t.Params] == nil {
				params[t.Params] = t.Params.Canonical()
			}
			l.Params = params[t.Params]
		}
		for _, r := range t.Rules {
			l.Rules = append(l.Rules, r.String())
		}
		j.Layers = append(j.Layers, l)
	}
	return j
}

func (a *Action) json() actionJSON {
	j := actionJSON{ID: a.ID, Do: a.Do, What: a.what(), Cached: a.Cached}
	if a.Step != nil {
		j.Step = a.Step.Step.ID
	}
	for _, t := range a.Layers {
		j.Layers = append(j.Layers, t.Layer.Name)
	}
	for _, in := range a.Inputs {
		j.Inputs = append(j.Inputs, in.ID)
	}
	slices.Sort(j.Inputs)
	return j
}

// what an action is about, beside its step and layers.
func (a *Action) what() string {
	switch a.Do {
	case Measure:
		return describe(a.Need)
	case Write:
		return a.Output.Path
	case Evaluate:
		return a.Data
	}
	return ""
}

func stateToJSON(s passes.State) stateJSON {
	j := stateJSON{Shape: s.Shape, Params: s.Params, Bytes: s.Bytes, Gone: s.Gone}
	if s.DType != 0 {
		j.DType = s.DType.String()
	}
	if s.Params > 0 {
		j.Bits = bits(s.Bytes, int64(s.Params))
	}
	return j
}
