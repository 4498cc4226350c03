package distill_test

import (
	"os"
	"strings"
	"testing"

	"github.com/pare-ml/pare/passes/distill"
	"github.com/pare-ml/pare/passes/passtest"
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
	if _, err := passtest.Decode(distill.Pass, n.At("passes.0.distill")); err != nil {
		t.Error(err)
	}
	for _, f := range distill.Pass.Fields().Fields {
		if !strings.Contains(string(text), f.Name) {
			t.Errorf("doc.md does not say what %s is", f.Name)
		}
	}
}
