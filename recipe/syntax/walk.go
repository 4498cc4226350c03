package syntax

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pare-ml/pare/recipe/diag"
	"gopkg.in/yaml.v3"
)

// Bounds of one document. Aliases count each time with all that they bring in, so that a few hundred bytes cannot stand
// for millions of nodes.
const (
	maxDepth   = 100
	maxNodes   = 100_000
	maxAliases = 1_000
	maxAnchors = 64
)

// walk turns the library's nodes into ours.
type walk struct {
	src    *diag.Source
	text   []byte // the user's
	shown  []byte // what the library read
	words  *lexer
	masks  []mask
	report *diag.List
	unmask []mask // hidden ranges whose text cannot be put back

	lines lineTable

	done    map[*yaml.Node]*made // anchored nodes
	anchors map[string]*yaml.Node
	nodes   int // made so far, with what aliases bring in
	aliases int
	rootEnd int  // where the document's value ends
	stop    bool // a bound is passed or the text has a cycle: there is no document
}

// made is what became of an anchored node. It is nil inside while the node is being walked.
type made struct {
	node  *Node
	count int // nodes in it
	depth int // levels in it
}

func newWalk(src *diag.Source, text, shown []byte, words *lexer, masks []mask, report *diag.List) *walk {
	return &walk{
		src: src, text: text, shown: shown, words: words, masks: masks, report: report,
		lines: newLineTable(shown),
		done:  map[*yaml.Node]*made{}, anchors: map[string]*yaml.Node{},
	}
}

const emptyMessage = "the text holds nothing, or nothing but comments; it must hold one YAML document"

func (w *walk) document(d *yaml.Node) *Node {
	if len(d.Content) != 1 {
		w.report.Errorf(spanAt(w.src, 0, 0), "yaml-empty", emptyMessage)
		return nil
	}
	root, _ := w.value(d.Content[0], 1)
	w.rootEnd = root.textEnd()
	if w.stop {
		return nil
	}
	if root.Kind == Null && root.Text == "" {
		w.report.Errorf(spanAt(w.src, 0, 0), "yaml-empty", emptyMessage)
		return nil
	}
	return root
}

// giveUp reports what makes the whole document unusable.
func (w *walk) giveUp(span diag.Span, code, format string, args ...any) {
	if !w.stop {
		w.report.Errorf(span, code, format, args...)
	}
	w.stop = true
}

// value makes the node for y, which stands at this depth, and says how many levels it has. It never returns nil.
func (w *walk) value(y *yaml.Node, depth int) (n *Node, levels int) {
	start, props := w.place(y)
	n = &Node{Span: spanAt(w.src, start, start)}
	if w.stop {
		return n, 1
	}
	if depth > maxDepth {
		w.giveUp(w.at(start), "yaml-too-deep", "nested %d levels deep; a recipe may have up to %d", depth, maxDepth)
		return n, 1
	}
	if w.nodes++; w.nodes > maxNodes {
		w.giveUp(w.at(start), "yaml-too-large", "more than %d values up to here; a recipe may not have more", maxNodes)
		return n, 1
	}
	if y.Kind == yaml.AliasNode {
		return w.alias(y, n, depth)
	}
	before := w.nodes
	if y.Anchor != "" {
		w.anchor(y, props)
	}
	levels = w.content(y, n, props, depth)
	if y.Anchor != "" {
		*w.done[y] = made{node: n, count: w.nodes - before + 1, depth: levels}
	}
	return n, levels
}

// content fills n from y, which is no alias.
func (w *walk) content(y *yaml.Node, n *Node, props properties, depth int) (levels int) {
	deepest := 0
	child := func(c *yaml.Node) *Node {
		node, levels := w.value(c, depth+1)
		deepest = max(deepest, levels)
		return node
	}
	switch y.Kind {
	case yaml.SequenceNode:
		n.Kind = Sequence
		for _, c := range y.Content {
			n.Items = append(n.Items, child(c))
			if w.stop {
				return deepest + 1
			}
		}
		if len(n.Items) > 0 {
			n.Span.End = n.Items[len(n.Items)-1].textEnd()
		}
		w.closeFlow(n)
	case yaml.MappingNode:
		n.Kind = Mapping
		w.mapping(y, n, child)
		w.closeFlow(n)
	default:
		w.scalar(y, n)
	}
	w.tag(y, n, props)
	return deepest + 1
}

// textEnd is where the node ends in the text around it: for one that an alias brought in, the alias.
func (n *Node) textEnd() int {
	if !n.Alias.IsZero() {
		return n.Alias.End
	}
	return n.Span.End
}

func (w *walk) scalar(y *yaml.Node, n *Node) {
	n.Kind, n.Text = Scalar, y.Value
	n.Plain = y.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	start := n.Span.Start
	if n.Plain && y.Value == "" {
		n.Kind = Null
		return
	}
	runs, end, ok := scalarAt(w.shown, start, y.Value)
	if ok {
		n.runs, n.Span.End = runs, end
	} else {
		n.Span.End = w.lineEnd(start)
	}
	w.reveal(n, ok)
	if n.Plain && (n.Text == "~" || n.Text == "null" || n.Text == "Null" || n.Text == "NULL") {
		n.Kind = Null
	}
}

// reveal puts the text of hidden ranges back into a value. What the value holds as letters came from the range byte for
// byte, so the range's own bytes are put there; that is right unless quotes would have changed them.
func (w *walk) reveal(n *Node, followed bool) {
	for _, m := range w.masksIn(n.Span) {
		raw := w.text[m.start:m.end]
		if !followed || !n.Plain && strings.ContainsAny(string(raw), `"'\`) {
			w.unmask = append(w.unmask, m)
			continue
		}
		value := []byte(n.Text)
		for i, r := range n.runs {
			end := len(value)
			if i+1 < len(n.runs) {
				end = int(n.runs[i+1].text)
			}
			for k := int(r.text); k < end && r.copied; k++ {
				value[k] = w.text[int(r.src)+k-int(r.text)]
			}
		}
		n.Text = string(value)
		break
	}
}

// at is the place of one rune, for what has no end of its own.
func (w *walk) at(start int) diag.Span {
	if isBreak(w.byteAt(start)) {
		return spanAt(w.src, start, start)
	}
	_, size := utf8.DecodeRune(w.text[min(start, len(w.text)):])
	return spanAt(w.src, start, start+size)
}

// lineEnd is the end of the line of an offset, blanks at the end left out.
func (w *walk) lineEnd(offset int) int {
	end := offset
	for i := offset; i < len(w.shown) && !isBreak(w.shown[i]); i++ {
		if !isBlank(w.shown[i]) {
			end = i + 1
		}
	}
	return end
}

func (w *walk) anchor(y *yaml.Node, props properties) {
	if first, ok := w.anchors[y.Anchor]; ok && first != y {
		w.report.Add(diag.Diagnostic{
			Severity: diag.Warning, Code: "yaml-anchor", Span: props.anchor,
			Message: "anchor &" + y.Anchor + " is set a second time; an alias means the nearest one above it",
			Related: []diag.Related{{Span: w.anchorSpan(first), Message: "the first is here"}},
		})
	}
	if w.anchors[y.Anchor] = y; len(w.done) >= maxAnchors {
		w.giveUp(props.anchor, "yaml-too-large", "more than %d anchors; a recipe may have up to %d", maxAnchors, maxAnchors)
	}
	w.done[y] = &made{}
}

func (w *walk) anchorSpan(y *yaml.Node) diag.Span {
	_, props := w.place(y)
	return props.anchor
}

// alias gives the node that *name stands for.
func (w *walk) alias(y *yaml.Node, n *Node, depth int) (*Node, int) {
	place := spanAt(w.src, n.Span.Start, n.Span.Start+1+len(y.Value))
	target := w.done[y.Alias]
	switch {
	case target == nil || target.node == nil:
		w.giveUp(place, "yaml-alias-cycle", "*%s stands inside the value that it stands for, so it would never end", y.Value)
	case w.aliases >= maxAliases:
		w.giveUp(place, "yaml-too-large", "more than %d aliases; a recipe may have up to %d", maxAliases, maxAliases)
	case w.nodes+target.count > maxNodes:
		w.giveUp(place, "yaml-too-large",
			"with what *%s brings in, more than %d values up to here; a recipe may not have more", y.Value, maxNodes)
	case depth-1+target.depth > maxDepth:
		w.giveUp(place, "yaml-too-deep", "with what *%s brings in, values are nested %d levels deep; a recipe may have up to %d",
			y.Value, depth-1+target.depth, maxDepth)
	default:
		w.aliases++
		w.nodes += target.count - 1
		brought := *target.node
		brought.Alias = place
		return &brought, target.depth
	}
	return n, 1
}

// tag refuses tags: the field that reads a value decides its type. Those that only repeat what the text says may stay.
func (w *walk) tag(y *yaml.Node, n *Node, props properties) {
	if props.tag.IsZero() {
		return
	}
	word := props.tag.Text()
	switch {
	case word == "!!str" && (n.Kind == Scalar || n.Kind == Null):
		n.Kind, n.Plain = Scalar, false
		return
	case word == "!!seq" && n.Kind == Sequence, word == "!!map" && n.Kind == Mapping:
		return
	}
	if w.meantAsText(n, props.tag, word) {
		return
	}
	message := "tag " + word + " is not known; a recipe has no tags, so leave it out"
	switch word {
	case "!!binary":
		message = "!!binary is not allowed: a recipe holds text, not data"
	case "!!int", "!!float", "!!bool", "!!null", "!!timestamp", "!!seq", "!!map", "!!str":
		message = "tag " + word + " changes nothing: the field decides the type of its value; leave it out"
	}
	end := props.tag.End
	for end < len(w.text) && isBlank(w.text[end]) {
		end++
	}
	w.report.Add(diag.Diagnostic{
		Severity: diag.Error, Code: "yaml-tag", Span: props.tag, Message: message,
		Fixes: []diag.Fix{{
			Message: "remove the tag",
			Edits:   []diag.Edit{{Span: spanAt(w.src, props.tag.Start, end)}},
		}},
	})
}

// meantAsText reports a tag that is likely the beginning of a text, as in `when: !layer.tied`. The node becomes that
// text, so that nothing more is said about it.
func (w *walk) meantAsText(n *Node, tag diag.Span, word string) bool {
	end := max(tag.End, n.Span.End)
	raw := string(w.text[tag.Start:end])
	if len(word) < 2 || word[1] == '!' || word[1] == '<' || n.Kind != Null && (n.Kind != Scalar || !n.Plain) ||
		strings.ContainsAny(raw, "\r\n") {
		return false
	}
	span := spanAt(w.src, tag.Start, end)
	w.report.Add(diag.Diagnostic{
		Severity: diag.Error, Code: "yaml-tag", Span: span,
		Message: "a value that begins with ! is a tag in YAML; put a text in quotes",
		Fixes:   quoteFix(span, raw),
	})
	n.Kind, n.Span, n.Text = Scalar, span, raw
	n.runs = []run{{src: int32(tag.Start), size: int32(len(raw)), copied: true}}
	return true
}

// secondDocument reports where the second document begins. If there is none, but text behind the value that was the
// whole document, it reports that and returns false.
func (w *walk) secondDocument() bool {
	const before, inside, after = 0, 1, 2
	where := before
	for _, t := range w.words.tokens {
		begins := t.kind != markerToken || w.text[t.start] == '-'
		explicit := t.kind == markerToken && begins
		if begins && where == after || explicit && where == inside {
			w.report.Errorf(spanAt(w.src, t.start, t.end), "yaml-second-document",
				"a second document begins here; a file holds one recipe, so put it into a file of its own")
			return true
		}
		switch {
		case begins:
			where = inside
		case where == inside:
			where = after
		}
	}
	for _, t := range w.words.tokens {
		if t.start >= w.rootEnd && t.flow == 0 && t.kind != markerToken {
			message := "behind the value of the document the text must end"
			if t.first {
				message = "this line is not part of the value above; give all keys the same indentation"
			}
			w.report.Errorf(spanAt(w.src, t.start, firstLine(t, w.text).end), "yaml-syntax", "%s", message)
			return false
		}
	}
	w.report.Errorf(spanAt(w.src, len(w.text), len(w.text)), "yaml-second-document",
		"the text holds more than one document; a file holds one recipe")
	return true
}

// quote writes a key for a message.
func quote(s string) string {
	if utf8.RuneCountInString(s) > 60 {
		s = string([]rune(s)[:60]) + "…"
	}
	return strconv.Quote(s)
}
