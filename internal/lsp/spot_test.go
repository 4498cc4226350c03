package lsp

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// describeSpot says in a line where a spot is.
func describeSpot(text string, sp *spot) string {
	if sp == nil {
		return "none"
	}
	var path []string
	for e := sp.in; e.parent != nil; e = e.parent {
		name := e.key
		if e.item {
			name = "-"
		}
		path = append([]string{name}, path...)
	}
	var what []string
	if sp.key {
		what = append(what, "key")
	}
	if sp.value {
		what = append(what, "value")
	}
	if sp.dash {
		what = append(what, "dash")
	}
	return fmt.Sprintf("%s in /%s: %q", strings.Join(what, ", "), strings.Join(path, "/"), text[sp.start:sp.end])
}

// The cursor is | in each text; the file says what may be written there.
func TestSpots(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		// Keys.
		{"|", `key in /: ""`},
		{"na|", `key, value in /: "na"`},
		{"na|me: x", `key in /: "name"`},
		{"|name: x", `key in /: "name"`},
		{"name|: x", `key in /: "name"`},
		{"name:| x", `value in /name: ""`},
		{"name : |", `value in /name: ""`},
		{"version: 1\n|\nname: x", `key in /: ""`},
		{"version: 1\n  |", `key in /: ""`},
		{"model:\n  |", `key, value in /model: ""`},
		{"model:\n  pa|", `key, value in /model: "pa"`},
		{"model:\n  path: x\n  |", `key in /model: ""`},
		{"model:\n  path: x\n|", `key in /: ""`},
		{"model:\n  path: x\n   |", `key in /model: ""`},
		{"\"na|me\": x", `key in /: "\"name\""`},
		{"'it''s': |", `value in /it's: ""`},
		{"&a na|me: x", `key in /: "name"`},
		{"a b: |", `value in /a b: ""`},

		// Values.
		{"name: |", `value in /name: ""`},
		{"name: x|y", `value in /name: "xy"`},
		{"name: x |", `value in /name: "x "`},
		{"name: \"x\" |", `none`},
		{"name: \"x|", `value in /name: "\"x"`},
		{"name: \"x|\" # c", `value in /name: "\"x\""`},
		{"name: x # |c", `none`},
		{"# |c", `none`},
		{"name: x|#c", `value in /name: "x#c"`},
		{"name: &a x|", `value in /name: "x"`},
		{"when: a\n  > |b\nid: x", `value in /when: "a\n  > b"`},
		{"when: |\n\nid: x", `value in /when: ""`},

		// Lists.
		{"passes:\n  - |", `key, value in /passes/-: ""`},
		{"passes:\n  -|", `none`},
		{"passes:\n- |", `key, value in /passes/-: ""`},
		{"passes:\n  - pru|", `key, value in /passes/-: "pru"`},
		{"passes:\n  - prune:\n      |", `key, value in /passes/-/prune: ""`},
		{"passes:\n  - prune:\n    |", `key in /passes/-: ""`},
		{"passes:\n  - prune:\n      a: 1\n    |\n  - x: 1", `key in /passes/-: ""`},
		{"passes:\n  - prune: {}\n  |", `key, dash in /passes: ""`},
		{"passes:\n- prune: {}\n|", `key, dash in /passes: ""`},
		{"passes:\n- prune: {}\n  |", `key in /passes/-: ""`},
		{"passes:\n  |", `key, value in /passes: ""`},
		{"passes:\n  - prune: {}\n  qu|", `key, dash in /passes: "qu"`},
		{"a:\n  - - |", `key, value in /a/-/-: ""`},
		{"targets:\n  - type:c|onv", `key, value in /targets/-: "type:conv"`},
		{"targets:\n  - \"type:c|onv\"", `value in /targets/-: "\"type:conv\""`},

		// Brackets.
		{"a: {|}", `key in /a: ""`},
		{"a: {|", `key in /a: ""`},
		{"a: { b|", `key in /a: "b"`},
		{"a: {b: |}", `value in /a/b: ""`},
		{"a: {b: |", `value in /a/b: ""`},
		{"a: {b:|}", `value in /a/b: ""`},
		{"a: {b: c|}", `value in /a/b: "c"`},
		{"a: {b: c, |}", `key in /a: ""`},
		{"a: {b: c,|", `key in /a: ""`},
		{"a: {b: c, d|}", `key in /a: "d"`},
		{"a: {b: c, |d: e}", `key in /a: "d"`},
		{"a: {b: {c: |}}", `value in /a/b/c: ""`},
		{"a: {b: {c: d}, |}", `key in /a: ""`},
		{"a: {b: {c: d}| }", `none`},
		{"a: [|]", `value in /a: ""`},
		{"a: [|", `value in /a: ""`},
		{"a: [b, |]", `value in /a: ""`},
		{"a: [b|]", `value in /a/-: "b"`},
		{"a: [\"b|\"]", `value in /a/-: "\"b\""`},
		{"a: [{b: |}]", `value in /a/-/b: ""`},
		{"a: [{b: c}, {|}]", `key in /a/-: ""`},
		{"a: [b: |]", `value in /a/-/b: ""`},
		{"a: {b: c}|", `none`},
		{"a: {b: c} |", `none`},
		{"- {metric: top1, |}", `key in /-: ""`},
		{"a: {\n  b: c,\n  |\n}", `key in /a: ""`},
		{"a: {\n  b: |\n}", `value in /a/b: ""`},
		{"a: {b: \"x, |y\"}", `value in /a/b: "\"x, y\""`},
		{"a: {b: ${{ vars.|x }}, c: d}", `value in /a/b: "${{ vars.x }}"`},
		{"a: {b: ${{ vars.|", `value in /a/b: "${{ vars."`},
		{"a: {b: ${{ vars.|, c: d}", `value in /a/b: "${{ vars."`},
		{"a: ${{ vars.x }}|", `value in /a: "${{ vars.x }}"`},

		// Brackets that are not closed end where a line stands further left.
		{"a: {b: c\nd|: e", `key in /: "d"`},
		{"x:\n  a: {b: c, \n  d: |", `value in /x/d: ""`},
		{"x:\n  - {a: b\n  - {a: |", `value in /x/-/a: ""`},
		{"x:\n  - a: [b, c\n    d: |", `value in /x/-/d: ""`},
		{"x:\n  - a: {b: |\n    d: e", `value in /x/-/a/b: ""`},
		{"x:\n  - a: {b: c, |\n    d: e", `key in /x/-/a: ""`},
		{"a: {b: [c, |}", `value in /a/b: ""`},
		{"a: }\nb|: c", `key in /: "b"`},
		{"a: {b: c]\nd|: e", `key in /: "d"`},

		// Quotes that are not closed end with their line.
		{"a: \"b\nc|: d", `key in /: "c"`},
		{"a: \"b\n  c|\"\nd: e", `value in /a: "\"b\n  c\""`},
		{"a: ['b, |]\nc: d", `value in /a: ""`},

		// Block scalars.
		{"when: |\x01\n  layer.|x > 1\nid: y", `value in /when: "  layer.x > 1"`},
		{"when: >-\n  a\n  |", `value in /when: "  a"`},
		{"when: >-\n  a\n  &&\n  b|\nid: y", `value in /when: "  a\n  &&\n  b"`},
		{"- when: |\x01\n    a: b|\n  id: y", `value in /-/when: "    a: b"`},

		// Odd texts.
		{"---\nname: |", `value in /name: ""`},
		{"\ufeffna|me: x", `key in /: "name"`},
		{"name: x\r\nseed|: 1\r\n", `key in /: "seed"`},
		{"name: x\r|seed: 1", `key in /: "seed"`},
		{"\t|", `key in /: ""`},
		{"- a\n- b\n|", `key, dash in /: ""`},
		{"? a|", `key, value in /: "? a"`},
		{"%YAML 1.2|", `none`},
	} {
		text := strings.Replace(c.text, "|\x01", "\x01", 1)
		offset := strings.Index(text, "|")
		text = strings.Replace(strings.Replace(text, "|", "", 1), "\x01", "|", 1)
		got := describeSpot(text, readOutline([]byte(text)).find(offset))
		if got != c.want {
			t.Errorf("%q: %s, want %s", c.text, got, c.want)
		}
	}
}

// At every place of whole recipes, and of each of their beginnings, something can be said or nothing, and what can be
// said makes sense.
func TestSpotsEverywhere(t *testing.T) {
	paths, _ := filepath.Glob("testdata/sessions/*.txtar")
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			for end := range f.Data {
				if end%7 == 0 {
					checkSpots(t, f.Data[:end], end)
				}
			}
			for i := range f.Data {
				checkSpots(t, f.Data, i)
			}
		}
	}
	recipe, err := os.ReadFile("../../recipes/fashion.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for i := range recipe {
		checkSpots(t, recipe, i)
	}
}

func checkSpots(t *testing.T, text []byte, offset int) {
	t.Helper()
	o := readOutline(text)
	sp := o.find(offset)
	if sp == nil {
		return
	}
	if sp.start < 0 || sp.end < sp.start || sp.end > len(text) || sp.in == nil || !sp.key && !sp.value {
		t.Fatalf("%q at %d: %+v", text, offset, sp)
	}
	if sp.start > offset || sp.end < offset {
		if e := sp.in; !e.block && !(sp.value && sp.start <= offset) {
			t.Fatalf("%q at %d: it stands at %d to %d", text, offset, sp.start, sp.end)
		}
	}
}

// FuzzOutline: any text has an outline, in time, and any place of it a spot that is in it.
func FuzzOutline(f *testing.F) {
	recipe, err := os.ReadFile("../../recipes/fashion.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(recipe, uint(500))
	for _, s := range []string{"a: {b: [c, {d: \"e", "- - - |\n x", "a: >\n\n b\n\"c\": 'd\n e'", "[[[[[[]]}}", "a: {${{ x }}: y", "&a !b c: *d", "{a: b}: c", "[a: {b: c}, d: ]", "a:\n- b\n -c\n  - d"} {
		f.Add([]byte(s), uint(len(s)/2))
	}
	f.Fuzz(func(t *testing.T, text []byte, at uint) {
		offset := int(at % uint(len(text)+1))
		checkSpots(t, text, offset)
		o := readOutline(text)
		last := 0
		for todo := []*entry{o.root}; len(todo) > 0; {
			e := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			last++
			if e.start > e.keyEnd && e.parent != nil || e.keyEnd > len(text) || e.end > len(text) || e.flow != 0 && (e.flowEnd < e.open || e.flowEnd > len(text)) {
				t.Fatalf("%q: %+v", text, e)
			}
			for i, k := range e.kids {
				if k.parent != e || i > 0 && k.start < e.kids[i-1].start {
					t.Fatalf("%q: %+v below %+v", text, k, e)
				}
				todo = append(todo, k)
			}
			if e.parent != nil && e.extent() > len(text) {
				t.Fatalf("%q: an entry ends at %d", text, e.extent())
			}
		}
		if last > 2*len(text)+2 {
			t.Fatalf("%d entries in %d bytes", last, len(text))
		}
	})
}
