package cli

import (
	"github.com/spf13/pflag"

	"github.com/pare-ml/pare/recipe/diag"
)

var planVerb = &verb{
	name: "plan", args: "RECIPE", summary: "what will happen to every layer, and why", min: 1, max: 1,
	long: `Compiles the recipe against the model's header and prints, step by step, what each layer becomes, how large it
will be, and the lines of the recipe that say so; which measurements will be made; what is written, measured
and gated. No weight and no data are read. Findings go to standard error.`,
	setup: func(f *pflag.FlagSet) func(*session, []string) error {
		set := f.StringArray("set", nil, "give a declared variable another value: name=value")
		asJSON := f.Bool("json", false, "print the plan as JSON")
		return func(s *session, args []string) error {
			p, err := s.load(args[0], *set)
			if err != nil {
				return err
			}
			defer p.Close()
			plan, err := s.compile(p, diag.Error)
			p.silence(plan != nil)
			if perr := printFindings(s.stderr, p.report, p.strict(false)); err == nil {
				err = perr
			}
			if err != nil {
				return err
			}
			if *asJSON {
				return plan.WriteJSON(s.stdout)
			}
			return plan.WriteText(s.stdout)
		}
	},
}
