package jsonschema_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/pare-ml/pare/internal/cli"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/jsonschema"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// beyond lists the codes of errors that a schema cannot find, or not always, with the reason. Every other error of the
// parser the schema must find too, at the same place; and whatever the schema refuses, the parser must refuse there.
var beyond = map[string]string{
	"bad-address":             "what the address of a model means",
	"remote-model":            "what this pare can fetch",
	"bad-selector":            "the grammar of globs and regular expressions",
	"bad-set":                 "the command line",
	"condition-constant":      "the meaning of conditions",
	"condition-division":      "the meaning of conditions",
	"condition-not-allowed":   "the grammar of conditions",
	"condition-syntax":        "the grammar of conditions",
	"condition-type":          "the types of conditions",
	"criterion-needs-data":    "relations between parameters",
	"criterion-needs-filters": "relations between parameters",
	"data-of-other-kind":      "what the data sets hold that the recipe declares",
	"data-overlap":            "relations between data sets and steps",
	"fact-without-data":       "facts, and the data sets that the recipe declares",
	"gate-does-not-fit":       "what a metric can decide",
	"hidden-needs-layers":     "relations between parameters",
	"layers-need-hidden":      "relations between parameters",
	"lengths-differ":          "relations between lists",
	"loss-stands-twice":       "relations between items",
	"missing-importance":      "relations between parameters",
	"missing-data":            "relations between parameters",
	"n-m-order":               "relations between parameters",
	"n-m-sparsity":            "relations between parameters",
	"no-loss":                 "relations between parameters",
	"no-teacher-in-losses":    "relations between parameters",
	"observer-conflict":       "relations between parameters",
	"odd-bool":                "YAML readers drop the quotes that make text of yes and no",
	"out-of-range max":        "relations between parameters",
	"odd-number":              "YAML readers turn 017, 0x1F and 8.0 into numbers before the schema sees them",
	"odd-text":                "YAML readers drop the quotes that make text of yes and no",
	"output-is-input":         "relations between paths",
	"pass-order":              "relations between steps",
	"path-not-allowed":        "segments of paths: names of devices, .., .git",
	"repeated-id":             "relations between steps",
	"repeated-path":           "relations between outputs",
	"repeated-set":            "the command line",
	"scope-does-not-fit":      "relations between parameters",
	"split-does-not-fit":      "the format that an extension says, and relations between keys",
	"template-fails":          "the meaning of expressions",
	"template-not-allowed":    "a text may hold ${{",
	"template-type":           "the types of expressions",
	"template-unclosed":       "a text may hold ${{",
	"unknown-data":            "names that the recipe declares",
	"unknown-fact":            "the meaning of conditions",
	"unknown-format":          "the extension of a path",
	"unknown-var":             "names that the recipe declares",
	"unknown-version":         "a version that ${{ }} gives",
	"warmup-too-long":         "relations between parameters",
	"yaml-duplicate-key":      "YAML readers differ",
	"yaml-second-document":    "YAML readers differ",
}

// A schema that needs more of a validator than an editor has would not be one.
func compiled(t *testing.T) *validator.Schema {
	t.Helper()
	var b bytes.Buffer
	if err := jsonschema.Write(&b, cli.Suite().Language()); err != nil {
		t.Fatal(err)
	}
	doc, err := validator.UnmarshalJSON(&b)
	if err != nil {
		t.Fatal(err)
	}
	c := validator.NewCompiler()
	if err := c.AddResource(jsonschema.ID, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(jsonschema.ID)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Schema and parser accept and refuse the same recipes, place by place, as far as a schema can tell.
func TestSchemaAgreesWithParser(t *testing.T) {
	rules := compiled(t)
	var files []string
	for _, glob := range []string{"../testdata/bad/*.yaml", "../testdata/good/*.yaml", "testdata/*.yaml", "../../recipes/*.yaml"} {
		list, err := filepath.Glob(glob)
		if err != nil || len(list) == 0 {
			t.Fatalf("%s: %d files, %v", glob, len(list), err)
		}
		files = append(files, list...)
	}
	accepted, refused := 0, 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var found diag.List
		src := &diag.Source{Name: file, Text: text}
		recipe.Parse(src, cli.Suite().Language(), recipe.Options{}, &found)
		root := syntax.Parse(src, nil)
		if root == nil || slices.ContainsFunc(found, func(d diag.Diagnostic) bool { return d.Code == "import-unreadable" }) {
			continue // no recipe, or one that is not whole
		}
		failures := leaves(rules.Validate(jsonschema.Instance(root)))
		if len(failures) == 0 {
			accepted++
		} else {
			refused++
		}
		// Of another version of the language the parser looks at nothing else.
		if slices.ContainsFunc(found, func(d diag.Diagnostic) bool { return d.Code == "unknown-version" }) {
			failures = slices.DeleteFunc(failures, func(f failure) bool { return !f.at([]string{"version"}) })
		}
		compare(t, file, root, found, failures)
	}
	t.Logf("accepts %d, refuses %d", accepted, refused)
	if accepted < 5 || refused < 20 {
		t.Errorf("the schema accepts %d and refuses %d recipes: is it compiled?", accepted, refused)
	}
}

func compare(t *testing.T, file string, root *syntax.Node, found diag.List, failures []failure) {
	t.Helper()
	var places [][]string
	for _, d := range found {
		if d.Severity != diag.Error {
			continue
		}
		p := place(root, d.Span, nil)
		places = append(places, p)
		if beyond[d.Code] != "" || len(p) > 0 && beyond[d.Code+" "+p[len(p)-1]] != "" || strings.Contains(lineOf(d.Span), "${{") && d.Code == "out-of-range" {
			continue
		}
		if !slices.ContainsFunc(failures, func(f failure) bool { return f.at(p) }) {
			t.Errorf("%s: the schema does not refuse /%s: %s [%s]", file, strings.Join(p, "/"), d.Message, d.Code)
		}
	}
	for _, f := range failures {
		explains := f.at
		if f.lacks {
			explains = func(p []string) bool { return f.at(p) || beside(f.path, p) }
		}
		if !slices.ContainsFunc(places, explains) {
			t.Errorf("%s: the parser does not refuse /%s: %s", file, strings.Join(f.path, "/"), f.message)
		}
	}
}

type failure struct {
	path    []string
	message string
	lacks   bool   // something is missing
	name    string // it is the name that is wrong; the validator does not say where it stands
}

// at tells whether a failure at one place and a finding at another can be the same: they stand at one value, or the
// failure stands at the mapping round the key that is found, or inside the value that is found.
func (f failure) at(finding []string) bool {
	if f.name != "" {
		return len(finding) > 0 && finding[len(finding)-1] == f.name
	}
	n := min(len(f.path), len(finding))
	return slices.Equal(f.path[:n], finding[:n]) && len(finding)-len(f.path) <= 1
}

// leaves lists the innermost failures of a validation.
func leaves(err error) []failure {
	var v *validator.ValidationError
	if !errors.As(err, &v) {
		return nil
	}
	var out []failure
	var walk func(*validator.ValidationError)
	walk = func(e *validator.ValidationError) {
		if k, ok := e.ErrorKind.(*kind.PropertyNames); ok {
			out = append(out, failure{name: k.Property, message: e.Error()})
			return
		}
		for _, c := range e.Causes {
			walk(c)
		}
		if len(e.Causes) == 0 {
			lacks := false
			switch k := e.ErrorKind.(type) {
			case *kind.Required:
				lacks = true
			case *kind.Type:
				lacks = k.Got == "null"
			}
			out = append(out, failure{path: e.InstanceLocation, message: e.Error(), lacks: lacks})
		}
	}
	walk(v)
	return out
}

// beside tells whether a finding is at another key of the mapping that holds the failure: a parameter that stands beside
// its pass is missing in it, and that is one slip.
func beside(failure, finding []string) bool {
	return len(failure) == len(finding) && len(failure) > 0 && slices.Equal(failure[:len(failure)-1], finding[:len(finding)-1])
}

// lineOf returns the line that a span begins in.
func lineOf(s diag.Span) string {
	text := string(s.Source.Text)
	from := strings.LastIndexByte(text[:s.Start], '\n') + 1
	line, _, _ := strings.Cut(text[from:], "\n")
	return line
}

// place is the path of the innermost value that holds a span, or of the value whose key it is.
func place(n *syntax.Node, span diag.Span, path []string) []string {
	holds := func(s diag.Span) bool { return s.Start <= span.Start && span.End <= s.End && s.End > 0 }
	for i, c := range n.Items {
		if holds(c.Span) {
			return place(c, span, append(slices.Clone(path), strconv.Itoa(i)))
		}
	}
	for _, p := range n.Pairs {
		inner := append(slices.Clone(path), p.Key.Text)
		if holds(p.Key.Span) {
			return inner
		}
		if holds(p.Value.Span) {
			return place(p.Value, span, inner)
		}
	}
	return path
}

// The list of what a schema cannot find names codes that there are.
func TestBeyondAreCodes(t *testing.T) {
	known := map[string]bool{}
	for _, c := range cli.Suite().Language().AllChecks() {
		known[c.Code] = true
	}
	for entry, why := range beyond {
		if code, _, _ := strings.Cut(entry, " "); !known[code] || why == "" {
			t.Errorf("%s: no such code, or no reason", entry)
		}
	}
}

// Whatever has a record has help in the schema, and whatever has a few words lists them.
func TestSchemaHelps(t *testing.T) {
	lang := cli.Suite().Language()
	s := jsonschema.New(lang)
	step := s.Definitions.Get("step")
	help := func(where string, fields []*schema.Field, m jsonschema.Members) {
		for _, f := range fields {
			p := m.Get(f.Name)
			if p == nil {
				t.Errorf("%s has no %s", where, f.Name)
				continue
			}
			if p.Description == "" || p.Markdown == "" {
				t.Errorf("%s: %s has no help", where, f.Name)
			}
			if f.Kind == schema.KindEnum && (len(p.AnyOf) == 0 || len(p.AnyOf[0].Enum) != len(f.Choices) || len(p.AnyOf[0].EnumDescriptions) != len(f.Choices)) {
				t.Errorf("%s: %s does not list its words with their help", where, f.Name)
			}
		}
	}
	help("a recipe", lang.Fields().Fields, s.Properties)
	help("a step", lang.StepFields().Fields, step.Properties)
	for _, w := range lang.Passes {
		p := s.Definitions.Get("pass-" + w.Name)
		if p == nil {
			t.Fatalf("no pass %s", w.Name)
		}
		help(w.Name, w.Fields().Fields, p.Properties)
	}
}
