package recipe

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/pare-ml/pare/recipe/diag"
)

func TestGlob(t *testing.T) {
	for _, c := range []struct{ pattern, yes, no string }{
		{"conv1", "conv1", "conv conv11 block.conv1 Conv1"},
		{"conv*", "conv conv1 convolution", "conv.1 conv/1 block.conv1"},
		{"*.conv", "a.conv .conv", "conv a.b.conv a/b.conv"},
		{"**.conv", "conv a.conv a.b.conv a/b.conv", "aconv conv1 a.bconv"},
		{"**/conv", "conv a/conv a/b.c/conv", "a.conv"},
		{"a.**.b", "a.b a.x.b a.x.y/z.b", "ab a.xb ax.b a."},
		{"a.**", "a. a.b a.b.c/d", "a ab"},
		{"a**b", "ab axb a.x/b", "a b abc"},
		{"**", "a a.b/c .", ""},
		{"model.layers.{0,1,29}.**", "model.layers.0.mlp model.layers.29.a.b", "model.layers.2.mlp model.layers.290.a"},
		{"block[0-9].conv?", "block1.conv1 block9.convx", "block.conv1 block10.conv1 block1.conv block1.conv."},
		{"block[!0-2]", "block3 blockx", "block1 block. block/"},
		{"block[^0-2]", "block3", "block1"},
		{"x[./]y", "x.y x/y", "xzy"},
		{"{a,b{c,d}}{,.e}", "a bc bd a.e bd.e", "b ae bcd"},
		{"{conv*,fc}", "conv1 fc", "fc1"},
		{`a\*b`, "a*b", "axb"},
		{`a\{b`, "a{b", "ab"},
		{`[\]]`, "]", `\ [`},
		{`[a\-z]`, "a - z", "b"},
		{`a\.**.b`, "a..b a.x.b a.b", "ab"},
		{"{**.conv,a.**.fc}", "conv a.conv a.fc a.b.fc", "fc b.fc"},
		{"größe?", "größen größe1", "größe größe."},
		{"a,b", "a,b", "a b"},
		{"onnx::Conv_*", "onnx::Conv_12", "onnx:Conv_12"},
	} {
		g, err := compileGlob(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		for _, name := range strings.Fields(c.yes) {
			if !g.match(name) || !g.matchLong(name) {
				t.Errorf("%s does not match %s", c.pattern, name)
			}
		}
		for _, name := range strings.Fields(c.no) {
			if g.match(name) || g.matchLong(name) {
				t.Errorf("%s matches %s", c.pattern, name)
			}
		}
	}
}

func TestBadGlob(t *testing.T) {
	for pattern, want := range map[string]string{
		"[": "[", "a[b": "[b", "a[]": "[]", "{a": "{a", "a}": "}", "a]": "]", `a\`: `\`, "[b-a]": "b-a", `[a\`: `[a\`,
		strings.Repeat("{", 9) + strings.Repeat("}", 9): "{", "[!]": "[!]",
	} {
		_, err := compileGlob(pattern)
		if err == nil {
			t.Errorf("%q compiles", pattern)
		} else if got := pattern[err.at:err.end]; got != want {
			t.Errorf("%q: %v is said of %q, want %q", pattern, err, got, want)
		}
	}
}

// naive matches by trying everything, straight from the definition. p and s are what is left of pattern and name;
// begins tells whether p begins a segment.
func naive(p, s string, begins bool) bool {
	if p == "" {
		return s == ""
	}
	r, size := utf8.DecodeRuneInString(s)
	rest := s[size:]
	switch p[0] {
	case '*':
		run := len(p) - len(strings.TrimLeft(p, "*"))
		after := p[run:]
		if run > 1 && begins && after != "" && isSeparator(rune(after[0])) && naive(after[1:], s, true) {
			return true
		}
		return naive(after, s, false) || s != "" && (run > 1 || !isSeparator(r)) && naiveStar(p[:run], after, rest)
	case '?':
		return s != "" && !isSeparator(r) && naive(p[1:], rest, false)
	case '{':
		end := naiveClose(p)
		for _, alternative := range naiveSplit(p[1:end]) {
			if naive(alternative+p[end+1:], s, begins) {
				return true
			}
		}
		return false
	}
	c, n := utf8.DecodeRuneInString(p)
	return s != "" && r == c && naive(p[n:], rest, isSeparator(c))
}

// naiveStar goes on inside a star that has taken something: it no longer begins a segment that may be empty.
func naiveStar(star, after, s string) bool {
	if naive(after, s, false) {
		return true
	}
	r, size := utf8.DecodeRuneInString(s)
	return s != "" && (len(star) > 1 || !isSeparator(r)) && naiveStar(star, after, s[size:])
}

func naiveClose(p string) int {
	depth := 0
	for i := range len(p) {
		switch p[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

func naiveSplit(s string) []string {
	depth, at := 0, 0
	var out []string
	for i := range len(s) {
		switch s[i] {
		case '{':
			depth++
		case '}':
			depth--
		case ',':
			if depth == 0 {
				out = append(out, s[at:i])
				at = i + 1
			}
		}
	}
	return append(out, s[at:])
}

func FuzzGlob(f *testing.F) {
	for _, s := range [][2]string{{"**.conv", "a.conv"}, {"a*b{c,d*}?", "axbcd"}, {"**/**.x", "a/b.x"}, {"{,a.}**.b", "a.b"}, {"*?**", "é"}, {"{a,}{b,.}**/c", "a/c"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if len(pattern) > 300 || len(name) > 300 || !utf8.ValidString(pattern) || !utf8.ValidString(name) {
			return
		}
		g, err := compileGlob(pattern)
		if err != nil {
			if err.at < 0 || err.end > len(pattern) || err.at >= err.end {
				t.Fatalf("%q: the place %d to %d is none", pattern, err.at, err.end)
			}
			return
		}
		got := g.match(name)
		if long := g.matchLong(name); long != got {
			t.Fatalf("%q on %q: %v in bits, %v in full", pattern, name, got, long)
		}
		// The reference takes exponential time, knows no classes and escapes, and looks at the text before a ** where the
		// matcher looks at the pattern: braces next to a ** differ in what begins a segment.
		if len(pattern) > 12 || len(name) > 12 || strings.ContainsAny(pattern, `[\`) || strings.Count(pattern, "{") > 2 {
			return
		}
		if strings.Contains(pattern, "{") && strings.Contains(pattern, "**") {
			return
		}
		if want := naive(pattern, name, true); got != want {
			t.Fatalf("%q on %q gives %v, want %v", pattern, name, got, want)
		}
	})
}

// 1,000 selectors over 10,000 layers is the most a recipe can ask for.
func TestGlobsAreFast(t *testing.T) {
	var list []*glob
	for i := range 1000 {
		pattern := fmt.Sprintf("model.layers.%d.**.{q,k,v}_proj", i)
		if i%10 == 0 {
			pattern = fmt.Sprintf("**.layers.*%d.*_proj", i)
		}
		g, err := compileGlob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, g)
	}
	start, hits := time.Now(), 0
	for i := range 1000 {
		name := fmt.Sprintf("model.layers.%d.self_attn.q_proj", i)
		for _, g := range list {
			if g.match(name) {
				hits++
			}
		}
	}
	t.Logf("a million matches in %v, %d hits", time.Since(start), hits)
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("a million matches took %v", d)
	}
}

func TestHostilePatterns(t *testing.T) {
	name := strings.Repeat("a", 100_000)
	for _, pattern := range []string{"re:(a+)+$", "re:(a|aa)+b", strings.Repeat("*a", 200) + "b", strings.Repeat("{a,aa}", 60) + "b", "**" + strings.Repeat("a**", 100) + "b"} {
		start := time.Now()
		r, found := parse("t", fmt.Sprintf("version: 1\nmodel: {path: a.onnx}\npasses:\n  - prune: {sparsity: 0.5}\n    targets: [%q]\n", pattern))
		if found.HasErrors() {
			t.Errorf("%.20s: %v", pattern, found)
			continue
		}
		r.Steps[0].Targets[0].Match(name, "", "")
		if d := time.Since(start); d > 3*time.Second {
			t.Errorf("%.20s takes %v", pattern, d)
		}
	}
}

func TestTooMany(t *testing.T) {
	head := "version: 1\nmodel: {path: a.onnx}\npasses:\n"
	selectors := head + "  - prune: {sparsity: 0.5}\n    targets:\n"
	for i := range 2000 {
		selectors += fmt.Sprintf("    - block%d.**\n", i)
	}
	for _, text := range []string{selectors, head + strings.Repeat("  - prune: {sparsity: 0.5}\n", 10_000)} {
		start := time.Now()
		_, found := parse("t", text)
		n := 0
		for _, d := range found {
			if d.Severity == diag.Error {
				n++
			}
		}
		if n != 1 || !strings.Contains(fmt.Sprint(found), "too-many") {
			t.Errorf("%d errors: %.300s", n, fmt.Sprint(found))
		}
		t.Log(time.Since(start))
	}
}
