package layout

import (
	"slices"

	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
)

// same tells whether the text b says what a says: the same values, aliases and comments. It is the last word on a
// result; a difference means that the text is written in a way that this package does not understand.
func same(a *diag.Source, tree *syntax.Tree, b *diag.Source) bool {
	other := syntax.ReadTree(b, nil)
	if other == nil || !slices.Equal(commentsOf(a), commentsOf(b)) || !slices.Equal(namesOf(tree), namesOf(other)) {
		return false
	}
	return equal(syntax.Parse(a, nil), syntax.Parse(b, nil))
}

func commentsOf(src *diag.Source) []string {
	var list []string
	for _, c := range syntax.Comments(src) {
		list = append(list, commentText(c))
	}
	slices.Sort(list)
	return list
}

// namesOf lists the anchors, tags and aliases in a value, sorted.
func namesOf(t *syntax.Tree) []string {
	var list []string
	walkTree(t, func(t *syntax.Tree) {
		if t.Props != "" {
			list = append(list, t.Props)
		}
		if t.Alias != "" {
			list = append(list, "*"+t.Alias)
		}
	})
	slices.Sort(list)
	return list
}

// equal tells whether two values are the same to whoever reads them. The order of keys does not count.
func equal(a, b *syntax.Node) bool {
	if a == nil || b == nil || a.Kind != b.Kind || len(a.Items) != len(b.Items) || len(a.Pairs) != len(b.Pairs) {
		return false
	}
	for i := range a.Items {
		if !equal(a.Items[i], b.Items[i]) {
			return false
		}
	}
	others := make(map[string]*syntax.Node, len(b.Pairs))
	for _, p := range b.Pairs {
		others[p.Key.Text] = p.Value
	}
	for _, p := range a.Pairs {
		if !equal(p.Value, others[p.Key.Text]) {
			return false
		}
	}
	return a.Text == b.Text && (a.Plain == b.Plain || isWord(a.Text))
}
