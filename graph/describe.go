package graph

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/condition"
	"github.com/pare-ml/pare/recipe/diag"
)

// gateSpec says a recipe's gate in the words of evaluate.
func gateSpec(g *recipe.Gate) evaluate.GateSpec {
	return evaluate.GateSpec{Name: g.Name, Metric: g.Metric, Data: g.Data, At: g.At, Limit: evaluate.Limit(g.Limit), Value: g.Value,
		Confidence: g.Confidence, OnFail: g.OnFail}
}

// usedBy lists the values that an expression asked for.
func usedBy(suite *Suite, c *condition.Condition, facts condition.Facts) []evaluate.Used {
	var out []evaluate.Used
	for _, name := range c.Uses {
		ns, fact, _ := strings.Cut(name, ".")
		u := evaluate.Used{Name: name, Unit: evaluate.Count}
		switch v := facts[ns][fact].(type) {
		case int64:
			u.Value = float64(v)
		case float64:
			u.Value = v
		default:
			continue
		}
		if m := suite.Metric(fact); m != nil && ns != "vars" {
			u.Unit = m.Unit
		} else if name == "artifact.bytes" {
			u.Unit = evaluate.Bytes
		}
		out = append(out, u)
	}
	return out
}

// describe fills in the report all that is known beside metrics and gates.
func (b *build) describe(ctx context.Context, findings diag.List, done []*Done, before, after *ir.Model) error {
	r, rec := b.report, b.plan.Recipe
	r.Recipe = evaluate.Recipe{Path: told(rec.Source.Name, rec.Source.Name), Name: rec.Name, Description: rec.Description, Seed: rec.Seed}
	for _, v := range rec.Vars {
		r.Recipe.Vars = append(r.Recipe.Vars, evaluate.Var{Name: v.Name, Value: fmt.Sprint(v.Value)})
	}
	in, err := b.Seal.inputFile(before)
	if err != nil {
		return err
	}
	r.Baseline = evaluate.File{Path: rec.Model.Path, Format: before.Format, SHA256: in.SHA256, Bytes: in.Bytes}
	for _, d := range rec.Data {
		if d.Importance != "" {
			continue // it has no samples
		}
		n, err := b.samples(ctx, rec, d.Name)
		if err != nil {
			return err
		}
		r.Data = append(r.Data, evaluate.Data{Name: d.Name, Samples: n})
	}
	r.Before, r.After = reportTotals(b.plan.Before), reportTotals(totals(after.Layers()))
	findings.Sort()
	for _, d := range findings {
		path, line, column := told(rec.Source.Name, rec.Source.Name), 0, 0
		if d.Span.Source != nil {
			path = told(rec.Source.Name, d.Span.Source.Name) // the recipe, or a file that it imports
			line, column = d.Span.Source.Position(d.Span.Start)
		}
		r.Findings = append(r.Findings, evaluate.Finding{Severity: d.Severity.String(), Code: d.Code, Path: path,
			Line: line, Column: column, Subject: d.Subject, Message: d.Message})
	}
	b.steps(done)
	return b.layers(done, before, after)
}

// told is the name of a file as a report has it. A recipe that was named by a path that leads out of the folder that pare runs in
// goes by its name alone, and other files by their place beside it: where on a machine they lie reaches no result.
func told(recipe, name string) string {
	if filepath.IsLocal(recipe) {
		return name
	}
	if rel, err := filepath.Rel(filepath.Dir(recipe), name); err == nil {
		return rel
	}
	return filepath.Base(name)
}

func reportTotals(t Totals) evaluate.Totals {
	return evaluate.Totals{Layers: t.Layers, Params: t.Params, Zeros: t.Zeros, Bytes: t.Bytes}
}

func (b *build) steps(done []*Done) {
	for _, s := range b.plan.Steps {
		step := evaluate.Step{ID: s.Step.ID, Pass: s.Pass.Name, LeftOut: s.Skipped}
		for _, d := range done {
			if d.Step.Step == s.Step {
				step.Did = d.Did
			}
		}
		b.report.Steps = append(b.report.Steps, step)
	}
}

func (d *Done) effect(layer string) *passes.Effect {
	for _, t := range d.Layers {
		if t.Layer.Name == layer {
			return &t.Effect
		}
	}
	return nil
}

func layerState(s passes.State) evaluate.LayerState {
	return evaluate.LayerState{DType: s.DType.String(), Shape: s.Shape, Params: s.Params, Zeros: s.Zeros, Bytes: s.Bytes}
}

// digest hashes a file as it lies on disk.
func digest(path string) (sum string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	size, err = io.Copy(h, f)
	return fmt.Sprintf("%x", h.Sum(nil)), size, err
}
