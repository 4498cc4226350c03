package syntax

import (
	"github.com/pare-ml/pare/recipe/diag"
	"gopkg.in/yaml.v3"
)

// mergeKey is the key whose value's pairs become pairs of the mapping around it.
const mergeKey = "<<"

// entry is a pair as it stands in the text.
type entry struct {
	key, value *Node
	merge      bool
}

// mapping fills n with the pairs of y: keys checked, merge keys applied. What a mapping says itself goes before what it
// merges, and an earlier merge goes before a later one.
func (w *walk) mapping(y *yaml.Node, n *Node, child func(*yaml.Node) *Node) {
	var entries []entry
	own := map[string]*Node{}
	for i := 0; i+1 < len(y.Content) && !w.stop; i += 2 {
		key, value := child(y.Content[i]), child(y.Content[i+1])
		n.Span.End = max(n.Span.End, value.textEnd(), key.textEnd())
		if w.stop || !w.keyIsName(key) {
			continue
		}
		if first, ok := own[key.Text]; ok {
			w.duplicate(key, first)
			continue
		}
		own[key.Text] = key
		entries = append(entries, entry{key, value, key.Plain && key.Text == mergeKey})
	}
	var taken map[string]bool // by merges
	for _, e := range entries {
		if w.stop {
			return
		}
		if !e.merge {
			n.Pairs = append(n.Pairs, Pair{e.key, e.value})
			continue
		}
		if taken == nil {
			taken = map[string]bool{}
		}
		for _, from := range w.merged(e) {
			for _, p := range from.Pairs {
				if own[p.Key.Text] == nil && !taken[p.Key.Text] {
					taken[p.Key.Text] = true
					n.Pairs = append(n.Pairs, p)
				}
			}
		}
	}
}

// keyIsName checks that a key is a written scalar.
func (w *walk) keyIsName(key *Node) bool {
	switch {
	case !key.Alias.IsZero():
		w.report.Errorf(key.Alias, "yaml-key", "a key must be written out; an alias cannot stand for it")
	case key.Kind == Null && key.Text == "":
		w.report.Errorf(w.at(key.Span.Start), "yaml-key", "this value has no key; write a name before the colon")
	case key.Kind == Null:
		w.report.Errorf(key.Span, "yaml-key", "%s is no name for a key; if it is meant as one, put it in quotes", key.Text)
	case key.Kind != Scalar:
		w.report.Errorf(key.Head(), "yaml-key", "%s cannot be a key; a key is a name", key.Kind)
	default:
		return true
	}
	return false
}

func (w *walk) duplicate(key, first *Node) {
	message := "key " + quote(key.Text) + " stands twice in this mapping; the second is not read"
	if key.Plain && key.Text == mergeKey {
		message = "<< stands twice in this mapping; write it once, with a list: <<: [*a, *b]"
	}
	w.report.Add(diag.Diagnostic{
		Severity: diag.Error, Code: "yaml-duplicate-key", Span: key.Span, Message: message,
		Related: []diag.Related{{Span: first.Span, Message: "the first is here"}},
	})
}

// merged returns the mappings that a merge key brings in.
func (w *walk) merged(e entry) []*Node {
	sources := []*Node{e.value}
	if e.value.Kind == Sequence {
		sources = e.value.Items
	}
	kept := make([]*Node, 0, len(sources))
	for _, s := range sources {
		if s.Kind == Mapping {
			kept = append(kept, s)
			continue
		}
		span := s.Alias
		if span.IsZero() {
			span = s.Head()
		}
		if s.Kind == Null && s.Text == "" {
			span = e.key.Span
		}
		w.report.Errorf(span, "yaml-merge", "<< merges mappings, and this is %s", s.Kind)
	}
	return kept
}
