package syntax

import (
	"slices"

	"github.com/pare-ml/pare/recipe/diag"
)

// Comment is one comment of a text.
type Comment struct {
	Span  diag.Span // from # to the end of the line
	Alone bool      // nothing but blanks stands before it in its line
	Head  bool      // it stands before the document's first word
}

// Comments lists the comments of a text, in order. A # inside quotes, a block scalar or ${{ }} is none. A text that
// Parse would not read has no comments either.
func Comments(src *diag.Source) []Comment {
	if len(src.Text) > maxBytes {
		return nil
	}
	words := lex(src.Text)
	if words.full {
		return nil
	}
	var out []Comment
	end := 0 // of the token before
	for i := 0; i <= len(words.tokens); i++ {
		next := len(src.Text)
		if i < len(words.tokens) {
			next = words.tokens[i].start
		}
		out = commentsBetween(src, end, next, out)
		if i < len(words.tokens) {
			end = words.tokens[i].end
		}
	}
	first := slices.IndexFunc(words.tokens, func(t token) bool { return t.kind != markerToken })
	for i := range out {
		out[i].Head = first < 0 || out[i].Span.End <= words.tokens[first].start
	}
	return out
}

// commentsBetween adds the comments of text[start:end], which holds no token.
func commentsBetween(src *diag.Source, start, end int, out []Comment) []Comment {
	for i := start; i < end; i++ {
		if src.Text[i] != '#' || i > 0 && !isSpace(src.Text[i-1]) {
			continue
		}
		from := i
		for i < end && !isBreak(src.Text[i]) {
			i++
		}
		out = append(out, Comment{Span: spanAt(src, from, i), Alone: aloneAt(src.Text, from)})
	}
	return out
}

// aloneAt tells whether nothing but blanks stands before an offset in its line.
func aloneAt(text []byte, offset int) bool {
	for i := offset - 1; i >= 0 && !isBreak(text[i]); i-- {
		if !isBlank(text[i]) {
			return false
		}
	}
	return true
}
