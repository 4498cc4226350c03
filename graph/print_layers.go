package graph

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pare-ml/pare/internal/human"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/recipe/diag"
)

// mostRows is how many lines of layers a step gets before the rest is only counted.
const mostRows = 40

// row is a line of a step's table: layers that get the same.
type row struct {
	layers []string
	kind   kind
	change string // shape and type of the weight
	size   string
	what   string // what is done or why not, the same for all rows of a section
}

// table prints what happens to layers: rows under what they have in common.
func (t *planText) table(s *Step) {
	rows, left := t.rows(s), 0
	if !t.o.Full && len(rows) > mostRows {
		for _, r := range rows[mostRows:] {
			left += len(r.layers)
		}
		rows = rows[:mostRows]
	}
	var single []*row
	for i := 0; i < len(rows); {
		j := i + 1
		for j < len(rows) && rows[j].what == rows[i].what {
			j++
		}
		if j == i+1 {
			single = append(single, rows[i])
		} else {
			t.columns(single)
			t.section(rows[i:j])
			single = nil
		}
		i = j
	}
	t.columns(single)
	if left > 0 {
		t.line("   … and %s; --full prints all", plural(left, "layer"))
	}
	if len(s.Layers) == 0 && s.Did == "" {
		t.line("   treats no layer")
	}
}

// rows groups a step's layers: those of one kind that get the same stand in one row, and those to which something is
// done that changes neither shape nor size in one row for all.
func (t *planText) rows(s *Step) []*row {
	var rows []*row
	at := map[string]*row{}
	quiet := &row{what: "unchanged in shape and type"}
	for _, l := range s.Layers {
		e := l.Effect
		if e.Did == "" && e.Why == "" {
			quiet.layers = append(quiet.layers, l.Layer.Name)
			continue
		}
		r := &row{layers: []string{l.Layer.Name}, kind: kindOf(l.Layer.Name), change: change(e.From, e.To), size: size(e.From, e.To),
			what: t.said(s, l)}
		key := strings.Join([]string{r.kind.template, r.change, r.size, generic(r.what, l.Layer.Name)}, "\x00")
		if e.From.Bytes == e.To.Bytes && e.From.DType == e.To.DType && !e.To.Gone {
			key = "\x00" + generic(r.what, l.Layer.Name)
		}
		if first := at[key]; first != nil && !t.o.Full {
			first.layers = append(first.layers, l.Layer.Name)
			if first.change != r.change {
				first.change = ""
			}
			if first.size != r.size {
				first.size = ""
			}
			first.what = generic(first.what, first.layers[0])
			continue
		}
		at[key] = r
		rows = append(rows, r)
	}
	if len(quiet.layers) > 0 {
		rows = append(rows, quiet)
	}
	for _, r := range rows {
		r.what = specific(r.what, r.layers)
	}
	return rows
}

// said is what happens to a layer, and the lines of the recipe that say so beside the step's own.
func (t *planText) said(s *Step, l *Treatment) string {
	e := l.Effect
	text := e.Did
	switch {
	case text == "":
		text = "left alone: " + e.Why
	case e.Why != "":
		text += "; " + e.Why
	}
	if len(e.Carried) > 0 {
		text += "; carries " + Names(e.Carried, 4)
	}
	if n := e.From.Params - e.To.Params; n > 0 && !e.To.Gone {
		text += fmt.Sprintf("; %s parameters fewer", human.Count(int64(n)))
	}
	text = diag.Printable(text)
	if len(l.Rules) > 1 {
		text += " (" + t.lines(s, l.Rules[1:]) + ")"
	}
	return text
}

// lines names the lines of the overrides that decided; the file too if it is not the step's.
func (t *planText) lines(s *Step, rules []diag.Span) string {
	words := make([]string, len(rules))
	for i, r := range rules {
		words[i] = place(r)
		if r.Source == s.Step.Node.Span.Source {
			line, _ := r.Source.Position(r.Start)
			words[i] = fmt.Sprint(line)
		}
	}
	return "line " + strings.Join(words, ", ")
}

// columns prints rows of which each says something else: in columns, with what is done beside them if it fits, else
// below.
func (t *planText) columns(rows []*row) {
	const indent = 3
	widths := widthsOf(rows, t.o.Width-indent)
	for _, r := range rows {
		if r.change == "" || r.kinds() > 1 {
			t.wrap(indent, r.names()+": "+r.what)
			continue
		}
		if line := padded(r.cells(), widths) + "  " + r.what; indent+utf8.RuneCountInString(line) <= t.o.Width {
			t.line("   %s", line)
			continue
		}
		t.cells(indent, r, widths)
		t.wrap(indent+2, r.what)
	}
}

// section prints rows under what they have in common.
func (t *planText) section(rows []*row) {
	t.wrap(3, rows[0].what)
	widths := widthsOf(rows, t.o.Width-5)
	for _, r := range rows {
		t.cells(5, r, widths)
	}
}

// cells prints the cells of a row in columns; behind a name that leaves no room for them, in a line of their own.
func (t *planText) cells(indent int, r *row, widths [3]int) {
	cells, pad := r.cells(), strings.Repeat(" ", indent)
	line := padded(cells, widths)
	if indent+utf8.RuneCountInString(line) <= t.o.Width || len(cells) == 1 {
		t.line("%s%s", pad, line)
		return
	}
	t.wrap(indent, cells[0])
	t.line("%s    %s", pad, strings.Join(cells[1:], "  "))
}

// widthsOf are the columns that the cells of rows need in lines of this width. A name that leaves no room for the others
// does not push them aside.
func widthsOf(rows []*row, width int) [3]int {
	var widths [3]int
	for _, r := range rows {
		for i, c := range r.cells() {
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	room, widest := width-widths[1]-widths[2]-4, 0
	for _, r := range rows {
		if n := utf8.RuneCountInString(r.cells()[0]); n <= room {
			widest = max(widest, n)
		}
	}
	widths[0] = widest
	return widths
}

// kinds counts the kinds of layers in a row.
func (r *row) kinds() int { return len(kinds(r.layers)) }

// padded joins cells in columns of these widths.
func padded(cells []string, widths [3]int) string {
	var b strings.Builder
	for i, c := range cells {
		if i > 0 {
			b.WriteString("  ")
		}
		b.WriteString(c)
		if n := widths[i] - utf8.RuneCountInString(c); n > 0 && i < len(cells)-1 {
			b.WriteString(strings.Repeat(" ", n))
		}
	}
	if n := utf8.RuneCountInString(cells[len(cells)-1]); n < widths[len(cells)-1] {
		b.WriteString(strings.Repeat(" ", widths[len(cells)-1]-n))
	}
	return b.String()
}

func (r *row) cells() []string {
	cells := []string{r.names()}
	for _, c := range []string{r.change, r.size} {
		if c != "" {
			cells = append(cells, c)
		}
	}
	return cells
}

func (r *row) names() string {
	if n := len(r.layers); n > 1 {
		return fmt.Sprintf("%s (%d layers)", Names(r.layers, 3), n)
	}
	return diag.Printable(r.layers[0])
}

// change shows the shape and type of a layer's weight, and what they become if that differs.
func change(from, to passes.State) string {
	if to.Gone {
		return shape(from) + " -> gone"
	}
	a, b := shape(from), shape(to)
	if a == b {
		return a
	}
	if as, bs := dims(from.Shape), dims(to.Shape); as == bs {
		return fmt.Sprintf("%s %s -> %s", as, from.DType, to.DType)
	} else if from.DType == to.DType {
		return fmt.Sprintf("%s -> %s %s", as, bs, from.DType)
	}
	return a + " -> " + b
}

func shape(s passes.State) string {
	if s.Shape == nil && s.Params == 0 {
		return "-"
	}
	return dims(s.Shape) + " " + s.DType.String()
}

func dims(shape []int) string {
	parts := make([]string, len(shape))
	for i, d := range shape {
		parts[i] = fmt.Sprint(d)
	}
	return strings.Join(parts, "x")
}

// size shows the bytes of a layer, and what they become; where the type changes with the bits for each parameter.
func size(from, to passes.State) string {
	if to.Gone || from.Bytes == to.Bytes {
		return human.Bytes(from.Bytes)
	}
	text := human.Bytes(from.Bytes) + " -> " + human.Bytes(to.Bytes)
	if from.DType != to.DType {
		text += fmt.Sprintf(", %.2f bits", bits(to.Bytes, int64(to.Params)))
	}
	return text
}
