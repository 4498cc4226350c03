package prune_test

import (
	"os"
	"strings"
	"testing"

	"github.com/pare-ml/pare/passes/passtest"
	"github.com/pare-ml/pare/passes/prune"
)

// The example of the page decodes, and the page speaks of every parameter.
func TestDoc(t *testing.T) {
	text, err := os.ReadFile("doc.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	example, _, _ := strings.Cut(rest, "```")
	n, err := passtest.Parse(example)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := passtest.Decode(prune.Pass, n.At("passes.0.prune")); err != nil {
		t.Error(err)
	}
	for _, f := range prune.Pass.Fields().Fields {
		if !strings.Contains(string(text), f.Name) {
			t.Errorf("doc.md does not say what %s is", f.Name)
		}
	}
}
