// Package docs writes the pages of docs that follow from records: passes, formats, facts, targets, commands and the JSON
// Schema. `go generate ./docs` writes them; a test in docs fails when one is stale. What the records cannot say is
// written by hand: passes/<name>/doc.md is the text of a pass's page.
package docs

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"

	"github.com/pare-ml/pare/internal/cli"
	"github.com/pare-ml/pare/recipe/jsonschema"
)

// Page is one file of docs.
type Page struct {
	Path string // relative to docs, with /
	Text []byte
}

// Pages makes all pages. root is the root of the source tree, for the texts of passes.
func Pages(root fs.FS) ([]Page, error) {
	suite := cli.Suite()
	lang := suite.Language()
	var pages []Page
	add := func(path string, text string) {
		pages = append(pages, Page{path, []byte(text)})
	}
	for _, p := range suite.Passes {
		text, err := fs.ReadFile(root, "passes/"+p.Name+"/doc.md")
		if err != nil {
			return nil, fmt.Errorf("pass %s: %w", p.Name, err)
		}
		add("passes/"+p.Name+".md", passPage(p, string(text)))
	}
	add("passes/README.md", passIndex(suite.Passes))
	add("keys.md", keysPage(lang))
	add("formats.md", formatsPage(suite.Formats))
	add("facts.md", factsPage(lang))
	if len(lang.Targets) > 0 {
		add("targets.md", targetsPage(lang))
	}
	add("commands.md", commandsPage(cli.Commands()))
	var b bytes.Buffer
	if err := jsonschema.Write(&b, lang); err != nil {
		return nil, err
	}
	add("recipe.schema.json", b.String())
	return pages, nil
}

// head begins a page that is generated.
func head(title, from string) string {
	return fmt.Sprintf("<!-- Written by go generate ./docs from %s. -->\n# %s\n\n", from, title)
}

// cell makes a text fit for a cell of a table.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(s)
}

// sentence is the first sentence of a text.
func sentence(doc string) string {
	doc = strings.Join(strings.Fields(doc), " ")
	if i := strings.Index(doc, ". "); i >= 0 {
		doc = doc[:i]
	}
	return strings.TrimSuffix(doc, ".") + "."
}
