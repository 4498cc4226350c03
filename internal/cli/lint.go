package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/recipe/diag"
)

var lintVerb = &verb{
	name: "lint", args: "RECIPE…", summary: "is this recipe right?", min: 1, max: -1,
	long: `Checks recipes: the text, the types of conditions, the order of passes, and against the model's header that
every selector and override picks a layer and every parameter can work on it. No weight is read. If the model
is not there, only the text is checked, and a note says so. Exits 1 if a finding is an error.

Warnings and notes that are meant to be are silenced by a comment at the line or above it,
# pare:allow CODE REASON, by # pare:allow-file CODE REASON at the head of the file, or in .pare.yaml at the root of
the repository: allow: [{code: CODE, reason: REASON, paths: [PATH]}].`,
	setup: func(f *pflag.FlagSet) func(*session, []string) error {
		set := f.StringArray("set", nil, "give a declared variable another value: name=value")
		asJSON := f.Bool("json", false, "print findings as JSON, one a line")
		strict := f.Bool("strict", false, "exit 1 on warnings too")
		return func(s *session, args []string) error { return s.lint(args, *set, *asJSON, *strict) }
	},
}

func (s *session) lint(paths, set []string, asJSON, strict bool) error {
	var all diag.List
	for _, path := range paths {
		p, err := s.load(path, set)
		if err != nil {
			return err
		}
		defer p.Close()
		plan, err := s.compile(p, diag.Note)
		if err != nil && !errors.As(err, &findingsError{}) {
			return err
		}
		p.silence(plan != nil)
		strict = p.strict(strict)
		all = append(all, p.report...)
	}
	all.Sort()
	if asJSON {
		if err := diag.WriteJSON(s.stdout, all); err != nil {
			return err
		}
		return verdict(all, strict)
	}
	err := printFindings(s.stdout, all, strict)
	if err == nil && len(all) == 0 {
		_, err = fmt.Fprintf(s.stdout, "%s: no findings\n", plural(len(paths), "recipe"))
	}
	return err
}

// compile resolves a project's recipe against its model's header. Findings go to p.report; with errors among them the
// error is findingsError. A model that is not there is a finding of the given severity; the plan is then nil.
func (s *session) compile(p *project, missing diag.Severity) (*graph.Plan, error) {
	if p.recipe == nil || p.report.HasErrors() {
		return nil, findingsError{}
	}
	m, err := p.header()
	if err != nil {
		if err = p.missing(err, p.recipe.Model.Node, missing); err == nil && p.report.HasErrors() {
			err = findingsError{}
		}
		return nil, err
	}
	plan := graph.Compile(p.recipe, m, s.suite, p.Model, &p.report)
	if plan == nil {
		return nil, findingsError{}
	}
	return plan, nil
}
