package docs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pare-ml/pare/internal/cli"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipes"
)

// The table of recipes.md is what the recipes say of themselves.
func TestRecipeTable(t *testing.T) {
	const from, to = "<!-- recipes -->\n", "<!-- /recipes -->"
	page := read(t, "recipes.md")
	head, rest, ok := strings.Cut(page, from)
	_, tail, closed := strings.Cut(rest, to)
	if !ok || !closed {
		t.Fatal("recipes.md has no place for the table")
	}
	var b strings.Builder
	b.WriteString("| recipe | result | steps | gates |\n|---|---|---|---|\n")
	for _, e := range recipes.Examples() {
		var found diag.List
		r := recipe.Parse(&diag.Source{Name: e.Recipe, Text: []byte(read(t, filepath.Join("..", "recipes", e.Recipe)))},
			cli.Suite().Language(), recipe.Options{}, &found)
		if r == nil || found.HasErrors() {
			t.Fatalf("%s: %v", e.Recipe, found)
		}
		var steps, gates []string
		for _, s := range r.Steps {
			steps = append(steps, "`"+s.Pass+"`")
		}
		for _, g := range r.Gates {
			gates = append(gates, g.Name)
		}
		fmt.Fprintf(&b, "| [%s](../recipes/%[1]s) | %s | %s | %s |\n", e.Recipe, r.Description, strings.Join(steps, " "), strings.Join(gates, "; "))
	}
	want := head + from + b.String() + to + tail
	switch {
	case *update:
		if err := os.WriteFile("recipes.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	case want != page:
		t.Error("the table of recipes.md is not what the recipes say; go test ./docs -update writes it")
	}
}
