package syntax

import (
	"sort"

	"github.com/pare-ml/pare/recipe/diag"
)

// run says where some bytes of a value come from: Text[text:next run's text] from the source bytes [src:src+size].
type run struct {
	text, src, size int32
	copied          bool // byte for byte; else the whole run stands for the whole piece of source: an escape, a fold
}

// builder collects a value together with its runs.
type builder struct {
	value []byte
	runs  []run
}

// copy appends one byte of source as it is.
func (b *builder) copy(text []byte, src int) {
	if n := len(b.runs); n > 0 && b.runs[n-1].copied && int(b.runs[n-1].src+b.runs[n-1].size) == src {
		b.runs[n-1].size++
	} else {
		b.runs = append(b.runs, run{text: int32(len(b.value)), src: int32(src), size: 1, copied: true})
	}
	b.value = append(b.value, text[src])
}

// put appends a value that the source bytes [src:end] stand for.
func (b *builder) put(value string, src, end int) {
	if value == "" {
		return
	}
	b.runs = append(b.runs, run{text: int32(len(b.value)), src: int32(src), size: int32(end - src)})
	b.value = append(b.value, value...)
}

// lineBreak appends a line break, which the value has as LF.
func (b *builder) lineBreak(text []byte, src, end int) {
	if text[src] == '\n' {
		b.copy(text, src)
		return
	}
	b.put("\n", src, end)
}

// Sub returns the place in the text of the bytes Text[i:j] of a scalar. Where the bytes cannot be followed it returns
// the whole node's span: a wider place, never a wrong one. An empty range stands before byte i, or after the last one.
func (n *Node) Sub(i, j int) diag.Span {
	if n == nil {
		return diag.Span{}
	}
	if len(n.runs) == 0 || i < 0 || j < i || j > len(n.Text) {
		return n.Span
	}
	place := diag.Span{Source: n.Span.Source}
	switch {
	case i < j:
		place.Start, _ = n.source(i)
		_, place.End = n.source(j - 1)
	case i < len(n.Text):
		place.Start, _ = n.source(i)
		place.End = place.Start
	default:
		_, place.End = n.source(i - 1)
		place.Start = place.End
	}
	return place
}

// source returns the piece of the source that byte i of the value comes from.
func (n *Node) source(i int) (start, end int) {
	r := n.runs[sort.Search(len(n.runs), func(k int) bool { return int(n.runs[k].text) > i })-1]
	if r.copied {
		start = int(r.src) + i - int(r.text)
		return start, start + 1
	}
	return int(r.src), int(r.src + r.size)
}
