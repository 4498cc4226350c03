package diag

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Sort brings the list into the order in which it is shown: by source, place, severity (errors first), code and
// message. Exact duplicates are dropped. The result does not depend on the order in which findings came in.
func (l *List) Sort() {
	if l == nil {
		return
	}
	slices.SortFunc(*l, compare)
	*l = slices.CompactFunc(*l, func(a, b Diagnostic) bool { return compare(a, b) == 0 })
}

func compare(a, b Diagnostic) int {
	return cmp.Or(
		compareSpans(a.Span, b.Span),
		cmp.Compare(b.Severity, a.Severity),
		strings.Compare(a.Code, b.Code),
		strings.Compare(a.Message, b.Message),
		strings.Compare(a.Subject, b.Subject),
		slices.CompareFunc(a.Related, b.Related, func(x, y Related) int {
			return cmp.Or(compareSpans(x.Span, y.Span), strings.Compare(x.Message, y.Message))
		}),
		slices.CompareFunc(a.Fixes, b.Fixes, compareFixes),
	)
}

// compareSpans orders by source name, start and end. Two sources of one name are taken for the same.
func compareSpans(a, b Span) int {
	return cmp.Or(strings.Compare(a.name(), b.name()), cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
}

func compareFixes(a, b Fix) int {
	return cmp.Or(
		strings.Compare(a.Message, b.Message),
		slices.CompareFunc(a.Edits, b.Edits, func(x, y Edit) int {
			return cmp.Or(compareSpans(x.Span, y.Span), strings.Compare(x.New, y.New))
		}),
	)
}

// Summary counts the findings in words: "2 errors, 1 warning", or "no findings".
func (l List) Summary() string {
	var parts []string
	for _, s := range []Severity{Error, Warning, Note} {
		switch n := l.Count(s); n {
		case 0:
		case 1:
			parts = append(parts, "1 "+s.String())
		default:
			parts = append(parts, fmt.Sprintf("%d %ss", n, s))
		}
	}
	if len(parts) == 0 {
		return "no findings"
	}
	return strings.Join(parts, ", ")
}
