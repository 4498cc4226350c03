package graph_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/recipe/diag"
)

// What a reviewer reads when parts of a recipe change.
func TestDiff(t *testing.T) {
	for _, c := range []struct {
		name, recipe string
		replace      []string
	}{
		{"parameters", "grouped.yaml", []string{"type: uint8, symmetric: false", "granularity: tensor", "{0,5}", "{0,1,5}"}},
		{"steps", "carried.yaml", []string{"  - fold: {}\n", "", "    targets: [\"**.conv1\"]\n", "    targets: [\"stage2.*.conv1\"]\n"}},
		{"order", "overrides.yaml", []string{"  - id: again\n    prune: {sparsity: 60%}\n", "  - id: other\n    prune: {sparsity: 60%}\n"}},
		{"recipe", "at-run.yaml", []string{"train.idx", "other.idx", "max_degradation: 1%", "max_degradation: 2%, confidence: 95%, on_fail: warn", "steps: 30", "steps: 40", "< baseline.top1 - 0.01", "< 0.5", "threshold: 50%", "threshold: 60%"}},
		{"nothing", "carried.yaml", nil},
	} {
		a := plan(t, c.recipe, nil)
		b := plan(t, c.recipe, func(s string) string { return strings.NewReplacer(c.replace...).Replace(s) })
		d := graph.Diff(a, b, suite())
		if d.Empty() != (c.replace == nil) {
			t.Errorf("%s: empty is %v", c.name, d.Empty())
		}
		var out, asJSON bytes.Buffer
		if err := errors.Join(d.WriteText(&out, 0), diag.WriteText(&out, d.Findings(), diag.TextOptions{}), d.WriteMarkdown(&out), d.WriteJSON(&asJSON)); err != nil {
			t.Fatal(err)
		}
		golden(t, "testdata/diff/"+c.name+".txt", out.Bytes())
	}
}

// The direction in which a gate changes.
func TestGateChanges(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want graph.GateKind
	}{
		{"metric: top1, data: test, max_degradation: 1%", "metric: top1, data: test, max_degradation: 1%", ""},
		{"metric: top1, data: test, max_degradation: 1%", "metric: top1, data: test, max_degradation: 2%", graph.Loosened},
		{"metric: top1, data: test, threshold: 90%", "metric: top1, data: test, threshold: 95%", graph.Tightened},
		{"metric: top1, data: test, threshold: 90%", "metric: top1, data: test, threshold: 85%", graph.Loosened},
		{"metric: top1, data: test, max_degradation: 1%, confidence: 95%", "metric: top1, data: test, max_degradation: 1%", graph.Loosened},
		{"metric: top1, data: test, max_degradation: 1%", "metric: top1, data: test, max_degradation: 2%, confidence: 95%", graph.Other},
		{"expect: artifact.bytes <= 10kB", "expect: artifact.bytes <= 20kB", graph.Loosened},
		{"expect: artifact.bytes <= 10kB && metrics.top1 > 0.5", "expect: artifact.bytes <= 10kB && metrics.top1 > 60%", graph.Tightened},
		{"expect: artifact.bytes <= 10kB", "expect: artifact.bytes < 10kB || metrics.top1 > 0.9", graph.Added},
		{"metric: top1, data: test, max_degradation: 1%", "metric: top1, data: test, max_degradation: 1%, on_fail: warn", graph.Loosened},
	} {
		with := func(gate string) func(string) string {
			return func(s string) string {
				return strings.Replace(s, "metric: top1, data: test, max_degradation: 1%", gate, 1)
			}
		}
		d := graph.Diff(plan(t, "carried.yaml", with(c.a)), plan(t, "carried.yaml", with(c.b)), suite())
		got := graph.GateKind("")
		if len(d.Gates) > 0 {
			got = d.Gates[0].Kind
		}
		if got != c.want {
			t.Errorf("%s -> %s: %q, want %q", c.a, c.b, got, c.want)
		}
	}
}

// Names are written in few words, and never as layers that are not there.
func TestNames(t *testing.T) {
	var blocks []string
	for i := range 24 {
		blocks = append(blocks, fmt.Sprintf("model.layers.%d.up", i))
	}
	for _, c := range []struct {
		layers []string
		want   string
	}{
		{blocks, "model.layers.{0..23}.up"},
		{append(blocks[:4:4], "model.layers.7.up"), "model.layers.{0..3,7}.up"},
		{[]string{"a.0.b.0", "a.0.b.1", "a.1.b.0", "a.1.b.1"}, "a.{0,1}.b.{0,1}"},
		{[]string{"a.0.b.0", "a.1.b.1"}, "a.0.b.0, a.1.b.1"},
		{[]string{"x", "y"}, "x, y"},
		{[]string{"a01", "a02"}, "a{01,02}"},
	} {
		if got := graph.Names(c.layers, 0); got != c.want {
			t.Errorf("%v: %s, want %s", c.layers, got, c.want)
		}
	}
}
