package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/graph/recipetest"
	"github.com/pare-ml/pare/recipe/diag"
)

var testVerb = &verb{
	name: "test", args: "RECIPE…", summary: "unit tests of recipes", min: 1, max: -1,
	long: `Runs the tests beside a recipe: fashion_test.yaml beside fashion.yaml. A case gives variables values and may name a
manifest; the recipe is compiled, and the plan must be what the case expects: parameters that hold for layers,
how many layers a step treats, sizes, findings. Nothing is run and no weight is read. Name recipes or files of
tests. Exits 1 if a case fails. docs/tests.md describes the files.`,
	setup: func(f *pflag.FlagSet) func(*session, []string) error {
		verbose := f.BoolP("verbose", "v", false, "a line for each case, not only for those that fail")
		return func(s *session, args []string) error { return s.test(args, *verbose) }
	},
}

// tally counts the cases of a run.
type tally struct{ cases, failed int }

func (s *session) test(paths []string, verbose bool) error {
	var t tally
	for _, path := range paths {
		if err := s.testFile(testsOf(path), verbose, &t); err != nil {
			return err
		}
	}
	text := "all " + plural(t.cases, "case") + " met"
	if t.cases == 1 {
		text = "1 case met"
	}
	if t.failed > 0 {
		text = fmt.Sprintf("%d of %s failed", t.failed, plural(t.cases, "case"))
	}
	if _, err := fmt.Fprintln(s.stdout, text); err != nil {
		return err
	}
	if t.failed > 0 {
		return findingsError{}
	}
	return nil
}

// testsOf returns the file of tests beside a recipe.
func testsOf(path string) string {
	if strings.HasSuffix(path, recipetest.Suffix) {
		return path
	}
	return strings.TrimSuffix(path, filepath.Ext(path)) + recipetest.Suffix
}

func (s *session) testFile(path string, verbose bool, t *tally) error {
	text, err := readRecipe(path)
	var wrong usageError
	if errors.As(err, &wrong) {
		return usageError{fmt.Sprintf("there is no file of tests %s; it stands beside the recipe it tests", path)}
	}
	if err != nil {
		return err
	}
	var report diag.List
	file := recipetest.Parse(&diag.Source{Name: path, Text: text}, &report)
	if err := printFindings(s.stderr, report, false); err != nil {
		return err
	}
	for _, c := range file.Cases {
		found, err := s.testCase(path, file, c)
		if err != nil {
			return fmt.Errorf("case %q: %w", c.Name, err)
		}
		t.cases++
		verdict := "ok    "
		if len(found) > 0 {
			t.failed++
			verdict = "FAILED"
		}
		if len(found) > 0 || verbose {
			if _, err := fmt.Fprintf(s.stdout, "%s  %s: %s\n", verdict, diag.Printable(path), diag.Printable(c.Name)); err != nil {
				return err
			}
		}
		if len(found) > 0 {
			found.Sort()
			if err := diag.WriteText(s.stdout, found, diag.TextOptions{Color: colour(s.stdout), Excerpt: true}); err != nil {
				return err
			}
			fmt.Fprintln(s.stdout)
		}
	}
	return nil
}

// testCase compiles the recipe as the case asks and returns what does not hold.
func (s *session) testCase(path string, file *recipetest.File, c *recipetest.Case) (diag.List, error) {
	dir := filepath.Dir(path)
	p, err := s.load(filepath.Join(dir, filepath.FromSlash(file.Recipe)), c.Set)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	o := recipetest.Outcome{}
	if c.Manifest == "" {
		o.Plan, err = s.compile(p, diag.Error)
	} else {
		o.Plan, err = s.compileWith(p, filepath.Join(dir, filepath.FromSlash(c.Manifest)))
	}
	if err != nil && !errors.As(err, &findingsError{}) {
		return nil, err
	}
	p.silence(o.Plan != nil)
	p.report.Sort()
	o.Findings = p.report
	return c.Check(p.lang, o), nil
}

// compileWith is compile for another model than the recipe's: one to test with.
func (s *session) compileWith(p *project, path string) (*graph.Plan, error) {
	if p.recipe == nil || p.report.HasErrors() {
		return nil, findingsError{}
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	name, err := filepath.Rel(p.dir, full)
	if err != nil {
		return nil, err
	}
	m, err := p.Model(filepath.ToSlash(name))
	if err != nil {
		return nil, err
	}
	suite, err := s.suiteOf(p, &p.report)
	if err != nil {
		return nil, err
	}
	if plan := graph.Compile(p.recipe, m, suite, p.opener(m), &p.report); plan != nil {
		return plan, nil
	}
	return nil, findingsError{}
}
