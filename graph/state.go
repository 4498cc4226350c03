package graph

import (
	"fmt"

	"github.com/pare-ml/pare/graph/ir"
)

// totals adds up layers, all but their work.
func totals(layers []ir.Layer) Totals {
	t := Totals{Layers: len(layers)}
	t.Params, t.Bytes = ir.Sum(layers)
	return t
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// shorten cuts a list of names after n, saying how many more there are.
func shorten(names []string, n int) []string {
	if len(names) <= n {
		return names
	}
	return append(names[:n:n], fmt.Sprintf("and %d more", len(names)-n))
}
