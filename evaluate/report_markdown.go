package evaluate

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// WriteMarkdown prints the report for a pull request, in GitHub's Markdown: the verdict, the gates, size and accuracy
// before and after, and behind a fold what happened to each layer.
func (r *Report) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	r.markdownHead(&b)
	r.markdownGates(&b)
	r.markdownSummary(&b)
	r.markdownFiles(&b)
	r.markdownFindings(&b)
	r.markdownWorst(&b)
	r.markdownLayers(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

var outcomeEmoji = map[Outcome]string{Met: "✅", NotMet: "❌", Undecided: "❔", Failed: "❌", NoGates: warningEmoji}

const warningEmoji = "⚠️"

func (r *Report) markdownHead(b *strings.Builder) {
	text, _ := r.verdict()
	mark := outcomeEmoji[r.Outcome()]
	if r.Outcome() == Met && r.warned() > 0 {
		mark = warningEmoji
	}
	fmt.Fprintf(b, "### %s %s\n\n%s\n", mark, code(r.title()), markdown(text))
	if r.Recipe.Description != "" {
		fmt.Fprintf(b, "\n%s\n", markdown(r.Recipe.Description))
	}
	if s := r.settings(); s != "" {
		fmt.Fprintf(b, "\nRecipe %s\n", code(s))
	}
}

func (r *Report) markdownGates(b *strings.Builder) {
	if len(r.Gates) == 0 {
		return
	}
	b.WriteString("\n| | gate |\n|:-:|---|\n")
	for _, d := range r.gates() {
		mark := outcomeEmoji[d.Outcome]
		if d.warns() {
			mark = warningEmoji
		}
		fmt.Fprintf(b, "| %s | %s |\n", mark, markdown(d.sentence()))
	}
}

func (r *Report) markdownSummary(b *strings.Builder) {
	rows := r.summary()
	if len(rows) == 0 {
		return
	}
	b.WriteString("\n| | before | after | change |\n|---|--:|--:|---|\n")
	for _, s := range rows {
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", markdown(s.what), markdown(s.before), markdown(s.after), markdown(s.change))
	}
	if r.hasRanges() {
		fmt.Fprintf(b, "\n<sub>%s</sub>\n", rangesNote)
	}
}

func (r *Report) markdownFiles(b *strings.Builder) {
	if len(r.Artifacts) == 0 && len(r.Notes) == 0 {
		return
	}
	b.WriteString("\n")
	for _, f := range r.Artifacts {
		fmt.Fprintf(b, "- %s, %s, %s, sha256 %s\n", code(f.Path), markdown(f.Format), amount(Bytes, float64(f.Bytes)), code(f.SHA256))
	}
	for _, n := range r.Notes {
		fmt.Fprintf(b, "- %s\n", markdown(n))
	}
}

func (r *Report) markdownFindings(b *strings.Builder) {
	if len(r.Findings) == 0 {
		return
	}
	what := "1 finding"
	if len(r.Findings) > 1 {
		what = fmt.Sprintf("%d findings", len(r.Findings))
	}
	fmt.Fprintf(b, "\n<details><summary>%s</summary>\n\n", what)
	for _, f := range r.Findings {
		fmt.Fprintf(b, "- **%s** ", markdown(f.Severity))
		if place := f.place(); place != "" {
			fmt.Fprintf(b, "%s: ", code(place))
		}
		fmt.Fprintf(b, "%s\n", markdown(f.text()))
	}
	b.WriteString("\n</details>\n")
}

func (r *Report) markdownLayers(b *strings.Builder) {
	if len(r.Layers) == 0 {
		return
	}
	changed := 0
	for i := range r.Layers {
		if r.Layers[i].changed() {
			changed++
		}
	}
	fmt.Fprintf(b, "\n<details><summary>Layers: %d, changed: %d</summary>\n\n", len(r.Layers), changed)
	b.WriteString("| layer | weight | zeros | bytes | SQNR | what happened |\n|---|---|--:|--:|--:|---|\n")
	for i := range r.Layers {
		l := &r.Layers[i]
		c := l.cells()
		lines := l.stepLines()
		for k, s := range lines {
			lines[k] = markdown(s)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", code(l.Name), markdown(c[1].text), c[2].text,
			markdown(c[3].text), c[4].text, strings.Join(lines, "<br>"))
	}
	b.WriteString("\n")
	for _, s := range r.Steps {
		if text := s.sentence(); text != "" {
			fmt.Fprintf(b, "- %s (%s): %s\n", code(s.ID), markdown(s.Pass), markdown(text))
		}
	}
	b.WriteString("\n</details>\n")
}

// worst is how many layers the table of the worst has.
const worst = 10

// markdownWorst lists the layers whose weights were rounded most.
func (r *Report) markdownWorst(b *strings.Builder) {
	var list []*LayerReport
	for i := range r.Layers {
		if l := &r.Layers[i]; l.Rounded && !l.noSQNR() && !math.IsInf(l.SQNR, 0) {
			list = append(list, l)
		}
	}
	if len(list) < 2 {
		return
	}
	slices.SortStableFunc(list, func(x, y *LayerReport) int { return cmp.Compare(x.SQNR, y.SQNR) })
	fmt.Fprintf(b, "\n<details><summary>Weights that rounding changed most: %d of %d</summary>\n\n", min(worst, len(list)), len(list))
	b.WriteString("| layer | weight | bits a weight | SQNR | cosine | mean error | largest error |\n|---|---|--:|--:|--:|--:|--:|\n")
	for _, l := range list[:min(worst, len(list))] {
		fmt.Fprintf(b, "| %s | %s | %.2f | %s | %.6f | %.4f | %.3f |\n", code(l.Name), markdown(l.To.weight()),
			8*float64(l.To.Bytes)/float64(max(l.To.Params, 1)), amount(Decibel, l.SQNR), l.Cosine, l.MeanError, l.MaxError)
	}
	b.WriteString("\nErrors are in units of the root mean square of the layer's weights.\n\n</details>\n")
}

// changed tells whether a step did anything to the layer.
func (l *LayerReport) changed() bool {
	for _, s := range l.Steps {
		if s.Did != "" {
			return true
		}
	}
	return l.Gone
}
