package graph

import (
	"fmt"
	"io"
	"strings"

	"github.com/pare-ml/pare/recipe/diag"
)

// WriteDOT draws the plan's actions as a graph in the language of Graphviz. Units of one step that wait for the same
// are one box.
func (p *Plan) WriteDOT(w io.Writer) error {
	var b strings.Builder
	b.WriteString("digraph plan {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n")
	boxes := p.boxes()
	for _, x := range boxes {
		fmt.Fprintf(&b, "  a%d [label=%s%s];\n", x.id, quoteDOT(x.lines), map[bool]string{true: ", style=dashed"}[x.dashed])
	}
	for _, x := range boxes {
		for _, in := range x.inputs {
			fmt.Fprintf(&b, "  a%d -> a%d;\n", in, x.id)
		}
	}
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteMermaid draws the same graph as a Mermaid flow chart, which code hosts show in Markdown.
func (p *Plan) WriteMermaid(w io.Writer) error {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	boxes := p.boxes()
	for _, x := range boxes {
		fmt.Fprintf(&b, "  a%d[\"%s\"]\n", x.id, escapeMermaid(x.lines))
	}
	for _, x := range boxes {
		for _, in := range x.inputs {
			fmt.Fprintf(&b, "  a%d --> a%d\n", in, x.id)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// box is a node of the drawing.
type box struct {
	id     int // of its first action
	lines  []string
	inputs []int
	dashed bool // decided at run
}

// boxes joins the units of each step into one box.
func (p *Plan) boxes() []*box {
	var out []*box
	of := map[*Action]*box{}
	steps := map[*Step]*box{}
	for _, a := range p.Actions {
		x := &box{id: a.ID}
		switch a.Do {
		case Treat:
			if joined := steps[a.Step]; joined != nil {
				of[a] = joined
				continue
			}
			steps[a.Step] = x
			x.lines, x.dashed = p.stepLines(a.Step), a.Step.AtRun != ""
		case Decide:
			x.lines = []string{"decide " + plural(len(p.Recipe.Gates), "gate")}
		case Measure:
			x.lines = []string{"measure for " + a.Step.Step.ID, describe(a.Need)}
		default:
			x.lines = []string{string(a.Do) + " " + a.what()}
		}
		of[a] = x
		out = append(out, x)
		seen := map[*box]bool{}
		for _, in := range a.Inputs {
			if from := of[in]; from != nil && !seen[from] {
				seen[from] = true
				x.inputs = append(x.inputs, from.id)
			}
		}
	}
	return out
}

func (p *Plan) stepLines(s *Step) []string {
	lines := []string{s.Step.ID}
	if s.Step.ID != s.Pass.Name {
		lines[0] += ": " + s.Pass.Name
	}
	if s.AtRun != "" {
		lines = append(lines, "if "+s.AtRun)
	}
	text := plural(len(s.acting()), "layer")
	if n := len(s.Units); n > 1 {
		text += " in " + plural(n, "unit")
	}
	return append(lines, text)
}

func quoteDOT(lines []string) string {
	r := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	words := make([]string, len(lines))
	for i, l := range lines {
		words[i] = r.Replace(diag.Printable(l))
	}
	return `"` + strings.Join(words, `\n`) + `"`
}

func escapeMermaid(lines []string) string {
	r := strings.NewReplacer("&", "#amp;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "[", "#91;", "]", "#93;", "`", "#96;", "#", "#35;")
	words := make([]string, len(lines))
	for i, l := range lines {
		words[i] = r.Replace(diag.Printable(l))
	}
	return strings.Join(words, "<br/>")
}
