package graph_test

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/pare-ml/pare/graph"
)

// plan compiles a recipe of testdata/plans.
func plan(t *testing.T, name string, change func(string) string, set ...string) *graph.Plan {
	t.Helper()
	text, err := os.ReadFile("testdata/plans/" + name)
	if err != nil {
		t.Fatal(err)
	}
	s := string(text)
	if change != nil {
		s = change(s)
	}
	p, report := compile(t, name, s, set...)
	if p == nil {
		t.Fatal(report)
	}
	return p
}

// Explanations of layers that overrides fight over, that follow others, that go, that are refused.
func TestExplain(t *testing.T) {
	for _, c := range []struct{ recipe, layer string }{
		{"overrides.yaml", "stage1.block1.conv2"},
		{"overrides.yaml", "stem.conv"},
		{"overrides.yaml", "stage2.block1.short"},
		{"carried.yaml", "stage1.block1.conv2"},
		{"carried.yaml", "stem.norm"},
		{"conditions.yaml", "stage1.block1.conv1"},
	} {
		x := plan(t, c.recipe, nil).Explain(c.layer)
		var b, asJSON bytes.Buffer
		if err := errors.Join(x.WriteText(&b, graph.ExplainOptions{}), x.WriteText(&b, graph.ExplainOptions{All: true, Width: 80}), x.WriteJSON(&asJSON)); err != nil {
			t.Fatal(err)
		}
		golden(t, "testdata/explain/"+c.recipe[:len(c.recipe)-5]+"."+c.layer+".txt", b.Bytes())
	}
	if plan(t, "overrides.yaml", nil).Explain("none") != nil {
		t.Error("a layer that is not there is explained")
	}
}
