package recipe

import (
	"slices"

	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
)

// overlay lays a recipe over what it imports: vars, data and model merge key by key; passes, gates and outputs are put
// behind those of the imports; every other key replaces theirs. Every node keeps the place that it came from.
func overlay(below, over *syntax.Node) *syntax.Node {
	if below == nil {
		return over
	}
	merged := &syntax.Node{Kind: syntax.Mapping, Span: over.Span}
	for _, pair := range over.Pairs {
		if b := below.Pair(pair.Key.Text); b != nil {
			pair.Value = overlayKey(pair.Key.Text, b.Value, pair.Value)
		}
		merged.Pairs = append(merged.Pairs, pair)
	}
	for _, pair := range below.Pairs {
		if over.Pair(pair.Key.Text) == nil {
			merged.Pairs = append(merged.Pairs, pair)
		}
	}
	return merged
}

func overlayKey(key string, below, over *syntax.Node) *syntax.Node {
	switch key {
	case "passes", "gates", "outputs":
		switch {
		case below.Kind != syntax.Sequence:
			return below // will be reported
		case over.Kind != syntax.Sequence:
			return over
		}
		return &syntax.Node{Kind: syntax.Sequence, Span: over.Span, Items: slices.Concat(below.Items, over.Items)}
	case "vars", "data", "model":
		if below.Kind != syntax.Mapping {
			return below // will be reported
		}
		return syntax.Merge(below, over)
	}
	return over
}

// fragment is what a recipe takes over from an import.
func fragment(root *syntax.Node) *syntax.Node {
	return without(root, "version", "imports")
}

func without(root *syntax.Node, keys ...string) *syntax.Node {
	out := *root
	out.Pairs = slices.DeleteFunc(slices.Clone(root.Pairs), func(p syntax.Pair) bool { return slices.Contains(keys, p.Key.Text) })
	return &out
}

// unusedImports warns of imports of which nothing is left: later files say all of it again, or nothing uses what they
// declare.
func (p *parser) unusedImports() {
	if len(p.recipe.Imports) == 0 {
		return
	}
	used := map[*diag.Source]bool{}
	for _, pair := range p.recipe.Root.Pairs {
		switch pair.Key.Text {
		case "vars", "data":
			for _, named := range pair.Value.Pairs {
				if name := named.Key.Text; p.varsUsed[name] && pair.Key.Text == "vars" || p.dataUsed[name] != nil && pair.Key.Text == "data" {
					markSources(named.Value, used)
				}
			}
		default:
			markSources(pair.Value, used)
		}
	}
	for _, f := range p.recipe.Imports { // each after those that it imports itself
		if used[f.Source] {
			for g := f.from; g != nil; g = g.from {
				used[g.Source] = true
			}
		}
	}
	for _, f := range p.recipe.Imports {
		if !used[f.Source] && (f.from == nil || used[f.from.Source]) {
			p.report.Warningf(f.Node.Span, "unused-import", "nothing of %s is used: later files replace it, or nothing asks for what it declares; leave it out", quote(f.Node.Text))
		}
	}
}

// markSources marks the texts that values of a tree come from. Trees are no deeper than the texts, which are bounded.
func markSources(n *syntax.Node, used map[*diag.Source]bool) {
	switch n.Kind {
	case syntax.Mapping:
		for _, pair := range n.Pairs {
			used[pair.Key.Span.Source] = true
			markSources(pair.Value, used)
		}
	case syntax.Sequence:
		for _, item := range n.Items {
			markSources(item, used)
		}
	}
	if len(n.Pairs) == 0 && len(n.Items) == 0 {
		used[n.Span.Source] = true
	}
}
