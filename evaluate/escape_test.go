package evaluate

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"unicode"
)

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"conv1":                    "conv1",
		"a\nb\tc\r":                `a\nb\tc\x0d`,
		"\x1b[31mred":              `\x1b[31mred`,
		"nul\x00":                  `nul\x00`,
		"broken \xff":              "broken \uFFFD",
		"\u202egnp.exe":            `\u202egnp.exe`,
		"line\u2028end":            `line\u2028end`,
		"größe 权重":                 "größe 权重",
		"zero\u200bwidth":          `zero\u200bwidth`,
		"no-break\u00a0space":      `no-break\u00a0space`,
		"c1 \u0085":                `c1 \u0085`,
		strings.Repeat("x", 1000):  strings.Repeat("x", 300) + "…" + strings.Repeat("x", 100),
		"tag \U000e0041 character": `tag \ue0041 character`,
	} {
		if got := plain(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestDefuse(t *testing.T) {
	for in, want := range map[string]string{
		"  ::set-output name=x::y": `  \x3a:set-output name=x::y`,
		"::error::":                `\x3a:error::`,
		"  onnx::Conv_12":          "  onnx::Conv_12",
		"x ##[error]bad":           `x #\x23[error]bad`,
	} {
		if got := defuse(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestMarkdownEscapes(t *testing.T) {
	for in, want := range map[string]string{
		"block1.conv_1 (3x3)":     "block1.conv_1 (3x3)",
		"a | b":                   "a &#124; b",
		"<script>alert(1)&":       "&lt;script&gt;alert(1)&amp;",
		"*bold* _it_ `code` ~x~":  "&#42;bold&#42; &#95;it&#95; &#96;code&#96; &#126;x&#126;",
		"[x](http://evil.test)":   "&#91;x&#93;(http&#58;//evil.test)",
		"www.evil.test":           "www&#46;evil.test",
		"@team see #12":           "<code>&#64;</code>team see <code>&#35;</code>12",
		":tada: 1: 2":             "<code>&#58;</code>tada: 1: 2",
		"- list":                  "&#45; list",
		"-0.4":                    "-0.4",
		"x\n\n# heading":          "x&#92;n&#92;n<code>&#35;</code> heading",
		"$math$ \\":               "&#36;math&#36; &#92;",
		"undecided: about 12,400": "undecided: about 12,400",
	} {
		if got := markdown(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
	if got, want := code("a|`@b`</code>"), "<code>a&#124;&#96;&#64;b&#96;&lt;/code&gt;</code>"; got != want {
		t.Errorf("code gives %q, want %q", got, want)
	}
}

// Whatever the names in a report, it stays a report: no control characters, no line more, no markup.
func FuzzReport(f *testing.F) {
	f.Add("conv1")
	f.Add("\x1b[2J\x07\n::set-output name=a::b\n| x |</details><script>@all #1 ![i](http://x)")
	f.Add("\u202e\u2066\xff\xfe\r\n##[error]")
	f.Add("\\|`` ` |")
	f.Fuzz(func(t *testing.T, s string) {
		if strings.TrimSpace(s) == "" {
			return // what is not there is left out
		}
		safe, hostile := named("x"), named(s)
		lines := func(b string) int { return strings.Count(b, "\n") }

		var text, want strings.Builder
		hostile.WriteText(&text, 10_000, false)
		safe.WriteText(&want, 10_000, false)
		if lines(text.String()) != lines(want.String()) {
			t.Errorf("text has %d lines, want %d:\n%s", lines(text.String()), lines(want.String()), text.String())
		}
		for _, line := range strings.Split(text.String(), "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") {
				t.Errorf("a command: %q", line)
			}
			for _, r := range line {
				if !unicode.IsPrint(r) {
					t.Errorf("%q is not printable in %q", r, line)
				}
			}
		}

		text.Reset()
		want.Reset()
		hostile.WriteMarkdown(&text)
		safe.WriteMarkdown(&want)
		md := text.String()
		if lines(md) != lines(want.String()) || strings.Count(md, "|") != strings.Count(want.String(), "|") {
			t.Errorf("Markdown of another shape:\n%s", md)
		}
		for _, tag := range []string{"<code>", "</code>", "<br>", "<details>", "</details>", "<summary>", "</summary>", "<sub>", "</sub>"} {
			md = strings.ReplaceAll(md, tag, "")
		}
		if strings.ContainsAny(md, "<>@`~$[]\\") {
			t.Errorf("markup is left in:\n%s", md)
		}

		j, err := hostile.JSON()
		if err != nil || !json.Valid(j) {
			t.Errorf("JSON: %v\n%s", err, j)
		}
		var compact, again bytes.Buffer
		json.Compact(&compact, j)
		raw, _ := json.Marshal(hostile.wire())
		json.Compact(&again, raw)
		if compact.String() != again.String() {
			t.Error("the layout changed the JSON")
		}
	})
}

// named returns a report in which every text is s.
func named(s string) *Report {
	m := &Metric{Name: s, Unit: Share, Higher: true, Kind: Rate}
	score := MeanOf([]float64{1, 0, 1})
	score.Metric, score.Note = m, s
	score.complete()
	return &Report{
		Recipe:    Recipe{Path: s, Name: s, Description: s, SHA256: s, Vars: []Var{{s, s}}},
		Artifacts: []File{{Path: s, Format: s, SHA256: s}},
		Metrics:   []Row{{Score: score}},
		Gates: []Decision{{Gate: GateSpec{Name: s}, Outcome: Met, Message: s},
			DecideExpect(s, "warn", false, []Used{{Name: s}})},
		Steps:    []Step{{ID: s, Pass: s, Did: s}, {ID: s, Pass: s, LeftOut: s}},
		Layers:   []LayerReport{{Name: s, Type: s, From: LayerState{DType: s}, To: LayerState{DType: s}, SQNR: math.NaN(), Steps: []LayerStep{{s, s, s}, {s, "", s}}}},
		Findings: []Finding{{Severity: s, Code: s, Path: s, Line: 1, Subject: s, Message: s}},
		Notes:    []string{s},
		Failure:  s,
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{amount(Share, 0.9162), "91.62%"}, {amount(Nats, 0.23144), "0.2314 nats"}, {amount(Bytes, 271098), "271.1 kB"},
		{amount(Bytes, 999), "999 B"}, {amount(Bytes, 1e6), "1.0 MB"}, {amount(Bits, 7.819), "7.82 bits"}, {amount(Decibel, 38.04), "38.0 dB"},
		{amount(Count, 271098), "271,098"}, {amount(Count, 7.8199), "7.82"}, {amount(Decibel, math.Inf(1)), "infinite"}, {amount(Decibel, math.Inf(-1)), "-infinite"},
		{amount(Nats, math.NaN()), "not a number"}, {difference(Share, -0.0042), "-0.42 points"}, {difference(Share, -0.000001), "0.00 points"},
		{fixed(-1234567.891, 1), "-1,234,567.9"}, {fixed(100, 0), "100"}, {fixed(1000, 0), "1,000"}, {percent(0.95), "95%"}, {percent(0.999), "99.9%"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	for n, want := range map[int]int{1: 1, 999: 999, 1000: 1000, 1001: 1010, 12359: 12400, 999_999: 1_000_000} {
		if got := roundUp(n); got != want {
			t.Errorf("roundUp(%d) is %d, want %d", n, got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	got := wrap("one two three four five six seven eight nine ten averyveryverylongwordthatstandsalone eleven", 24)
	want := []string{"one two three four five", "six seven eight nine ten", "averyveryverylongwordthatstandsalone", "eleven"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("%q", got)
	}
	if got := wrap("", 80); len(got) != 1 || got[0] != "" {
		t.Errorf("nothing becomes %q", got)
	}
}
