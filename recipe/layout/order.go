package layout

import (
	"cmp"
	"slices"

	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// records are the records that say in which order keys stand.
type records struct {
	document, step schema.Object
	passes         map[string]*schema.Object
}

// passRecords returns the parameters of each pass.
func passRecords(lang *recipe.Language) map[string]*schema.Object {
	m := map[string]*schema.Object{}
	for _, w := range lang.Passes {
		if w.Fields != nil {
			o := w.Fields()
			m[w.Name] = &o
		}
	}
	return m
}

// selectorRecord is the form of a selector with a condition.
var selectorRecord = schema.Object{Fields: []*schema.Field{{Name: "targets"}, {Name: "when"}}}

// sort brings the keys of a value, which is an o if it is a mapping, into order. Nothing is known of it if o is nil.
func (r *records) sort(n *node, o *schema.Object) {
	if n.tree.Kind != syntax.Mapping || o == nil {
		return
	}
	for _, e := range n.entries {
		if f := o.Field(e.key.Text); f != nil {
			r.sortField(e.value, f)
		}
	}
	n.arrange(func(key string) int {
		return slices.IndexFunc(o.Fields, func(f *schema.Field) bool { return f.Name == key })
	})
}

// sortField sorts the value of a field.
func (r *records) sortField(n *node, f *schema.Field) {
	switch f.Format {
	case schema.FormatSteps:
		n.each(r.sortStep)
		return
	case schema.FormatSelectors:
		n.each(func(n *node) { r.sort(n, &selectorRecord) })
		return
	}
	switch f.Kind {
	case schema.KindList, schema.KindMap:
		n.each(func(n *node) { r.sort(n, f.Fields) })
	case schema.KindObject:
		r.sort(n, f.Fields)
	}
}

// each visits the values of a collection.
func (n *node) each(visit func(*node)) {
	for _, e := range n.entries {
		visit(e.value)
	}
}

// sortStep sorts a step: its id, its pass, and then the rest in the order of the records.
func (r *records) sortStep(n *node) {
	if n.tree.Kind != syntax.Mapping {
		return
	}
	var pass *schema.Object
	for _, e := range n.entries {
		if o := r.passes[e.key.Text]; o != nil {
			pass = o
			r.sort(e.value, o)
		}
	}
	for _, e := range n.entries {
		f := r.step.Field(e.key.Text)
		switch {
		case f == nil || r.passes[f.Name] != nil:
		case f.Name == "overrides":
			e.value.each(func(n *node) { r.sortOverride(n, f.Fields, pass) })
		default:
			r.sortField(e.value, f)
		}
	}
	n.arrange(func(key string) int {
		switch i := slices.IndexFunc(r.step.Fields, func(f *schema.Field) bool { return f.Name == key }); {
		case key == "id":
			return 0
		case r.passes[key] != nil:
			return 1
		case i >= 0:
			return i + 2
		}
		return -1
	})
}

// sortOverride sorts an override of a step with this pass, which is nil if it is not known.
func (r *records) sortOverride(n *node, override, pass *schema.Object) {
	r.sort(n, override)
	for _, e := range n.entries {
		if e.key != nil && e.key.Text == "set" {
			r.sort(e.value, pass)
		}
	}
}

// arrange puts entries into the order of their keys' ranks: a merge key first, then by rank, keys of rank -1 last. Keys of
// one rank keep their order.
func (n *node) arrange(rank func(key string) int) {
	if !n.movable() {
		return
	}
	of := func(e *entry) int {
		if e.key.Text == "<<" && e.key.Style == syntax.PlainStyle {
			return -1
		}
		if i := rank(e.key.Text); i >= 0 {
			return i
		}
		return 1 << 20
	}
	slices.SortStableFunc(n.entries, func(a, b *entry) int { return cmp.Compare(of(a), of(b)) })
}

// movable tells whether entries may change places: not if one sets an anchor that another sets or uses too, for an alias
// means the nearest anchor above it.
func (n *node) movable() bool {
	set, used := map[string]int{}, map[string]int{} // anchor: 1 + the entry
	ok := true
	for i, e := range n.entries {
		visit := func(t *syntax.Tree) {
			if t.Alias != "" {
				ok = ok && (set[t.Alias] == 0 || set[t.Alias] == i+1)
				if used[t.Alias] == 0 {
					used[t.Alias] = i + 1
				}
			}
			if name := anchorOf(t); name != "" {
				ok = ok && (set[name] == 0 || set[name] == i+1) && (used[name] == 0 || used[name] == i+1)
				set[name] = i + 1
			}
		}
		walkTree(e.key, visit)
		walkTree(e.value.tree, visit)
	}
	return ok
}

// walkTree visits a value and all inside it, in the order of the text.
func walkTree(t *syntax.Tree, visit func(*syntax.Tree)) {
	visit(t)
	for _, p := range t.Pairs {
		walkTree(p.Key, visit)
		walkTree(p.Value, visit)
	}
	for _, item := range t.Items {
		walkTree(item, visit)
	}
}

// anchorOf returns the name of the anchor that a value sets, or "".
func anchorOf(t *syntax.Tree) string {
	for i := range len(t.Props) {
		if t.Props[i] != '&' || i > 0 && t.Props[i-1] != ' ' {
			continue
		}
		end := i + 1
		for end < len(t.Props) && t.Props[end] != ' ' {
			end++
		}
		return t.Props[i+1 : end]
	}
	return ""
}
