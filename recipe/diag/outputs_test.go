package diag

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// sample is a list with every part that a finding can have, over a text with runes of all sizes.
func sample() (List, *Source) {
	src := &Source{Name: "a b/réc%ipe,1.yaml", Text: []byte("\ufeffname: 😀x\r\nkey: välue\nend: [a,\n  b]\n")}
	at := func(word string) Span {
		i := strings.Index(string(src.Text), word)
		return Span{src, i, i + len(word)}
	}
	set := &Source{Name: "--set", Text: []byte("a=b")}
	list := List{
		{Severity: Error, Code: "odd-text", Span: at("x"), Message: "50% of\nit: a,b \x1b[31m", Subject: "layer a",
			Related: []Related{{Span: at("name"), Message: "the first"}, {Message: "nowhere"}},
			Fixes:   []Fix{{Message: "write y", Edits: []Edit{{at("x"), "y"}, {at("key"), "k"}}}, {Edits: []Edit{{Span{set, 0, 1}, "c"}}}}},
		{Severity: Warning, Code: "unknown-key", Span: at("lue"), Message: "warned", Fixes: Replace(at("lue"), "v\u202e")},
		{Severity: Note, Code: "layer-untouched", Span: at("[a,\n  b]"), Message: "noted"},
		{Severity: Error, Code: "bad-set", Span: Span{set, 2, 3}, Message: "no value"},
		{Severity: Error, Code: "unknown-key", Message: "nowhere at all"},
	}
	list.Sort()
	return list, src
}

func TestSARIFAgreesWithItsSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("testdata/sarif-2.1.0.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	list, _ := sample()
	for name, l := range map[string]List{"some": list, "none": nil} {
		var b bytes.Buffer
		if err := WriteSARIF(&b, l, SARIFOptions{Version: "1.2.3"}); err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v\n%s", name, err, b.String())
		}
		if strings.ContainsAny(b.String(), "\x1b\u202e") {
			t.Errorf("%s: a control reached the output", name)
		}
	}
	// The validator does refuse.
	bad, _ := jsonschema.UnmarshalJSON(strings.NewReader(`{"version": "2.1.0", "runs": [{"results": []}]}`))
	if schema.Validate(bad) == nil {
		t.Error("a log without a tool passes")
	}
}

// TestSARIFPlaces reads places of a log back as the standard says and compares the bytes.
func TestSARIFPlaces(t *testing.T) {
	list, src := sample()
	var b bytes.Buffer
	if err := WriteSARIF(&b, list, SARIFOptions{Describe: func(code string) string {
		if code == "bad-set" {
			return "The command line sets what is not there."
		}
		return ""
	}}); err != nil {
		t.Fatal(err)
	}
	var log sarifLog
	if err := json.Unmarshal(b.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	var got []string
	for _, r := range run.Results {
		if run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID {
			t.Errorf("%s has the rule of %s", r.RuleID, run.Tool.Driver.Rules[r.RuleIndex].ID)
		}
		for _, l := range r.Locations {
			if l.Physical != nil {
				got = append(got, l.Physical.Artifact.URI+" "+regionText(src, l.Physical.Region))
			}
		}
		for _, f := range r.Fixes {
			for _, c := range f.Changes {
				for _, p := range c.Replacements {
					got = append(got, "fix "+regionText(src, p.Deleted)+" "+p.Inserted.Text)
				}
			}
		}
	}
	const uri = "a%20b/r%C3%A9c%25ipe,1.yaml "
	want := []string{uri + "x", "fix x y", "fix key k", uri + "lue", "fix lue v\u202e", uri + "[a,\n  b]"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	var rules []string
	for _, r := range run.Tool.Driver.Rules {
		rules = append(rules, r.ID+": "+r.ShortDescription.Text)
	}
	if got := strings.Join(rules, " "); got != "bad-set: The command line sets what is not there. layer-untouched: Layer untouched. odd-text: Odd text. unknown-key: Unknown key." {
		t.Errorf("rules are %s", got)
	}
}

// regionText cuts a region out of a text, going by UTF-16.
func regionText(src *Source, r sarifRegion) string {
	offset := func(line, column int) int {
		start, end := src.line(line)
		units := column - 1
		text := string(src.Text[start:end])
		skip := 0
		if line == 1 && strings.HasPrefix(text, "\ufeff") {
			skip = 3
		}
		for i, c := range text[skip:] {
			if units <= 0 {
				return start + skip + i
			}
			if units--; c >= 0x10000 {
				units--
			}
		}
		return end
	}
	return string(src.Text[offset(r.StartLine, r.StartColumn):offset(r.EndLine, r.EndColumn)])
}

func TestSARIFAddresses(t *testing.T) {
	for name, want := range map[string]string{
		"./a.yaml": "a.yaml", "../x/a#b?.yaml": "../x/a%23b%3F.yaml", "/tmp/a b.yaml": "file:///tmp/a%20b.yaml",
		`C:\x\a.yaml`: "file:///C:/x/a.yaml", "a:b.yaml": "./a:b.yaml",
	} {
		if got := artifactOf(&Source{Name: name}).URI; got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestGitHub(t *testing.T) {
	list, _ := sample()
	var b bytes.Buffer
	if err := WriteGitHub(&b, list); err != nil {
		t.Fatal(err)
	}
	const want = `::error title=unknown-key::nowhere at all
::error title=bad-set::no value
::error file=a b/réc%25ipe%2C1.yaml,line=1,col=9,endColumn=10,title=odd-text::layer a: 50%25 of\nit: a,b \x1b[31m%0Aa b/réc%25ipe,1.yaml:1:2: the first%0Anowhere
::warning file=a b/réc%25ipe%2C1.yaml,line=2,col=8,endColumn=11,title=unknown-key::warned
::notice file=a b/réc%25ipe%2C1.yaml,line=3,endLine=4,title=layer-untouched::noted
`
	if got := b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestApply(t *testing.T) {
	src := &Source{Name: "r", Text: []byte("añb-cd-ef")}
	other := &Source{Name: "r", Text: src.Text}
	edit := func(i, j int, s string) Edit { return Edit{Span{src, i, j}, s} }
	fix := func(e ...Edit) Fix { return Fix{Edits: e} }
	for _, c := range []struct {
		name  string
		fixes []Fix
		want  string
		made  string
	}{
		{"nothing", nil, "añb-cd-ef", ""},
		{"no edit", []Fix{fix()}, "añb-cd-ef", "-"},
		{"backwards", []Fix{fix(edit(8, 10, "EF"), edit(0, 1, "A"))}, "Añb-cd-EF", "+"},
		{"overlapping", []Fix{fix(edit(5, 7, "X")), fix(edit(6, 9, "Y"), edit(0, 1, "Z"))}, "añb-X-ef", "+-"},
		{"overlapping itself", []Fix{fix(edit(5, 7, "X"), edit(6, 9, "Y"))}, "añb-cd-ef", "-"},
		{"the same twice", []Fix{fix(edit(5, 7, "X")), fix(edit(5, 7, "X"), edit(8, 10, "Y"))}, "añb-X-Y", "++"},
		{"two insertions at one place", []Fix{fix(edit(5, 5, "X")), fix(edit(5, 5, "Y"))}, "añb-Xcd-ef", "+-"},
		{"insertion where a piece is replaced", []Fix{fix(edit(5, 7, "X")), fix(edit(5, 5, "Y"))}, "añb-X-ef", "+-"},
		{"insertion behind a replaced piece", []Fix{fix(edit(5, 7, "X")), fix(edit(7, 7, "Y"))}, "añb-XY-ef", "+" + "+"},
		{"side by side", []Fix{fix(edit(5, 7, "X")), fix(edit(7, 8, ""))}, "añb-Xef", "++"},
		{"inside a rune", []Fix{fix(edit(2, 3, "X"))}, "añb-cd-ef", "-"},
		{"outside", []Fix{fix(edit(8, 11, "X")), fix(edit(-1, 0, "X")), fix(edit(4, 3, "X"))}, "añb-cd-ef", "---"},
		{"another text", []Fix{{Edits: []Edit{{Span{other, 0, 1}, "X"}}}}, "añb-cd-ef", "-"},
	} {
		text, made := Apply(src, c.fixes)
		signs := ""
		for _, m := range made {
			signs += map[bool]string{true: "+", false: "-"}[m]
		}
		if string(text) != c.want || signs != c.made {
			t.Errorf("%s: got %q %s, want %q %s", c.name, text, signs, c.want, c.made)
		}
	}
}

func FuzzApply(f *testing.F) {
	f.Add("abc", 0, 1, "x", 1, 2, "y")
	f.Add("añb", 1, 3, "", 3, 3, "y")
	f.Fuzz(func(t *testing.T, text string, a, b int, x string, c, d int, y string) {
		src := &Source{Text: []byte(text)}
		first, second := Edit{Span{src, a, b}, x}, Edit{Span{src, c, d}, y}
		out, made := Apply(src, []Fix{{Edits: []Edit{first}}, {Edits: []Edit{second}}})
		want := len(text)
		for i, e := range []Edit{first, second} {
			if made[i] && !(i == 1 && made[0] && first == second) {
				want += len(e.New) - (e.Span.End - e.Span.Start)
			}
		}
		if len(out) != want {
			t.Errorf("%d bytes, want %d", len(out), want)
		}
		swapped, _ := Apply(src, []Fix{{Edits: []Edit{second, first}}})
		if joined, ok := Apply(src, []Fix{{Edits: []Edit{first, second}}}); ok[0] && !bytes.Equal(swapped, joined) {
			t.Errorf("the order of edits changes the result: %q, %q", joined, swapped)
		}
	})
}

func TestRename(t *testing.T) {
	known := []string{"filter", "block", "int8", "int4", "group_size"}
	for text, want := range map[string]string{
		"filtr": "filter", `"filtr"`: `"filter"`, "GroupSize": "group_size", "int9": "", "filter": "", "xyz": "", "group-size": "group_size",
	} {
		src := &Source{Text: []byte(text)}
		got := ""
		if fixes := Rename(Span{src, 0, len(text)}, strings.Trim(text, `"`), known); fixes != nil {
			got = fixes[0].Edits[0].New
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
	if Rename(Span{&Source{Text: []byte("filtr x")}, 0, 7}, "filtr", known) != nil {
		t.Error("a wider place is edited")
	}
}

func TestSchemaIsAttributed(t *testing.T) {
	if text, err := os.ReadFile("testdata/README.md"); err != nil || !strings.Contains(string(text), "Copyright © OASIS Open") {
		t.Error("the schema's copyright notice is missing")
	}
}
