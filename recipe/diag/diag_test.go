package diag

import (
	"bytes"
	"encoding/json"
	"math/rand"
	"reflect"
	"strings"
	"testing"
)

func source(name, text string) *Source { return &Source{Name: name, Text: []byte(text)} }

func spanOf(t *testing.T, s *Source, part string) Span {
	t.Helper()
	i := strings.Index(string(s.Text), part)
	if i < 0 {
		t.Fatalf("%q is not in the text", part)
	}
	return Span{Source: s, Start: i, End: i + len(part)}
}

func TestPosition(t *testing.T) {
	s := source("a", "ab\nçd\r\n\rx\n")
	for _, c := range []struct{ offset, line, column int }{
		{-5, 1, 1}, {0, 1, 1}, {2, 1, 3}, {3, 2, 1}, {5, 2, 2}, {6, 2, 3}, {8, 3, 1}, {9, 4, 1}, {10, 4, 2}, {11, 5, 1}, {99, 5, 1},
	} {
		if line, column := s.Position(c.offset); line != c.line || column != c.column {
			t.Errorf("Position(%d) = %d:%d, want %d:%d", c.offset, line, column, c.line, c.column)
		}
	}
	if got := (Span{Source: s, Start: 5}).String(); got != "a:2:2" {
		t.Errorf("String = %q", got)
	}
	if got := (Span{}).String(); got != "" {
		t.Errorf("String of the zero span = %q", got)
	}
	if got := (Span{Source: s, Start: 3, End: 900}).Text(); got != "çd\r\n\rx\n" {
		t.Errorf("Text = %q", got)
	}
}

func TestSort(t *testing.T) {
	a, b := source("a", "0123456789"), source("b", "0123456789")
	want := List{
		{Severity: Note, Code: "no-place"},
		{Severity: Error, Code: "x", Span: Span{a, 1, 2}},
		{Severity: Error, Code: "x", Span: Span{a, 1, 3}, Message: "m"},
		{Severity: Error, Code: "x", Span: Span{a, 1, 3}, Message: "n"},
		{Severity: Error, Code: "x", Span: Span{a, 1, 3}, Message: "n", Subject: "layer a"},
		{Severity: Error, Code: "x", Span: Span{a, 1, 3}, Message: "n", Subject: "layer a", Related: []Related{{Span{b, 1, 2}, "r"}}},
		{Severity: Error, Code: "x", Span: Span{a, 1, 3}, Message: "n", Subject: "layer b", Fixes: []Fix{{"f", []Edit{{Span{a, 1, 2}, "y"}}}}},
		{Severity: Error, Code: "x", Span: Span{a, 1, 3}, Message: "n", Subject: "layer b", Fixes: []Fix{{"f", []Edit{{Span{a, 1, 2}, "z"}}}}},
		{Severity: Warning, Code: "a", Span: Span{a, 1, 3}},
		{Severity: Warning, Code: "b", Span: Span{a, 1, 3}},
		{Severity: Error, Code: "a", Span: Span{b, 0, 1}},
	}
	rnd := rand.New(rand.NewSource(1))
	for range 50 {
		got := append(append(List{}, want...), want[rnd.Intn(len(want))], want[rnd.Intn(len(want))])
		rnd.Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
		got.Sort()
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got  %v\nwant %v", got, want)
		}
	}
	var none *List
	none.Sort()
}

func TestSummary(t *testing.T) {
	for _, c := range []struct {
		list List
		want string
	}{
		{nil, "no findings"},
		{List{{Severity: Error}}, "1 error"},
		{List{{Severity: Note}, {Severity: Error}, {Severity: Warning}, {Severity: Error}}, "2 errors, 1 warning, 1 note"},
	} {
		if got := c.list.Summary(); got != c.want {
			t.Errorf("Summary = %q, want %q", got, c.want)
		}
	}
}

func TestNear(t *testing.T) {
	algorithms := []string{"nearest", "mse", "gptq", "awq", "hqq", "adaround", "qat"}
	keys := []string{"group_size", "granularity", "symmetric", "type", "targets", "temperature"}
	for _, c := range []struct {
		word  string
		known []string
		want  string
	}{
		{"gtpq", algorithms, "gptq"},
		{"GPTQ", algorithms, "gptq"},
		{"ada-round", algorithms, "adaround"},
		{"near", algorithms, "nearest"},
		{"awk", algorithms, "awq"},
		{"kmeans", algorithms, ""},
		{"x", algorithms, ""},
		{"", algorithms, ""},
		{"gptq", algorithms, ""},
		{"groupSize", keys, "group_size"},
		{"group-size", keys, "group_size"},
		{"grup_size", keys, "group_size"},
		{"target", keys, "targets"},
		{"temperatur", keys, "temperature"},
		{"symmetrical", keys, "symmetric"},
		{"bit", []string{"bytes", "depth", "dtype"}, ""},
		{strings.Repeat("g", 1<<20), algorithms, ""},
		{"ab", []string{"ax", "ay"}, "ax"},
	} {
		if got := Near(c.word, c.known); got != c.want {
			t.Errorf("Near(%.20q) = %q, want %q", c.word, got, c.want)
		}
	}
}

func TestSuggest(t *testing.T) {
	letters := strings.Split("alpha bravo charlie delta echo foxtrot golf hotel india juliett kilo lima mike november", " ")
	for _, c := range []struct {
		word  string
		known []string
		want  string
	}{
		{"gtpq", []string{"awq", "gptq"}, `; did you mean "gptq"?`},
		{"kmeans", []string{"awq", "gptq"}, `; there are awq, gptq`},
		{"kmeans", []string{"awq"}, `; there is only awq`},
		{"kmeans", nil, ``},
		{"zulu", letters, "; there are alpha, bravo, charlie, delta, echo, foxtrot, golf, hotel, india, juliett, kilo, lima, …"},
	} {
		if got := Suggest(c.word, c.known); got != c.want {
			t.Errorf("Suggest(%q) = %q, want %q", c.word, got, c.want)
		}
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain, ünï 漢字 👍":      "plain, ünï 漢字 👍",
		"a\x1b[31mb":           `a\x1b[31mb`,
		"a\nb\tc\r\x00\x7f":    `a\nb\tc\r\x00\x7f`,
		"a\u202eb\u2066\ufeff": `a\u202eb\u2066\ufeff`,
		"\xff\xfe":             `\xff\xfe`,
		"\u0085\u00a0":         `\u0085\u00a0`,
		"\U000e0041":           `\U000e0041`,
	} {
		if got := Printable(in); got != want {
			t.Errorf("Printable(%q) = %q, want %q", in, got, want)
		}
	}
}

func text(t *testing.T, o TextOptions, list ...Diagnostic) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteText(&b, list, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWriteText(t *testing.T) {
	s := source("smollm2.yaml", strings.Repeat("\n", 13)+`      - when: layer.bit > 4 && layer.role == "ffn"`+"\n")
	d := Diagnostic{Severity: Error, Code: "unknown-fact", Span: spanOf(t, s, "layer.bit"),
		Message: `layer has no fact "bit"; it has bytes, depth`}
	want := `smollm2.yaml:14:15: layer has no fact "bit"; it has bytes, depth [unknown-fact]
   |
14 |       - when: layer.bit > 4 && layer.role == "ffn"
   |               ^~~~~~~~~
`
	if got := text(t, TextOptions{Excerpt: true}, d); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	want = want[:strings.Index(want, "\n")+1]
	if got := text(t, TextOptions{}, d); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	d.Severity = Warning
	want = "\x1b[1msmollm2.yaml:14:15:\x1b[0m \x1b[1;33mwarning:\x1b[0m \x1b[1mlayer has no fact \"bit\"; it has bytes, depth\x1b[0m \x1b[2m[unknown-fact]\x1b[0m\n"
	if got := text(t, TextOptions{Color: true}, d); got != want {
		t.Errorf("got\n%qwant\n%q", got, want)
	}
}

func TestWriteTextParts(t *testing.T) {
	s := source("r.yaml", "a: 1\nb: 2\n\n\n\n\n\n\n\na: 3\n")
	first := Diagnostic{Severity: Error, Code: "twice", Span: Span{s, 17, 18}, Subject: "layer conv1", Message: "here",
		Related: []Related{{Span{s, 0, 1}, "the first is here"}},
		Fixes:   []Fix{{Message: "remove it"}}}
	second := Diagnostic{Severity: Note, Code: "c", Message: "no place"}
	want := `r.yaml:10:1: layer conv1: here [twice]
   |
10 | a: 3
   | ^
  r.yaml:1:1: the first is here
   |
 1 | a: 1
   | ^
  fix: remove it

note: no place [c]
`
	if got := text(t, TextOptions{Excerpt: true}, first, second); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestExcerpt(t *testing.T) {
	long := strings.Repeat("0123456789", 30)
	for _, c := range []struct{ name, text, part, line, mark string }{
		{"tab", "\ta:\tx y", "x", "    a:  x y", "        ^"},
		{"wide", "漢字: 値 x", "値", "漢字: 値 x", "      ^~"},
		{"combining", "e\u0301: x", "x", "e\u0301: x", "   ^"},
		{"escape", "a: \x1b[2J x", "x", `a: \x1b[2J x`, "           ^"},
		{"direction", "a: \u202eb", "b", `a: \u202eb`, "         ^"},
		{"NUL", "a: \x00b", "\x00", `a: \x00b`, "   ^~~~"},
		{"bad UTF-8", "a: \xffb", "\xff", `a: \xffb`, "   ^~~~"},
		{"many lines", "a: |\n  b\n  c\n", "|\n  b\n", "a: |", "   ^"},
		{"line end", "a:\nb", "\n", "a:", "  ^"},
		{"CR LF", "a: b\r\nc", "b", "a: b", "   ^"},
		{"long, left", "KEY" + long, "KEY", "KEY" + long[:97] + "…", "^~~"},
		{"long, middle", long[:150] + "KEY" + long, "KEY", "…" + long[110:150] + "KEY" + long[:57] + "…", strings.Repeat(" ", 41) + "^~~"},
		{"long, right", long + "KEY", "KEY", "…" + long[203:] + "KEY", strings.Repeat(" ", 98) + "^~~"},
		{"all of a long line", long, long, long[:100] + "…", "^" + strings.Repeat("~", 99)},
		{"long and wide", strings.Repeat("漢", 100) + "KEY", "KEY", "…" + strings.Repeat("漢", 48) + "KEY", strings.Repeat(" ", 97) + "^~~"},
	} {
		s := source("r", c.text)
		d := Diagnostic{Severity: Error, Span: spanOf(t, s, c.part), Message: "m"}
		lines := strings.Split(text(t, TextOptions{Excerpt: true}, d), "\n")
		if got := strings.TrimPrefix(lines[2], "1 | "); got != c.line {
			t.Errorf("%s: line\n%s\nwant\n%s", c.name, got, c.line)
		}
		if got := strings.TrimPrefix(lines[3], "  | "); got != c.mark {
			t.Errorf("%s: mark\n%s\nwant\n%s", c.name, got, c.mark)
		}
	}
}

func TestHostileNames(t *testing.T) {
	s := source("a\x1b]0;b\n.yaml", "x")
	got := text(t, TextOptions{Excerpt: true}, Diagnostic{Severity: Error, Span: Span{s, 0, 1}, Subject: "layer \u202ea",
		Message: "m\nn", Code: "c", Related: []Related{{Span{s, 0, 1}, "\x00"}}})
	if strings.ContainsAny(got, "\x1b\u202e\x00") || !strings.HasPrefix(got, `a\x1b]0;b\n.yaml:1:1: layer \u202ea: m\nn [c]`+"\n") {
		t.Errorf("got %q", got)
	}
}

func TestWriteJSON(t *testing.T) {
	s := source("r.yaml", "ab\nçd: \"x\"\n")
	list := List{
		{Severity: Warning, Code: "c", Span: spanOf(t, s, `"x"`), Subject: "layer a", Message: "say \u202e <b> \x1b \U000e0041",
			Related: []Related{{Span{s, 0, 2}, "there"}}, Fixes: []Fix{{"do", []Edit{{Span{s, 0, 1}, "z"}}}}},
		{Severity: Note, Code: "n", Message: "m"},
	}
	var b bytes.Buffer
	if err := WriteJSON(&b, list); err != nil {
		t.Fatal(err)
	}
	want := `{"severity":"warning","code":"c","message":"say \u202e \u003cb\u003e \u001b \udb40\udc41","subject":"layer a",` +
		`"file":"r.yaml","line":2,"column":5,"end_line":2,"end_column":8,"start":8,"end":11,` +
		`"related":[{"message":"there","file":"r.yaml","line":1,"column":1,"end_line":1,"end_column":3,"start":0,"end":2}],` +
		`"fixes":[{"message":"do","edits":[{"file":"r.yaml","line":1,"column":1,"end_line":1,"end_column":2,"start":0,"end":1,"new":"z"}]}]}
{"severity":"note","code":"n","message":"m"}
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
	var back map[string]any
	if err := json.Unmarshal(bytes.SplitN(b.Bytes(), []byte("\n"), 2)[0], &back); err != nil {
		t.Fatal(err)
	}
	if back["message"] != list[0].Message {
		t.Errorf("message came back as %q", back["message"])
	}
}

// FuzzWriteText: whatever the text and the span, printing does not panic, and nothing that drives a terminal comes out.
func FuzzWriteText(f *testing.F) {
	f.Add("a: \x1b[0m\u202e\n", 3, 5)
	f.Add(strings.Repeat("漢\t", 5000), 7000, 7001)
	f.Fuzz(func(t *testing.T, in string, start, end int) {
		s := source("r\x1b", in)
		got := text(t, TextOptions{Excerpt: true}, Diagnostic{Span: Span{s, start, end}, Message: in})
		for _, line := range strings.Split(got, "\n") {
			if !isPrintable(line) && !strings.Contains(in, "\ufffd") {
				t.Fatalf("%q reaches the terminal", line)
			}
		}
	})
}
