package cli

import (
	"fmt"

	"github.com/spf13/pflag"

	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/recipe/diag"
)

var planVerb = &verb{
	name: "plan", quick: true, args: "RECIPE", summary: "what will happen to every layer, and why", min: 1, max: 1,
	long: `Compiles the recipe against the model's header and prints, step by step, what each layer becomes, how large it
will be, and the lines of the recipe that say so; which measurements will be made; what is written, measured
and gated. What a build will find in the store, because an earlier one made it, is marked as cached. No weight and no
sample is read: of data that is there, only how many samples it has, for gates that ask for more. Layers that
get the same treatment share a line; --full prints all. Memory and work are estimates. Findings go to standard error. docs/plan.schema.json describes --json.`,
	setup: func(f *pflag.FlagSet) func(*session, []string) error {
		var o planOptions
		f.StringArrayVar(&o.set, "set", nil, "give a declared variable another value: name=value")
		f.BoolVar(&o.full, "full", false, "a line for each layer")
		f.BoolVar(&o.asJSON, "json", false, "print the plan as JSON")
		cacheFlag(f, &o.cache)
		f.StringVar(&o.graph, "graph", "", "print the actions as a graph: dot, mermaid")
		return func(s *session, args []string) error { return s.plan(args[0], o) }
	},
}

type planOptions struct {
	set    []string
	full   bool
	asJSON bool
	graph  string
	cache  string
}

func (s *session) plan(path string, o planOptions) error {
	switch {
	case o.graph != "" && o.graph != "dot" && o.graph != "mermaid":
		return usageError{fmt.Sprintf("--graph is %q; it must be dot or mermaid", o.graph)}
	case o.graph != "" && o.asJSON:
		return usageError{"--graph and --json are two forms of one plan; ask for one"}
	}
	p, err := s.load(path, o.set)
	if err != nil {
		return err
	}
	defer p.Close()
	plan, err := s.compile(p, diag.Error)
	if err == nil {
		err = s.decidable(p, plan)
	}
	p.silence(plan != nil)
	if perr := printFindings(s.stderr, p.report, p.strict(false)); err == nil {
		err = perr
	}
	if err != nil {
		return err
	}
	if err := s.look(p, plan, o.cache); err != nil {
		return err
	}
	switch {
	case o.asJSON:
		return plan.WriteJSON(s.stdout)
	case o.graph == "dot":
		return plan.WriteDOT(s.stdout)
	case o.graph == "mermaid":
		return plan.WriteMermaid(s.stdout)
	}
	return plan.WriteText(s.stdout, graph.TextOptions{Width: width(s.stdout), Full: o.full})
}
