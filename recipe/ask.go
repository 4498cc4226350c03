package recipe

import (
	"github.com/pare-ml/pare/recipe/condition"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// Asking is a place of the language where an expression may ask about facts.
type Asking string

const (
	AskVars  Asking = "vars"  // ${{ }} anywhere but in parameters
	AskFill  Asking = "fill"  // ${{ }} in the parameters of a step
	AskStep  Asking = "step"  // when of a step
	AskLayer Asking = "layer" // when of an override or of a selector
	AskGate  Asking = "gate"  // expect of a gate
)

// Asks lists the facts that an expression at a place may ask about, but for the variables, which each recipe declares
// for itself. It is for help and completion.
func (l *Language) Asks(a Asking) condition.Env {
	groups := map[Asking][]string{AskVars: varFacts, AskFill: fillFacts, AskStep: stepFacts, AskLayer: overrideFacts, AskGate: gateFacts}
	var env condition.Env
	for _, name := range groups[a] {
		for _, ns := range l.Env {
			if ns.Name == name {
				env = append(env, ns)
			}
		}
	}
	return env
}

// SelectorFields returns the records of a selector of the form {targets: […], when: …}.
func SelectorFields() schema.Object { return selectorFields(new(*syntax.Node), new(*syntax.Node)) }

func selectorFields(targets, when **syntax.Node) schema.Object {
	return schema.Object{Name: "a selector", Fields: []*schema.Field{
		schema.Node(targets, "targets", "selectors of which one must match").As(schema.FormatSelectors).Require(),
		schema.Node(when, "when", "condition over the layer").As(schema.FormatCondition),
	}}
}
