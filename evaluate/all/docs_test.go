package all_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/evaluate/all"
)

var update = flag.Bool("update", false, "write docs/metrics.md")

// docs/metrics.md is what the records say.
func TestMetricsPage(t *testing.T) {
	const path = "../../docs/metrics.md"
	want := page()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the records say; go test ./evaluate/all -update writes it", path)
	}
}

func page() string {
	var b strings.Builder
	b.WriteString("<!-- Written by go test ./evaluate/all -update from the records in evaluate. -->\n# Metrics\n\n" +
		"What a gate can name as its `metric`. [gates.md](gates.md) says how gates decide.\n\n" +
		"| metric | unit | better | kind | needs |\n|---|---|---|---|---|\n")
	for _, m := range all.Metrics() {
		better := "lower"
		if m.Higher {
			better = "higher"
		}
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s | %s | %s | %s |\n", m.Name, m.Name, m.Unit, better, m.Kind, needs(m))
	}
	b.WriteString("\nA *rate* is the share of samples with a property and a *mean* the mean over samples of a number: both have bounds, and " +
		"gates on them\nmay ask for a confidence. A *figure* is one number without bounds. Metrics that compare with the " +
		"baseline by themselves take a\n`threshold` alone.\n")
	for _, m := range all.Metrics() {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", m.Name, m.Doc)
	}
	return b.String()
}

func needs(m *evaluate.Metric) string {
	var parts []string
	for _, n := range []struct {
		is   bool
		what string
	}{{m.Needs.Data, "data"}, {m.Needs.Labels, "labels"}, {m.Needs.Baseline, "baseline"}, {m.Needs.Artifact, "artefact"}} {
		if n.is {
			parts = append(parts, n.what)
		}
	}
	return strings.Join(parts, ", ")
}
