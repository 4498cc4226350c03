package graph

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/store"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/condition"
)

// judge measures the model between steps, for the conditions and gates of steps. What the baseline predicts is found
// once.
type judge struct {
	runner *Runner
	plan   *Plan
	keys   *keys
	input  *ir.Model
	base   map[string]*evaluate.Predictions // of input, by data set
}

// StepGate is a gate of a step with its outcome.
type StepGate struct {
	Step     string
	Decision evaluate.Decision
}

// GateError says that a gate of a step is not met, so that the steps after it do not run.
type GateError struct{ StepGate }

func (e *GateError) Error() string {
	return fmt.Sprintf("gate %s after step %s is %s: %s; the steps after it did not run, and nothing was published",
		e.Decision.Gate.Name, e.Step, strings.ReplaceAll(string(e.Decision.Outcome), "_", " "), e.Decision.Message)
}

// measure lets m and the model that came in predict the same samples and measures both.
func (j *judge) measure(ctx context.Context, step string, m *ir.Model, state store.Digest, data []string) (got, base *evaluate.Result, err error) {
	model := &evaluate.Subject{Model: m, Predictions: map[string]*evaluate.Predictions{}}
	baseline := &evaluate.Subject{Model: j.input, Predictions: map[string]*evaluate.Predictions{}}
	for _, name := range data {
		if model.Predictions[name], err = j.predict(ctx, step, m, state, name); err != nil {
			return nil, nil, err
		}
		if j.base[name] == nil {
			if j.base[name], err = j.predict(ctx, step, j.input, j.keys.input, name); err != nil {
				return nil, nil, err
			}
		}
		baseline.Predictions[name] = j.base[name]
	}
	wants := evaluate.Wants(j.runner.Suite.Metrics, data, model, baseline)
	if got, err = evaluate.Measure(wants, model, baseline); err != nil {
		return nil, nil, err
	}
	base, err = evaluate.Measure(wants, baseline, baseline)
	return got, base, err
}

func (j *judge) predict(ctx context.Context, step string, m *ir.Model, state store.Digest, data string) (*evaluate.Predictions, error) {
	preds, _, err := j.runner.predict(ctx, m, j.keys.predicted(state, "", 0, data), data, func(done, total int) {
		j.runner.log(step, done, total, "measuring on "+data)
	})
	if err != nil {
		return nil, fmt.Errorf("measure the model on %s: %w", data, err)
	}
	return preds, nil
}

// facts are what conditions and expressions may ask about between steps.
func (j *judge) facts(got, base *evaluate.Result) condition.Facts {
	f := condition.Facts{"metrics": values(got), "baseline": values(base)}
	for space, v := range j.plan.facts { // model, vars, target
		f[space] = v
	}
	return f
}

// values of metrics by name; of several test sets the first speaks.
func values(r *evaluate.Result) map[string]any {
	m := map[string]any{}
	for _, s := range r.Scores {
		if _, ok := m[s.Metric.Name]; !ok {
			m[s.Metric.Name] = s.Value
		}
	}
	return m
}

// runs decides whether a step whose condition asks about metrics runs on the model as it stands; why says why not.
func (j *judge) runs(ctx context.Context, s *Step, m *ir.Model, state store.Digest) (yes bool, why string, err error) {
	got, base, err := j.measure(ctx, s.Step.ID, m, state, j.plan.Tests())
	if err != nil {
		return false, "", err
	}
	facts := j.facts(got, base)
	yes, err = s.Step.When.Bool(facts)
	if err != nil || yes {
		return yes, "", err
	}
	return false, fmt.Sprintf("%s is false: %s", oneLine(s.Step.When.Text), asked(s.Step.When, facts)), nil
}

// asked lists the metrics that a condition asked for, with their values.
func asked(c *condition.Condition, facts condition.Facts) string {
	var words []string
	for _, use := range c.Uses {
		space, name, _ := strings.Cut(use, ".")
		if v, ok := facts[space][name].(float64); ok {
			words = append(words, fmt.Sprintf("%s is %.6g", use, v))
		}
	}
	return strings.Join(words, ", ")
}

// gates decides the gates of a step on the model that it left. A gate that must be met and is not is a GateError.
func (j *judge) gates(ctx context.Context, s *Step, m *ir.Model, state store.Digest) ([]StepGate, error) {
	if len(s.Step.Gates) == 0 {
		return nil, nil
	}
	var data []string
	for _, g := range s.Step.Gates {
		if g.Data != "" && !slices.Contains(data, g.Data) {
			data = append(data, g.Data)
		}
	}
	if len(data) == 0 {
		data = j.plan.Tests()
	}
	got, base, err := j.measure(ctx, s.Step.ID, m, state, data)
	if err != nil {
		return nil, err
	}
	var out []StepGate
	for _, g := range s.Step.Gates {
		d, err := j.decide(g, got, base)
		if err != nil {
			return nil, fmt.Errorf("gate %s: %w", g.Name, err)
		}
		out = append(out, StepGate{s.Step.ID, d})
	}
	for _, o := range out {
		if o.Decision.Outcome != evaluate.Met && o.Decision.Gate.OnFail != "warn" {
			return out, &GateError{o}
		}
	}
	return out, nil
}

func (j *judge) decide(g *recipe.Gate, got, base *evaluate.Result) (evaluate.Decision, error) {
	if g.Expr == nil {
		return evaluate.Decide(gateSpec(g), got, base), nil
	}
	facts := j.facts(got, base)
	holds, err := g.Expr.Bool(facts)
	if err != nil {
		return evaluate.Decision{}, err
	}
	return evaluate.DecideExpect(g.Name, g.OnFail, holds, usedBy(j.runner.Suite, g.Expr, facts)), nil
}
