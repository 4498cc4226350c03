package cli

import (
	"fmt"

	"github.com/spf13/pflag"

	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/recipe/diag"
)

var explainVerb = &verb{
	name: "explain", quick: true, args: "RECIPE LAYER", summary: "every rule that touches one layer", min: 2, max: 2,
	long: `Tells step by step why a layer is picked or not and by which selector, which overrides match it and what each sets,
the parameters that hold in the end with the places they are written at, and what the layer becomes. Without
--all parameters that the recipe does not set and overrides that do not match are left out. No weight is read.`,
	setup: func(f *pflag.FlagSet) func(*session, []string) error {
		set := f.StringArray("set", nil, "give a declared variable another value: name=value")
		asJSON := f.Bool("json", false, "print JSON")
		all := f.Bool("all", false, "defaults too, and overrides that do not match")
		return func(s *session, args []string) error { return s.explain(args[0], args[1], *set, *asJSON, *all) }
	},
}

func (s *session) explain(path, layer string, set []string, asJSON, all bool) error {
	p, err := s.load(path, set)
	if err != nil {
		return err
	}
	defer p.Close()
	plan, err := s.compile(p, diag.Error)
	if err != nil {
		p.silence(plan != nil)
		if perr := printFindings(s.stderr, p.report, p.strict(false)); perr != nil {
			return perr
		}
		return err
	}
	x := plan.Explain(layer)
	if x == nil {
		return usageError{fmt.Sprintf("%s has no layer %q%s", p.recipe.Model.Path, layer, diag.Suggest(layer, plan.LayerNames()))}
	}
	if asJSON {
		return x.WriteJSON(s.stdout)
	}
	return x.WriteText(s.stdout, graph.ExplainOptions{Width: width(s.stdout), All: all})
}
