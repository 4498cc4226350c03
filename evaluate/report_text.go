package evaluate

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// WriteText prints the report for a person at a terminal of this width (below 60 counts as 60; 120 suits a log), in
// colour if asked:
// layer by layer what happened, then size and accuracy before and after, then the gates, then what was written.
func (r *Report) WriteText(w io.Writer, width int, color bool) error {
	p := &page{width: max(width, 60), color: color}
	r.textHead(p)
	r.textSteps(p)
	r.textLayers(p)
	r.textSummary(p)
	r.textGates(p)
	r.textFindings(p)
	r.textFiles(p)
	r.textTimes(p)
	r.textOutcome(p)
	_, err := io.WriteString(w, p.b.String())
	return err
}

func (r *Report) textHead(p *page) {
	if title := r.title(); title != "" {
		p.line(p.paint(plain(title), bold))
	}
	if s := r.settings(); s != "" {
		p.wrapped("  ", 2, plain(s), normal)
	}
}

// title is the recipe's name, else its path.
func (r *Report) title() string {
	if r.Recipe.Name != "" {
		return r.Recipe.Name
	}
	return r.Recipe.Path
}

// settings says what was built: recipes/fashion.yaml with sparsity=0.5.
func (r *Report) settings() string {
	if r.Recipe.Path == "" {
		return ""
	}
	var vars []string
	for _, v := range r.Recipe.Vars {
		vars = append(vars, v.Name+"="+v.Value)
	}
	if vars == nil {
		return r.Recipe.Path
	}
	return r.Recipe.Path + " with " + strings.Join(vars, ", ")
}

// textSteps prints the steps that have something to say beyond their layers.
func (r *Report) textSteps(p *page) {
	var rows [][]cell
	for _, s := range r.Steps {
		if text := s.sentence(); text != "" {
			rows = append(rows, []cell{{text: plain(s.ID)}, {text: plain(s.Pass), style: dim}, {text: plain(text)}})
		}
	}
	if rows != nil {
		p.heading("Steps")
		p.table(rows)
	}
}

func (s Step) sentence() string {
	if s.LeftOut != "" {
		return "left out: " + s.LeftOut
	}
	return s.Did
}

// roomForSteps is what the table of layers must leave for the last column, else the steps get lines of their own.
const roomForSteps = 36

func (r *Report) textLayers(p *page) {
	if len(r.Layers) == 0 {
		return
	}
	p.heading("Layers")
	rows := [][]cell{{
		{text: "layer", style: dim}, {text: "weight", style: dim}, {text: "zeros", style: dim, right: true},
		{text: "bytes", style: dim, right: true}, {text: "sqnr", style: dim, right: true}, {text: "what happened", style: dim},
	}}
	for i := range r.Layers {
		rows = append(rows, r.Layers[i].cells())
	}
	used := 2
	for _, w := range columnWidths(rows)[:5] {
		used += w + 2
	}
	if p.width-used >= roomForSteps {
		p.table(r.layersWithSteps(rows))
		return
	}
	for i, row := range alignRows(p, rows) {
		p.line("  " + row)
		if i == 0 {
			continue
		}
		for _, s := range r.Layers[i-1].stepLines() {
			p.wrapped("      ", 6, s, dim)
		}
	}
}

// layersWithSteps puts the steps of a layer into the last column, one line each.
func (r *Report) layersWithSteps(rows [][]cell) [][]cell {
	out := rows[:1:1]
	for i, row := range rows[1:] {
		lines := r.Layers[i].stepLines()
		row[5] = cell{text: lines[0]}
		out = append(out, row)
		for _, l := range lines[1:] {
			out = append(out, []cell{{}, {}, {right: true}, {right: true}, {right: true}, {text: l}})
		}
	}
	return out
}

// alignRows prints all columns but the last.
func alignRows(p *page, rows [][]cell) []string {
	widths := columnWidths(rows)
	var out []string
	for _, row := range rows {
		var b strings.Builder
		for i, c := range row[:len(row)-1] {
			pad := strings.Repeat(" ", widths[i]-columns(c.text))
			if c.right {
				b.WriteString(pad + p.paint(c.text, c.style) + "  ")
			} else {
				b.WriteString(p.paint(c.text, c.style) + pad + "  ")
			}
		}
		out = append(out, b.String())
	}
	return out
}

func (l *LayerReport) cells() []cell {
	to, zeros, size := l.To.weight(), percentRounded(l.To.zeroShare()), bytesChange(l.From.Bytes, l.To.Bytes)
	if l.Gone {
		to, zeros, size = "gone", "", bytesChange(l.From.Bytes, 0)
	}
	sqnr := ""
	if !l.noSQNR() {
		sqnr = amount(Decibel, l.SQNR)
	}
	return []cell{{text: plain(l.Name)}, {text: to}, {text: zeros, right: true}, {text: size, right: true}, {text: sqnr, right: true}, {}}
}

// stepLines says what each step did: "thin: 8 of 32 filters removed". There is at least one line.
func (l *LayerReport) stepLines() []string {
	var lines []string
	for _, s := range l.Steps {
		text := plain(s.Did)
		switch {
		case s.Did == "":
			text = "left as it is: " + plain(s.Why)
		case s.Why != "":
			text += " (" + plain(s.Why) + ")"
		}
		lines = append(lines, plain(s.Step)+": "+text)
	}
	if lines == nil {
		return []string{"no step touches it"}
	}
	return lines
}

// weight writes a weight's shape and type: 24x1x3x3 int8.
func (s LayerState) weight() string {
	var b strings.Builder
	for i, d := range s.Shape {
		if i > 0 {
			b.WriteByte('x')
		}
		fmt.Fprint(&b, d)
	}
	return strings.TrimSpace(b.String() + " " + plain(s.DType))
}

func bytesChange(from, to int64) string {
	if from == to {
		return amount(Bytes, float64(to))
	}
	return amount(Bytes, float64(from)) + " -> " + amount(Bytes, float64(to))
}

func percentRounded(share float64) string { return fixed(share*100, 0) + "%" }

func (r *Report) textSummary(p *page) {
	rows := r.summary()
	if len(rows) == 0 {
		return
	}
	p.heading("Before and after")
	table := [][]cell{{{}, {text: "before", style: dim, right: true}, {text: "after", style: dim, right: true}, {text: "change", style: dim}}}
	for _, s := range rows {
		st := normal
		if s.worse {
			st = yellow
		}
		table = append(table, []cell{{text: plain(s.what)}, {text: s.before, right: true}, {text: s.after, right: true}, {text: s.change, style: st}})
	}
	p.table(table)
	if r.hasRanges() {
		p.wrapped("  ", 2, rangesNote, dim)
	}
}

var gateMarks = map[Outcome]struct {
	mark  string
	style style
}{Met: {"✓", green}, NotMet: {"✗", red}, Undecided: {"?", yellow}}

func (r *Report) textGates(p *page) {
	if len(r.Gates) == 0 {
		return
	}
	p.heading("Gates")
	for _, d := range r.gates() {
		m := gateMarks[d.Outcome]
		if d.warns() {
			m.mark, m.style = "!", yellow
		}
		p.wrapped("  "+p.paint(m.mark, m.style)+" ", 4, plain(d.sentence()), normal)
	}
}

// warns tells whether the gate is not met but stops nothing.
func (d *Decision) warns() bool { return d.Gate.OnFail == "warn" && d.Outcome != Met }

func (r *Report) warned() int {
	n := 0
	for i := range r.Gates {
		if r.Gates[i].warns() {
			n++
		}
	}
	return n
}

// sentence is the message, with the gate's name before it if it does not say it.
func (d *Decision) sentence() string {
	s := d.Message
	if !strings.Contains(s, d.Gate.Name) {
		s = d.Gate.Name + ": " + s
	}
	if d.warns() {
		s += "; it only warns"
	}
	return s
}

func (r *Report) textFindings(p *page) {
	if len(r.Findings) == 0 {
		return
	}
	p.heading("Findings")
	for _, f := range r.Findings {
		st := dim
		switch f.Severity {
		case "error":
			st = red
		case "warning":
			st = yellow
		}
		word := plain(f.Severity)
		p.wrapped("  "+p.paint(word, st)+"  ", columns(word)+4, plain(f.sentence()), normal)
	}
}

// sentence writes recipe.yaml:12:5: layer conv1: message (code).
func (f Finding) sentence() string {
	if place := f.place(); place != "" {
		return place + ": " + f.text()
	}
	return f.text()
}

func (f Finding) place() string {
	switch {
	case f.Path == "" || f.Line == 0:
		return f.Path
	case f.Column == 0:
		return fmt.Sprintf("%s:%d", f.Path, f.Line)
	}
	return fmt.Sprintf("%s:%d:%d", f.Path, f.Line, f.Column)
}

func (f Finding) text() string {
	s := f.Message
	if f.Subject != "" {
		s = f.Subject + ": " + s
	}
	if f.Code != "" {
		s += " (" + f.Code + ")"
	}
	return s
}

func (r *Report) textFiles(p *page) {
	if len(r.Artifacts) == 0 && len(r.Notes) == 0 {
		return
	}
	p.heading("Written")
	var rows [][]cell
	for _, f := range r.Artifacts {
		rows = append(rows, []cell{
			{text: plain(f.Path)}, {text: plain(f.Format)}, {text: amount(Bytes, float64(f.Bytes)), right: true},
			{text: "sha256 " + shortDigest(f.SHA256), style: dim},
		})
	}
	p.table(rows)
	for _, n := range r.Notes {
		p.wrapped("  ", 2, plain(n), normal)
	}
}

// shortDigest is enough of a digest to tell files apart by eye; the JSON has all of it.
func shortDigest(s string) string {
	s = plain(s)
	return s[:min(16, len(s))]
}

func (r *Report) textTimes(p *page) {
	if len(r.Times) == 0 {
		return
	}
	var total time.Duration
	var parts []string
	for _, t := range r.Times {
		total += t.Took
		switch {
		case t.Note == "cached":
			parts = append(parts, plain(t.What)+" cached")
		case t.Note != "":
			parts = append(parts, fmt.Sprintf("%s %s (%s)", plain(t.What), seconds(t.Took), plain(t.Note)))
		default:
			parts = append(parts, plain(t.What)+" "+seconds(t.Took))
		}
	}
	p.line("")
	p.wrapped("", 0, fmt.Sprintf("Took %s: %s", seconds(total), strings.Join(parts, ", ")), dim)
}

func seconds(d time.Duration) string {
	if d >= time.Minute {
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func (r *Report) textOutcome(p *page) {
	if p.b.Len() > 0 {
		p.line("")
	}
	text, st := r.verdict()
	p.wrapped("", 0, plain(text), st)
}

// verdict says in a sentence how the build ended.
func (r *Report) verdict() (string, style) {
	count, warned := map[Outcome]int{}, r.warned()
	for i := range r.Gates {
		if d := &r.Gates[i]; !d.warns() {
			count[d.Outcome]++
		}
	}
	var parts []string
	if n := count[NotMet]; n > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d gates not met", n, len(r.Gates)))
	}
	if n := count[Undecided]; n > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d gates undecided", n, len(r.Gates)))
	}
	switch out := r.Outcome(); out {
	case Failed:
		return "The build failed: " + r.Failure, red
	case NoGates:
		return "Built. The recipe has no gates, so nothing was asked of the result.", yellow
	case Met:
		switch {
		case warned > 0:
			return fmt.Sprintf("Built, with %d of %d gates met; the others only warn.", count[Met], len(r.Gates)), yellow
		case len(r.Gates) == 1:
			return "Built. The gate is met.", green
		}
		return fmt.Sprintf("Built. All %d gates are met.", len(r.Gates)), green
	case Undecided:
		return "Not accepted: " + strings.Join(parts, ", ") + ".", yellow
	}
	return "Not accepted: " + strings.Join(parts, ", ") + ".", red
}
