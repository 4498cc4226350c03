// Package graph turns a recipe and a model's header into a plan, and runs the plan. The plan is a graph of actions
// over layers: it is known, printed and compared before any weight is read. This package knows the contracts of
// passes, formats and metrics, never a particular one.
package graph

import (
	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/target"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/recipe"
)

// Suite is what there is: the passes, formats and metrics that recipes may name. Programs and tests may use their own.
type Suite struct {
	Passes  []*passes.Pass
	Formats []*format.Format
	Metrics []*evaluate.Metric
	Targets []*target.Target
}

// Pass returns the pass of this name, or nil.
func (s *Suite) Pass(name string) *passes.Pass {
	for _, p := range s.Passes {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// Format returns the format of this name, or nil.
func (s *Suite) Format(name string) *format.Format {
	for _, f := range s.Formats {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// Metric returns the metric of this name, or nil.
func (s *Suite) Metric(name string) *evaluate.Metric {
	for _, m := range s.Metrics {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// Language returns the words that recipes may use with this suite.
func (s *Suite) Language() *recipe.Language {
	l := &recipe.Language{Env: Env(s), Checks: checks}
	for _, p := range s.Passes {
		w := recipe.PassWord{Name: p.Name, Doc: p.Doc, Whole: p.Whole, Fields: p.Fields}
		for _, o := range p.Order {
			w.Order = append(w.Order, recipe.Order{Before: o.Before, After: o.After, Why: o.Why})
		}
		l.Passes = append(l.Passes, w)
	}
	for _, f := range s.Formats {
		if f.HeaderOnly {
			continue
		}
		l.Formats = append(l.Formats, recipe.Word{Name: f.Name, Doc: f.Doc, Extensions: f.Extensions})
	}
	for _, m := range s.Metrics {
		l.Metrics = append(l.Metrics, recipe.Word{Name: m.Name, Doc: m.Doc, Unit: string(m.Unit), NoData: !m.Needs.Data})
	}
	for _, t := range s.Targets {
		if t.Path == "" {
			l.Targets = append(l.Targets, recipe.Word{Name: t.Name, Doc: t.Doc})
		}
	}
	for _, t := range ir.LayerTypes {
		l.Types = append(l.Types, recipe.Word{Name: t.Name, Doc: t.Doc})
	}
	for _, r := range ir.LayerRoles {
		l.Roles = append(l.Roles, recipe.Word{Name: r.Name, Doc: r.Doc})
	}
	return l
}
