package recipe

import (
	"strings"
	"testing"

	"github.com/pare-ml/pare/recipe/diag"
)

func TestMatchPath(t *testing.T) {
	for _, c := range []struct {
		pattern, file string
		want          bool
	}{
		{"recipes/a.yaml", "recipes/a.yaml", true}, {"recipes/*.yaml", "recipes/a.b.yaml", true},
		{"*.yaml", "recipes/a.yaml", false}, {"**/*.yaml", "recipes/a.yaml", true}, {"**/*.yaml", "a.yaml", true},
		{"recipes/**", "recipes/x/y/a.yaml", true}, {"recipes/**/a.yaml", "recipes/a.yaml", true},
		{"recipes/**/x/**", "recipes/a/x/b/c", true}, {"recipes", "recipes/a.yaml", false}, {"**", "a", true},
	} {
		if got := matchPath(strings.Split(c.pattern, "/"), strings.Split(c.file, "/")); got != c.want {
			t.Errorf("%s on %s gives %v", c.pattern, c.file, got)
		}
	}
}

// A silence of what takes a model to find is not idle while there is none.
func TestIdleSilences(t *testing.T) {
	text := "# pare:allow-file layer-untouched the head stays\n# pare:allow-file unused-var none yet\nversion: 1\n"
	src := &diag.Source{Name: "t", Text: []byte(text)}
	for _, c := range []struct {
		found    diag.List
		complete bool
		idle     int
	}{
		{nil, true, 2}, {nil, false, 1}, {diag.List{{Severity: diag.Error, Code: "unknown-key", Span: diag.Span{Source: src}}}, true, 0},
	} {
		found := append(diag.List{}, c.found...)
		testLanguage().Silence(&found, []Text{{Source: src, Path: "t"}}, nil, c.complete)
		if got := len(found) - len(c.found); got != c.idle {
			t.Errorf("complete %v, with %v: %d silences are idle, want %d", c.complete, c.found, got, c.idle)
		}
	}
}

// What a comment allows comes back as silenced.
func TestSilenced(t *testing.T) {
	src := &diag.Source{Name: "t", Text: []byte("a: 1 # pare:allow unused-var kept\nb: 2\n")}
	at := func(i int) diag.Span { return diag.Span{Source: src, Start: i, End: i + 1} }
	found := diag.List{{Severity: diag.Warning, Code: "unused-var", Span: at(0)}, {Severity: diag.Warning, Code: "unused-var", Span: at(35)}}
	silenced := testLanguage().Silence(&found, []Text{{Source: src, Path: "t"}}, nil, true)
	if len(silenced) != 1 || silenced[0].Span.Start != 0 || len(found) != 1 || found[0].Span.Start != 35 {
		t.Errorf("silenced %v, kept %v", silenced, found)
	}
}
