package distill

import (
	"fmt"

	"github.com/pare-ml/pare/passes/internal/training"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// Params of the pass; doc.md says more of each.
type Params struct {
	Teacher     string
	Temperature float64
	Losses      []Loss
	training.Params
}

// Loss is one term of what is minimised.
type Loss struct {
	Kind   string
	Weight float64
	Layers []string // hidden
}

func fields(p *Params) schema.Object {
	losses := schema.List(&p.Losses, "losses", "what is minimised: the weighted sum of these; "+
		"if absent, logits alone with weight 1", lossFields)
	p.Losses = []Loss{{Kind: "logits", Weight: 1}}
	return schema.Object{
		Doc: "Trains the model towards a teacher.",
		Fields: append([]*schema.Field{
			schema.Path(&p.Teacher, "teacher", "input", "the model to learn from: input is the model as it came into the recipe; else a path"),
			schema.Float(&p.Temperature, "temperature", 2, "divides the logits of teacher and student before the softmax of the logits loss; "+
				"above 1 the small probabilities count more").Above(0).Usual(0.5, 20),
			losses,
		}, training.Fields(&p.Params)...),
		Check: func(n *syntax.Node, report *diag.List) { relate(p, n, report) },
	}
}

func lossFields(l *Loss) schema.Object {
	return schema.Object{
		Short: "kind",
		Fields: []*schema.Field{
			schema.Enum(&l.Kind, "kind", "", "the term",
				schema.Choice{Name: "logits", Doc: "temperature² · KL(teacher ‖ student), both softened by the temperature"},
				schema.Choice{Name: "labels", Doc: "cross-entropy with the labels of the data"},
				schema.Choice{Name: "hidden", Doc: "mean squared difference of what stands behind the named layers"}).Require(),
			schema.Float(&l.Weight, "weight", 1, "factor of the term").Above(0),
			schema.Strings(&l.Layers, "layers", nil, "hidden: names of layers that teacher and student both have, in equal shapes"),
		},
		Check: func(n *syntax.Node, report *diag.List) {
			switch given := n.Get("layers"); {
			case l.Kind == "hidden" && len(l.Layers) == 0:
				report.Errorf(n.Span, "hidden-needs-layers", "a loss of kind hidden needs layers: the names of the layers to compare")
			case l.Kind != "hidden" && given != nil:
				report.Errorf(given.Span, "layers-need-hidden", "layers belongs to kind: hidden; this loss is %s", l.Kind)
			}
		},
	}
}

func relate(p *Params, n *syntax.Node, report *diag.List) {
	p.Relate(n, report)
	seen := map[string]bool{}
	for i, l := range p.Losses {
		if seen[l.Kind] {
			report.Errorf(n.At(fmt.Sprintf("losses.%d", i)).Span, "loss-stands-twice", "a loss of kind %s stands twice; add up the weights", l.Kind)
		}
		seen[l.Kind] = true
	}
	if len(p.Losses) == 0 {
		report.Errorf(n.At("losses").Span, "no-loss", "losses is empty; leave it out for logits alone, or name at least one")
	}
	if x := n.Get("temperature"); x != nil && !seen["logits"] {
		report.Warningf(x.Span, "parameter-unused", "temperature softens the logits loss; without one it has no effect")
	}
	if len(p.Losses) > 0 && !seen["logits"] && !seen["hidden"] {
		report.Errorf(n.At("losses").Span, "no-teacher-in-losses", "no loss asks the teacher anything; add one of kind: logits or hidden")
	}
}
