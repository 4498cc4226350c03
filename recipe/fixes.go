package recipe

import (
	"bytes"

	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
)

// insertLine is an edit that puts a line before the first key of a mapping in lines that begins without indentation.
func insertLine(n *syntax.Node, line string) []diag.Fix {
	at := n.Span
	if at.IsZero() || len(n.Pairs) == 0 || at.Text() == "" || at.Source.Text[at.Start] == '{' {
		return nil
	}
	if at.Start > 0 && at.Source.Text[at.Start-1] != '\n' {
		return nil
	}
	return diag.Replace(diag.Span{Source: at.Source, Start: at.Start, End: at.Start}, line+"\n")
}

// removeItem is an edit that takes item i out of a list, if it and what goes with it are plain to see: in brackets behind
// another item, or on a line of its own. A comment is never removed.
func removeItem(items []*syntax.Node, i int) []diag.Fix {
	at := items[i].Span
	if at.IsZero() || i == 0 || !items[i].Alias.IsZero() || !items[i-1].Alias.IsZero() {
		return nil
	}
	text, before := at.Source.Text, items[i-1].Span
	if before.Source != at.Source || before.End > at.Start {
		return nil
	}
	between := bytes.TrimSpace(text[before.End:at.Start])
	if string(between) == "," {
		return diag.Replace(diag.Span{Source: at.Source, Start: before.End, End: at.End}, "")
	}
	start := bytes.LastIndexByte(text[:at.Start], '\n') + 1
	end := at.End
	if n := bytes.IndexByte(text[end:], '\n'); n >= 0 {
		end += n + 1
	} else {
		return nil
	}
	left, right := bytes.TrimSpace(text[start:at.Start]), bytes.TrimSpace(text[at.End:end])
	if start <= before.End || string(left) != "-" || len(right) > 0 {
		return nil
	}
	return diag.Replace(diag.Span{Source: at.Source, Start: start, End: end}, "")
}
