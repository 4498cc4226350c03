// Package recipetest holds the unit tests of recipes: files named NAME_test.yaml beside NAME.yaml, whose cases say what a
// recipe must do to which layers. A case compiles the recipe against a header and looks at the plan; nothing is run.
package recipetest

import (
	"fmt"
	"path"
	"strings"

	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// Suffix is how the name of a test file ends.
const Suffix = "_test.yaml"

// File is a file of tests.
type File struct {
	Source *diag.Source
	Recipe string // relative to the file
	Cases  []*Case
}

// Case is one test.
type Case struct {
	Name     string
	Set      []string // name=value, as --set
	Manifest string   // a header in place of the recipe's model, relative to the file; empty: the model, else its manifest
	Node     *syntax.Node

	expect *expectation
}

// Outcome is what there is to know of the recipe once it is compiled.
type Outcome struct {
	Plan     *graph.Plan // nil if a finding is an error
	Findings diag.List   // without those that are silenced
}

// Parse reads a file of tests and reports what is wrong with it. It returns nil if nothing is usable.
func Parse(src *diag.Source, report *diag.List) *File {
	root := syntax.Parse(src, report)
	if root == nil {
		return nil
	}
	base := path.Base(strings.ReplaceAll(src.Name, `\`, "/"))
	f := &File{Source: src, Recipe: strings.TrimSuffix(base, Suffix) + ".yaml"}
	var cases []caseText
	d := &schema.Decoder{Report: report}
	if !d.Decode(root, fileFields(f, &cases)) {
		return nil
	}
	names := map[string]bool{}
	for i := range cases {
		t := &cases[i]
		c := t.Case
		if names[c.Name] {
			report.Errorf(c.Node.Get("name").Span, "repeated-name", "two cases have the name %q", c.Name)
		}
		names[c.Name] = true
		if t.set != nil {
			c.Set = settings(t.set, report)
		}
		c.expect = parseExpectation(t.expect, report)
		f.Cases = append(f.Cases, &c)
	}
	return f
}

// caseText is a case as it is written.
type caseText struct {
	Case
	set, expect *syntax.Node
}

func fileFields(f *File, cases *[]caseText) schema.Object {
	return schema.Object{
		Name: "a file of tests",
		Doc:  "Tests of a recipe.",
		Fields: []*schema.Field{
			schema.Path(&f.Recipe, "recipe", f.Recipe, "the recipe, relative to this file; default: the file's name without _test"),
			schema.List(cases, "cases", "the tests", caseFields).Require(),
		},
	}
}

func caseFields(c *caseText) schema.Object {
	return schema.Object{
		Name: "a case",
		Doc:  "One test: what a recipe must do.",
		Node: &c.Node,
		Fields: []*schema.Field{
			schema.String(&c.Name, "name", "", "what the test says").Require(),
			schema.Node(&c.set, "set", "values for variables of the recipe, as --set gives them"),
			schema.Path(&c.Manifest, "manifest", "", "a manifest or model to compile against, relative to this file; default: the recipe's own"),
			schema.Node(&c.expect, "expect", "what must hold").Require(),
		},
	}
}

// settings reads set: a mapping of variables to values.
func settings(n *syntax.Node, report *diag.List) []string {
	if n.Kind != syntax.Mapping {
		report.Errorf(n.Head(), "wrong-type", "set is %s; it must be a mapping of variables to values such as {sparsity: 0.3}", n.Kind)
		return nil
	}
	var out []string
	for _, p := range n.Pairs {
		if p.Value.Kind != syntax.Scalar {
			report.Errorf(p.Value.Head(), "wrong-type", "%s is %s; a variable has one value", p.Key.Text, p.Value.Kind)
			continue
		}
		out = append(out, p.Key.Text+"="+p.Value.Text)
	}
	return out
}

// Check holds an outcome against what the case expects and returns what does not hold, with places in the file of tests.
func (c *Case) Check(lang *recipe.Language, o Outcome) diag.List {
	if c.expect == nil {
		return nil
	}
	k := &checker{lang: lang, outcome: o, at: c.Node.KeySpan("name")}
	k.check(c.expect)
	return k.found
}

// checker collects what does not hold.
type checker struct {
	lang    *recipe.Language
	outcome Outcome
	at      diag.Span // of the case
	found   diag.List
}

// fail reports an expectation that is not met, and where in the recipe what was found comes from.
func (k *checker) fail(at, from diag.Span, format string, args ...any) {
	k.failAt(at, from, "decided here", format, args...)
}

func (k *checker) failAt(at, from diag.Span, why, format string, args ...any) {
	d := diag.Diagnostic{Severity: diag.Error, Code: "test-failed", Span: at, Message: fmt.Sprintf(format, args...)}
	if from.Source != nil {
		d.Related = []diag.Related{{Span: from, Message: why}}
	}
	k.found.Add(d)
}
