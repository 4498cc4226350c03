// Package layers holds the test of the import rules that docs/architecture.md states.
package layers

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/pare-ml/pare/"

// rules say what packages below a path must not import. Test files are free.
var rules = []struct {
	from   string
	never  []string
	except []string
	why    string
}{
	{from: "recipe", never: []string{"graph", "passes", "evaluate", "internal", "recipes", "cmd"}, except: []string{"internal/lazyregexp"}, why: "the language knows no model and no pass"},
	{from: "recipe", never: []string{"os"}, why: "the language reads no files, so that it can run in a browser"},
	{from: "graph/ir", never: []string{"os", "recipe", "passes", "evaluate", "graph/exec", "graph/format", "graph/measure"}, why: "the model knows no language, file or executor"},
	{from: "graph/exec", never: []string{"recipe", "passes", "evaluate"}, why: "the executor knows no language and no pass"},
	{from: "graph/measure", never: []string{"recipe", "passes", "evaluate"}, why: "measurements know no language and no pass"},
	{from: "graph/format", never: []string{"recipe", "passes", "evaluate", "graph/exec"}, why: "a format changes no value"},
	{from: "internal/kernel", never: []string{"recipe", "passes", "evaluate", "graph"}, why: "arithmetic knows numbers alone"},
	{from: "evaluate", never: []string{"recipe", "passes"}, why: "a metric knows no recipe"},
	{from: "graph", never: []string{"passes/", "evaluate/", "graph/format/", "recipes", "internal/cli"}, except: []string{"graph/format", "evaluate/stats"}, why: "the plan knows contracts, never a particular pass, format or metric"},
	{from: "passes", never: []string{"graph/store", "internal/cli", "evaluate", "recipes"}, why: "a pass knows the contract, the model, the executor and the kernels"},
}

// homes are libraries that one package alone imports.
var homes = map[string]string{
	"gopkg.in/yaml.v3":          "recipe/syntax",
	"github.com/expr-lang/expr": "recipe/condition",
	"github.com/spf13/pflag":    "internal/cli",
}

func TestImports(t *testing.T) {
	root := filepath.Join("..", "..")
	fset := token.NewFileSet()
	packages := 0
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && name != root && d.Name() != ".." || strings.HasPrefix(d.Name(), "_") || d.Name() == "testdata" || d.Name() == "conformance") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(fset, name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		packages++
		dir := path.Dir(filepath.ToSlash(rel))
		for _, spec := range f.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			check(t, fset.Position(spec.Pos()).String(), dir, imported)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if packages < 50 {
		t.Errorf("only %d files were read: is the walk right?", packages)
	}
}

func check(t *testing.T, where, dir, imported string) {
	own := strings.TrimPrefix(imported, module)
	for _, r := range rules {
		if !within(dir, r.from) {
			continue
		}
		// A rule with "graph" speaks of the plan itself, not of the packages below it.
		if r.from == "graph" && dir != "graph" {
			continue
		}
		for _, never := range r.never {
			if within(own, never) && !within(own, r.from) && !slices.Contains(r.except, own) {
				t.Errorf("%s: %s imports %s: %s", where, dir, imported, r.why)
			}
		}
	}
	for lib, home := range homes {
		if within(imported, lib) && dir != home {
			t.Errorf("%s: %s imports %s, whose home is %s", where, dir, lib, home)
		}
	}
	// A pass never imports another: what two share goes down, not sideways.
	if a, b := passOf(dir), passOf(own); strings.HasPrefix(imported, module) && a != "" && b != "" && a != b {
		t.Errorf("%s: pass %s imports pass %s", where, a, b)
	}
}

// within tells whether p is the path base or lies below it; a base that ends in a slash means below it only.
func within(p, base string) bool {
	if strings.HasSuffix(base, "/") {
		return strings.HasPrefix(p, base)
	}
	return p == base || strings.HasPrefix(p, base+"/")
}

// passOf returns the name of the pass that a package belongs to, or nothing.
func passOf(dir string) string {
	rest, ok := strings.CutPrefix(dir, "passes/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	if name == "all" || name == "internal" || name == "passtest" {
		return ""
	}
	return name
}
