package diag

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Replace returns the fixes of a finding whose sure edit is to put text in place of span. Without a place there is
// nothing to edit.
func Replace(span Span, text string) []Fix {
	if span.IsZero() {
		return nil
	}
	return []Fix{{Edits: []Edit{{Span: span, New: text}}}}
}

// Rename returns the fixes of a finding about the word from, which stands at span and was meant to be one of known: the
// edit, if there is only one that it can mean. Where the span covers anything but that word nothing is sure.
func Rename(span Span, from string, known []string) []Fix {
	to := NearOnly(from, known)
	if to == "" {
		return nil
	}
	switch span.Text() {
	case from:
		return Replace(span, to)
	case `"` + from + `"`:
		return Replace(span, `"`+to+`"`)
	case `'` + from + `'`:
		return Replace(span, `'`+to+`'`)
	}
	return nil
}

// Apply makes edits in the text of src and returns the new text. Of fixes that get in each other's way the first is
// made and the others are not: made says which. A fix is made as a whole or not at all; one that edits another source,
// or a place that src does not have, is not made. What two fixes both ask for is done once. The result does not depend
// on the order of the edits inside a fix.
//
// Whether the new text is a better one is for the caller to see: by reading it again.
func Apply(src *Source, fixes []Fix) (text []byte, made []bool) {
	made = make([]bool, len(fixes))
	var edits []Edit
	for i, fix := range fixes {
		if all, ok := join(src, edits, fix.Edits); ok {
			edits, made[i] = all, true
		}
	}
	at := 0
	for _, e := range edits {
		text = append(text, src.Text[at:e.Span.Start]...)
		text = append(text, e.New...)
		at = e.Span.End
	}
	return append(text, src.Text[at:]...), made
}

// join adds edits to those that are made already, sorted by place, or reports that they do not go together.
func join(src *Source, made, more []Edit) (all []Edit, ok bool) {
	if len(more) == 0 {
		return nil, false
	}
	all = slices.Clone(made)
	for _, e := range more {
		if !fits(src, e) {
			return nil, false
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b Edit) int {
		return cmp.Or(cmp.Compare(a.Span.Start, b.Span.Start), cmp.Compare(a.Span.End, b.Span.End), strings.Compare(a.New, b.New))
	})
	all = slices.CompactFunc(all, func(a, b Edit) bool {
		return a.Span.Start == b.Span.Start && a.Span.End == b.Span.End && a.New == b.New
	})
	for i := 1; i < len(all); i++ {
		if collide(all[i-1].Span, all[i].Span) {
			return nil, false
		}
	}
	return all, true
}

// fits tells whether an edit is one of this text: its place is there and begins and ends between runes.
func fits(src *Source, e Edit) bool {
	s := e.Span
	return s.Source == src && s.Start >= 0 && s.Start <= s.End && s.End <= len(src.Text) &&
		boundary(src.Text, s.Start) && boundary(src.Text, s.End)
}

func boundary(text []byte, i int) bool { return i == len(text) || utf8.RuneStart(text[i]) }

// collide tells whether two edits, the second not before the first, share a byte, or insert at one place, so that their
// order would be a guess.
func collide(a, b Span) bool {
	if a.Start == b.Start && (a.Start == a.End || b.Start == b.End) {
		return true
	}
	return b.Start < a.End
}
