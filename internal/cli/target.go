package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/graph/lock"
	"github.com/pare-ml/pare/graph/target"
	"github.com/pare-ml/pare/internal/human"
	"github.com/pare-ml/pare/recipe/diag"
)

// suiteOf returns the suite with the profile that the recipe names, if that is a file. Findings about the profile go to
// report; with errors among them the error is findingsError.
func (s *session) suiteOf(p *project, report *diag.List) (*graph.Suite, error) {
	t := p.recipe.Target
	if t.Path == "" {
		return s.suite, nil
	}
	f, err := p.open(t.Path, lock.Target)
	if err != nil {
		if err = p.missing(err, t.Node, diag.Error); err == nil {
			err = findingsError{}
		}
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f.Reader(), recipeBytes+1))
	if err != nil {
		return nil, err
	}
	profile := target.Parse(&diag.Source{Name: t.Path, Text: text}, report)
	if profile == nil {
		return nil, findingsError{}
	}
	return s.suite.WithTarget(profile), nil
}

// listTarget prints a profile.
func listTarget(w io.Writer, t *target.Target) error {
	fmt.Fprintf(w, "%s: %s\n\n", t.Name, strings.TrimSpace(t.Doc))
	table := newTable(w, "WHAT")
	row := func(what, value string) {
		if value != "" {
			table.row(what, value)
		}
	}
	row("runtime", t.Runtime)
	row("instruction set", t.ISA)
	if t.Cores > 0 {
		row("cores", fmt.Sprint(t.Cores))
	}
	if t.Memory > 0 {
		row("memory for weights", human.Bytes(t.Memory))
	}
	if t.Size > 0 {
		row("room for files", human.Bytes(t.Size))
	}
	row("formats", strings.Join(t.Formats, ", "))
	if t.Opset.Max > 0 || t.Opset.Min > 0 {
		row("opsets of ONNX", strings.TrimSpace(fmt.Sprintf("%s to %s", version(t.Opset.Min), version(t.Opset.Max))))
	}
	row("operators", strings.Join(t.Operators, ", "))
	row("other domains", strings.Join(t.Domains, ", "))
	for _, n := range t.Weights {
		row("weights", n.String())
	}
	for _, n := range t.Activations {
		row("activations", n.String())
	}
	if t.Saturates {
		row("uint8 x int8", "sums saturate")
	}
	if t.Apart {
		row("siblings", "may have types of their own")
	} else {
		row("siblings", "share a type")
	}
	table.flush()
	return nil
}

func version(n int) string {
	if n == 0 {
		return "any"
	}
	return fmt.Sprint(n)
}
