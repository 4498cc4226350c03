package condition

import (
	"strconv"
	"strings"
	"testing"

	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
)

// findings collects what compiling says.
type findings struct{ list diag.List }

func (f *findings) compile(n *syntax.Node) *Condition {
	return Compile(n, testEnv, "", &f.list)
}

// plainNode returns a scalar that holds the text in quotes, or nil if a recipe cannot hold it.
func plainNode(text string) *syntax.Node {
	src := &diag.Source{Name: "r.yaml", Text: []byte("when: " + strconv.QuoteToASCII(text))}
	n := syntax.Parse(src, nil).Get("when")
	if n == nil || n.Text != text {
		return nil
	}
	return n
}

// FuzzCompile: whatever the text, compiling and evaluating does not panic and comes to an end; each finding's place is in
// the text; what is taken without units means what expr says it means.
func FuzzCompile(f *testing.F) {
	for _, text := range []string{
		`layer.params > 1e6 && layer.type == "conv"`, `layer.bit > 4`, `1..1e9`, `reduce(1..30, {#acc+#acc}, "aaaaaaaa")`,
		`1 < (1 < (1 < layer.index < 3) < 3) < 3`, `((layer.tied ?: true) ?: true)`, `90MB > 4% && 2ms < 1s`, `layer.shape[-1] in [1, 2]`,
		`layer.name matches "(a+)+$"`, `layer.index % 2 == 0 ? 1.5 : 2`, `a = b & c`, `"\u00e9" == layer.name`, `layer.größe`, "`raw` == layer.name",
		`min(1, max(2.5, layer.index)) / 0`, `not layer.tied not in [true]`, `if true { 1 } else { 2 }`, `b'x' | map(.y)`, `2µs`, "/* */",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n := plainNode(text)
		if n == nil {
			t.Skip()
		}
		var list findings
		c := list.compile(n)
		for _, d := range list.list {
			if s := d.Span; s.Source != nil && (s.Start < 0 || s.End < s.Start || s.End > len(s.Source.Text)) {
				t.Fatalf("%q: %s stands outside of the text", text, d.Message)
			}
			if d.Code == "" || d.Message == "" || strings.Contains(d.Message, "%!") && !strings.Contains(text, "%!") {
				t.Fatalf("%q: finding %+v", text, d)
			}
		}
		if c == nil {
			if !list.list.HasErrors() {
				t.Fatalf("%q: refused without an error", text)
			}
			return
		}
		if !hasUnit(text) {
			agrees(t, c)
		}
	})
}

func hasUnit(text string) bool {
	c := &compiler{text: text}
	c.prepare()
	for _, l := range c.literals {
		last := l.text[len(l.text)-1]
		if last < '0' || last > '9' {
			return true
		}
	}
	return false
}
