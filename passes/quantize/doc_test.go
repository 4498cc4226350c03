package quantize_test

import (
	"os"
	"strings"
	"testing"

	"github.com/pare-ml/pare/passes/passtest"
	"github.com/pare-ml/pare/passes/quantize"
)

// The example of the page decodes, and the page speaks of every parameter.
func TestDoc(t *testing.T) {
	text, err := os.ReadFile("doc.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	example, _, _ := strings.Cut(rest, "```")
	root, err := passtest.Parse(example)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, step := range root.Get("passes").Items {
		if n := step.Get(quantize.Pass.Name); n != nil {
			found++
			if _, err := passtest.Decode(quantize.Pass, n); err != nil {
				t.Error(err)
			}
		}
	}
	if found == 0 {
		t.Error("the example has no step of this pass")
	}
	for _, f := range quantize.Pass.Fields().Fields {
		if !strings.Contains(string(text), f.Name) {
			t.Errorf("doc.md does not say what %s is", f.Name)
		}
	}
}
