package recipe

import (
	"slices"

	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// Migration rewrites a recipe of one version of the language in the next.
type Migration struct {
	From  int
	Doc   string                              // what changed, for a person
	Edits func(root *syntax.Node) []diag.Edit // besides the version, which is changed by Migrate; edits do not overlap
}

func (l *Language) migration(from int) *Migration {
	if i := slices.IndexFunc(l.Migrations, func(m Migration) bool { return m.From == from }); i >= 0 {
		return &l.Migrations[i]
	}
	return nil
}

// Migrate rewrites a recipe of an older version of the language in this one, step by step, and leaves all that it need
// not touch as it is: comments, order and spaces. What it did is in the list as notes, which point into the text as it
// was before each step. A text that it cannot migrate comes back as it is, with an error in the list; one that is of
// this version, or that Parse will have to complain about, without.
func Migrate(src *diag.Source, lang *Language) (text []byte, changed bool, found diag.List) {
	at := src
	for range len(lang.Migrations) + 1 { // no version comes twice
		n, version := versionOf(at)
		if n == nil || version == Version {
			return at.Text, changed, found
		}
		m := lang.migration(version)
		if m == nil {
			found.Errorf(n.Span, "unknown-version", "version is %d; this pare reads version %d and knows no way from there", version, Version)
			return src.Text, false, found
		}
		root := syntax.Parse(at, nil)
		edits := append(m.Edits(root), diag.Edit{Span: n.Span, New: schema.Inline(int64(version + 1))})
		next, made := diag.Apply(at, []diag.Fix{{Edits: edits}})
		after := &diag.Source{Name: src.Name, Text: next}
		if _, now := versionOf(after); !made[0] || now != version+1 {
			found.Errorf(n.Span, "migration-fails", "the recipe cannot be rewritten from version %d as it is laid out; write each key on a line of its own and try again", version)
			return src.Text, false, found
		}
		found.Notef(n.Span, "version-migrated", "version %d is now %d: %s", version, version+1, m.Doc)
		at, changed = after, true
	}
	return at.Text, changed, found
}

// versionOf returns the version of a text that is a recipe as far as that shows.
func versionOf(src *diag.Source) (*syntax.Node, int) {
	n := syntax.Parse(src, nil).Get("version")
	version := 0
	if n == nil || n.Kind != syntax.Scalar || !(&schema.Decoder{}).DecodeValue(n, schema.Int(&version, "version", 0, "").Require()) {
		return nil, 0
	}
	return n, version
}

// RenameKey is an edit that gives a key of a mapping another name, or none if the key is not there. For migrations.
func RenameKey(n *syntax.Node, key, name string) []diag.Edit {
	p := n.Pair(key)
	if p == nil {
		return nil
	}
	return []diag.Edit{{Span: p.Key.Span, New: name}}
}
