package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/graph/recipetest"
	"github.com/pare-ml/pare/recipe/diag"
)

var lintVerb = &verb{
	name: "lint", quick: true, args: "RECIPE…", summary: "is this recipe right?", min: 1, max: -1,
	long: `Checks recipes: the text, the types of conditions, the order of passes, and against the model's header that
every selector and override picks a layer and every parameter can work on it. No weight is read. If the model
is not there, only the text is checked, and a note says so. Exits 1 if a finding is an error.

Findings are printed for people (text), as one JSON object a line (json), as a SARIF 2.1.0 log (sarif), or as the
commands that GitHub Actions shows beside the lines of a pull request (github).

With --fix the edits that findings are sure of are made in the files first; what was done is printed, and then the
findings that are left.

Warnings and notes that are meant to be are silenced by a comment at the line or above it,
# pare:allow CODE REASON, by # pare:allow-file CODE REASON at the head of the file, or in .pare.yaml at the root of
the repository: allow: [{code: CODE, reason: REASON, paths: [PATH]}].`,
	setup: func(f *pflag.FlagSet) func(*session, []string) error {
		var o lintOptions
		f.StringArrayVar(&o.set, "set", nil, "give a declared variable another value: name=value")
		f.StringVar(&o.format, "format", "text", "how findings are printed: "+strings.Join(findingFormats, ", "))
		asJSON := f.Bool("json", false, "the same as --format json")
		f.BoolVar(&o.fix, "fix", false, "make the edits that findings are sure of")
		f.BoolVar(&o.strict, "strict", false, "exit 1 on warnings too")
		return func(s *session, args []string) error {
			if *asJSON {
				if f.Changed("format") && o.format != "json" {
					return usageError{"--json is the same as --format json; give one of them"}
				}
				o.format = "json"
			}
			if !slices.Contains(findingFormats, o.format) {
				return usageError{fmt.Sprintf("there is no format %q%s", o.format, diag.Suggest(o.format, findingFormats))}
			}
			return s.lint(args, o)
		}
	},
}

type lintOptions struct {
	set         []string
	format      string
	fix, strict bool
}

func (s *session) lint(paths []string, o lintOptions) error {
	if o.fix {
		defer s.listen()() // files are written
		out := s.stdout
		if o.format != "text" {
			out = s.stderr // the findings are for a program
		}
		for _, path := range paths {
			if isTests(path) {
				continue
			}
			if err := s.fix(out, path, o.set); err != nil {
				return err
			}
		}
	}
	var all diag.List
	for _, path := range paths {
		if isTests(path) {
			if err := lintTests(path, &all); err != nil {
				return err
			}
			continue
		}
		p, err := s.check(path, o.set)
		if err != nil {
			return err
		}
		defer p.Close()
		o.strict = p.strict(o.strict)
		all = append(all, p.report...)
	}
	all.Sort()
	if err := s.writeFindings(s.stdout, all, o.format); err != nil {
		return err
	}
	if o.format == "text" && len(all) == 0 {
		if _, err := fmt.Fprintf(s.stdout, "%s: no findings\n", plural(len(paths), kind(paths))); err != nil {
			return err
		}
	}
	return verdict(all, o.strict)
}

// kind is what the files are called together.
func kind(paths []string) string {
	if slices.ContainsFunc(paths, isTests) {
		return "file"
	}
	return "recipe"
}

func isTests(path string) bool { return strings.HasSuffix(path, recipetest.Suffix) }

// lintTests checks the text of a file of tests, which a pattern such as recipes/*.yaml names along with the recipes; pare
// test runs it.
func lintTests(path string, report *diag.List) error {
	text, err := readRecipe(path)
	if err == nil {
		recipetest.Parse(&diag.Source{Name: path, Text: text}, report)
	}
	return err
}

// check loads a recipe, compiles it if its model is there, and takes out what is silenced. The findings are in the
// project's report.
func (s *session) check(path string, set []string) (*project, error) {
	p, err := s.load(path, set)
	if err != nil {
		return nil, err
	}
	plan, err := s.compile(p, diag.Note)
	if err != nil && !errors.As(err, &findingsError{}) {
		p.Close()
		return nil, err
	}
	if len(set) == 0 { // the lock speaks of the recipe as it stands
		if err := p.lintLock(s.ctx, plan); err != nil {
			p.Close()
			return nil, err
		}
	}
	p.silence(plan != nil)
	return p, nil
}

// findingFormats are the forms in which findings are printed.
var findingFormats = []string{"text", "json", "sarif", "github"}

// writeFindings prints sorted findings in one of findingFormats.
func (s *session) writeFindings(w io.Writer, list diag.List, format string) error {
	switch format {
	case "json":
		return diag.WriteJSON(w, list)
	case "github":
		return diag.WriteGitHub(w, list)
	case "sarif":
		docs := map[string]string{}
		for _, c := range s.suite.Language().AllChecks() {
			docs[c.Code] = strings.ToUpper(c.Doc[:1]) + c.Doc[1:] + "."
		}
		return diag.WriteSARIF(w, list, diag.SARIFOptions{Version: Version(), Describe: func(code string) string { return docs[code] }})
	}
	return diag.WriteText(w, list, diag.TextOptions{Color: colour(w), Excerpt: true})
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
	suite, err := s.suiteOf(p, &p.report)
	if err != nil {
		return nil, err
	}
	if err := p.checkImportance(m, missing); err != nil {
		return nil, err
	}
	plan := graph.Compile(p.recipe, m, suite, p.opener(m), &p.report)
	if plan == nil {
		return nil, findingsError{}
	}
	return plan, nil
}
