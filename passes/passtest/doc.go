package passtest

import (
	"os"
	"strings"
	"testing"

	"github.com/pare-ml/pare/passes"
)

// Doc tests the pass's page, doc.md in the folder of the test: every step of the pass in its yaml examples decodes, and the
// page speaks of every parameter.
func Doc(t *testing.T, pass *passes.Pass) {
	t.Helper()
	text, err := os.ReadFile("doc.md")
	if err != nil {
		t.Fatal(err)
	}
	steps := 0
	for i, block := range strings.Split(string(text), "```yaml\n") {
		if i == 0 {
			continue
		}
		example, _, _ := strings.Cut(block, "```")
		root, err := Parse(example)
		if err != nil {
			t.Fatal(err)
		}
		list := root.Get("passes")
		if list == nil {
			continue
		}
		for _, step := range list.Items {
			if n := step.Get(pass.Name); n != nil {
				steps++
				if _, err := Decode(pass, n); err != nil {
					t.Error(err)
				}
			}
		}
	}
	if steps == 0 {
		t.Errorf("doc.md has no example with a step of %s", pass.Name)
	}
	for _, f := range pass.Fields().Fields {
		if !strings.Contains(string(text), f.Name) {
			t.Errorf("doc.md does not say what %s is", f.Name)
		}
	}
}
