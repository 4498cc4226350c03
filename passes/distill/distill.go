// Package distill trains a model towards a teacher, mostly the model as it was before it was pruned (Hinton, Vinyals and
// Dean 2015, "Distilling the Knowledge in a Neural Network"). The loop, the data and the masks are those of
// passes/internal/training; here are the losses and the teacher.
package distill

import (
	"context"
	"fmt"
	"slices"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/measure"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/passes/internal/training"
)

// Pass is the record of distill.
var Pass = passes.Define(passes.Info{
	Name:    "distill",
	Doc:     "Trains the model towards a teacher, so that what pruning took is learned anew by what is left.",
	Version: 1,
	Whole:   true,
	Order: []passes.Order{
		{Before: "quantize", Why: "quantized weights move in steps too coarse for gradients; distilling first leaves quantize the final weights"},
	},
}, passes.Spec[Params]{
	Fields:  fields,
	Draws:   func(*Params) bool { return true },
	Uses:    func(p *Params) []string { return []string{p.Data} },
	Load:    func(p *Params) passes.Load { l := p.Params.Load(); l.Teacher = p.Teacher; return l },
	Foresee: foresee,
	Run:     run,
})

// foresee checks that teacher and student fit; nothing changes shape.
func foresee(s *passes.Site, u passes.Unit[Params]) ([]passes.Effect, error) {
	t, err := openTeacher(s, u.Params)
	if err != nil {
		return nil, err
	}
	if t != nil {
		if err := fit(t, s.Model, u.Params); err != nil {
			return nil, err
		}
	}
	return effects(u, nil)
}

func run(ctx context.Context, s *passes.Site, u passes.Unit[Params]) ([]passes.Effect, error) {
	p := u.Params
	model, err := openTeacher(s, p)
	if err != nil {
		return nil, err
	}
	if err := fit(model, s.Model, p); err != nil {
		return nil, err
	}
	did, err := effects(u, zeros)
	if err != nil {
		return nil, err
	}
	o := &objective{params: p, hidden: hidden(s.Model, p)}
	if o.logits, err = measure.Logits(s.Model); err != nil {
		return nil, err
	}
	if o.teacher, err = newTeacher(model, s, p); err != nil {
		return nil, err
	}
	job := &training.Job{Site: s, Params: &p.Params, Model: s.Model, Taps: o.taps(), Objective: o.loss}
	for _, l := range u.Layers {
		job.Layers = append(job.Layers, l.Layer)
	}
	if _, err := training.Run(ctx, job); err != nil {
		return nil, err
	}
	return after(s.Model, did)
}

// openTeacher returns the teacher; nil at plan time if other models cannot be opened then.
func openTeacher(s *passes.Site, p *Params) (*ir.Model, error) {
	if p.Teacher == "input" {
		return s.Input, nil
	}
	if s.Open == nil {
		return nil, nil
	}
	m, err := s.Open(p.Teacher)
	if err != nil {
		return nil, fmt.Errorf("teacher %s: %w", p.Teacher, err)
	}
	return m, nil
}

// fit checks that teacher and student take the same input and give outputs that can be compared.
func fit(teacher, student *ir.Model, p *Params) error {
	ti, si := teacher.Graph.Feeds(), student.Graph.Feeds()
	to, so := teacher.Graph.Outputs, student.Graph.Outputs
	if len(ti) != 1 || len(si) != 1 {
		return fmt.Errorf("the teacher has %d inputs and the model %d; distill needs one each", len(ti), len(si))
	}
	if !compatible(ti[0].Shape, si[0].Shape) {
		return fmt.Errorf("the teacher takes inputs of shape %v, the model %v", ti[0].Shape, si[0].Shape)
	}
	if len(to) != 1 || len(so) != 1 {
		return fmt.Errorf("the teacher has %d outputs and the model %d; distill compares one each", len(to), len(so))
	}
	tv, _ := ir.Infer(teacher, nil)
	sv, _ := ir.Infer(student, nil)
	if a, b := tv[to[0].Name].Shape, sv[so[0].Name].Shape; !compatible(a, b) {
		return fmt.Errorf("the teacher gives outputs of shape %v, the model %v; their logits cannot be compared", a, b)
	}
	for _, l := range p.Losses {
		for _, name := range l.Layers {
			t, ok := teacher.Layer(name)
			if !ok {
				return fmt.Errorf("the teacher has no layer %s to compare hidden values behind", name)
			}
			s, ok := student.Layer(name)
			if !ok {
				return fmt.Errorf("the model has no layer %s to compare hidden values behind", name)
			}
			a, b := tv[measure.After(teacher.Graph, t).Value].Shape, sv[measure.After(student.Graph, s).Value].Shape
			if !compatible(a, b) {
				return fmt.Errorf("behind layer %s the teacher has shape %v and the model %v; a hidden loss needs equal shapes "+
					"(a projection between widths is not offered)", name, a, b)
			}
		}
	}
	return nil
}

// compatible tells whether two shapes may be equal, as far as they are known.
func compatible(a, b ir.Shape) bool {
	if a == nil || b == nil {
		return true
	}
	return slices.EqualFunc(a, b, func(x, y ir.Dim) bool { return !x.Known() || !y.Known() || x.Size == y.Size })
}
