package syntax

import (
	"bytes"
	"testing"

	"github.com/pare-ml/pare/recipe/diag"
	"gopkg.in/yaml.v3"
)

// FuzzParse: whatever the text, Parse does not panic and every place is in the text; the byte maps of scalars stay inside
// the scalar, never go back, and copied bytes are equal; values are the library's; no document and no finding is a bug.
func FuzzParse(f *testing.F) {
	for _, text := range samples {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<14 {
			t.Skip()
		}
		src := &diag.Source{Name: "r.yaml", Text: text}
		var list diag.List
		root := Parse(src, &list)
		checkFindings(t, src, list)
		if root == nil {
			if !list.HasErrors() {
				t.Fatalf("no document, but no error: %v", list)
			}
			return
		}
		visit(root, map[*Node]bool{}, func(n *Node) { checkNode(t, n, !list.HasErrors()) })
		if !list.HasErrors() && !bytes.Contains(text, []byte("${{")) && list.Count(diag.Warning) == 0 {
			checkValues(t, root, text)
		}
		if root.At("a.0.b") == nil || Merge(root, root) == nil {
			t.Fatal("At or Merge lost the root")
		}
	})
}

func visit(n *Node, seen map[*Node]bool, f func(*Node)) {
	if seen[n] {
		return
	}
	seen[n] = true
	f(n)
	for _, c := range n.Items {
		visit(c, seen, f)
	}
	for _, p := range n.Pairs {
		visit(p.Key, seen, f)
		visit(p.Value, seen, f)
	}
}

func inside(s diag.Span) bool {
	return s.Source != nil && 0 <= s.Start && s.Start <= s.End && s.End <= len(s.Source.Text)
}

func checkFindings(t *testing.T, src *diag.Source, list diag.List) {
	t.Helper()
	for _, d := range list {
		if !inside(d.Span) || d.Code == "" || d.Message == "" {
			t.Fatalf("finding %+v", d)
		}
		for _, r := range d.Related {
			if !inside(r.Span) {
				t.Fatalf("finding %+v", d)
			}
		}
		for _, fix := range d.Fixes {
			for _, e := range fix.Edits {
				if !inside(e.Span) {
					t.Fatalf("finding %+v", d)
				}
			}
		}
	}
	if err := diag.WriteText(&bytes.Buffer{}, list, diag.TextOptions{Excerpt: true}); err != nil {
		t.Fatal(err)
	}
}

func checkNode(t *testing.T, n *Node, clean bool) {
	t.Helper()
	if !inside(n.Span) || !inside(n.Head()) {
		t.Fatalf("node %+v", n)
	}
	last := n.Span.Start
	text := n.Span.Source.Text
	for i, r := range n.runs {
		end := len(n.Text)
		if i+1 < len(n.runs) {
			end = int(n.runs[i+1].text)
		}
		if int(r.src) < last || int(r.src+r.size) > n.Span.End || end <= int(r.text) {
			t.Fatalf("run %d of %q is out of place: %+v", i, n.Text, n.runs)
		}
		if clean && r.copied && string(text[r.src:r.src+r.size]) != n.Text[r.text:end] {
			t.Fatalf("run %d of %q is no copy: %+v", i, n.Text, n.runs)
		}
		last = int(r.src + r.size)
	}
	for i := 0; i < len(n.Text) && i < 50; i++ {
		if s := n.Sub(i, i+1); !inside(s) || s.Start < n.Span.Start || s.End > n.Span.End {
			t.Fatalf("Sub(%d) of %q is %v in %v", i, n.Text, s, n.Span)
		}
	}
}

// checkValues compares the tree with what the library decodes, where it decodes at all.
func checkValues(t *testing.T, root *Node, text []byte) {
	t.Helper()
	var want yaml.Node
	if err := yaml.Unmarshal(text, &want); err != nil || len(want.Content) != 1 {
		return
	}
	compareNodes(t, root, want.Content[0], 0)
}

func compareNodes(t *testing.T, n *Node, y *yaml.Node, depth int) {
	t.Helper()
	if y.Kind == yaml.AliasNode {
		y = y.Alias
	}
	switch y.Kind {
	case yaml.ScalarNode:
		if n.Kind != Scalar && n.Kind != Null || n.Text != y.Value {
			t.Fatalf("value %q, library %q", n.Text, y.Value)
		}
	case yaml.SequenceNode:
		if n.Kind != Sequence || len(n.Items) != len(y.Content) {
			t.Fatalf("list of %d, library %d", len(n.Items), len(y.Content))
		}
		for i, c := range n.Items {
			compareNodes(t, c, y.Content[i], depth+1)
		}
	case yaml.MappingNode:
		if n.Kind != Mapping {
			t.Fatalf("%v, library: a mapping", n.Kind)
		}
		for i := 0; i < len(y.Content); i += 2 {
			key := y.Content[i].Value
			if key == "<<" {
				return // merged, compared elsewhere
			}
			v := n.Get(key)
			if v == nil {
				t.Fatalf("key %q is lost", key)
			}
			compareNodes(t, v, y.Content[i+1], depth+1)
		}
	}
}
