package syntax

import (
	"strings"
	"testing"

	"github.com/pare-ml/pare/recipe/diag"
)

func TestComments(t *testing.T) {
	text := `# head one
# head two
---
# head three
a: "x # no" # one
b: 'it''s # no' #two
c: [1, # three
  2]
d: | 
  # no
  text # no
# four
e: ${{ vars.x # no }}
f: a#no
g: http://x/#no # five
h: "open
  # no
  end"
# six`
	var got []string
	for _, c := range Comments(&diag.Source{Name: "t", Text: []byte(text)}) {
		s := c.Span.Text()
		if c.Alone {
			s += " alone"
		}
		if c.Head {
			s += " head"
		}
		got = append(got, s)
	}
	want := "# head one alone head|# head two alone head|# head three alone head|# one|#two|# three|# four alone|# five|# six alone"
	if strings.Join(got, "|") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "|"), want)
	}
}

func FuzzComments(f *testing.F) {
	for _, s := range []string{"a: b # c", "# a\n- |\n  # b\n# c", "\"#", "${{ # }}", "a: [#\n]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		end := 0
		for _, c := range Comments(&diag.Source{Name: "t", Text: []byte(text)}) {
			if c.Span.Start < end || c.Span.End > len(text) || text[c.Span.Start] != '#' || strings.ContainsAny(c.Span.Text(), "\r\n") {
				t.Fatalf("%q: comment at %d to %d after %d", text, c.Span.Start, c.Span.End, end)
			}
			end = c.Span.End
		}
	})
}
