package schema

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
)

type observer struct {
	Kind       string
	Percentile float64
}

type weights struct {
	Type      string
	GroupSize int
	Symmetric bool
	Observer  observer
}

type loss struct {
	Kind   string
	Weight float64
}

type settings struct {
	Sparsity  float64
	Damp      float64
	Steps     int
	Round     *int
	Permute   bool
	Budget    int64
	Teacher   string
	Data      string
	File      string
	Structure string
	Shape     []int
	Mean      []float64
	Only      []string
	Weights   weights
	Acts      *weights
	Losses    []loss
	Extra     *syntax.Node
	checked   int
}

func observerFields(o *observer) Object {
	return Object{Short: "kind", Fields: []*Field{
		Enum(&o.Kind, "kind", "minmax", "how the range is chosen", Choice{"minmax", "least and largest"}, Choice{"percentile", "share of values inside"}),
		Float(&o.Percentile, "percentile", 99.99, "share of values inside").Above(50).Below(100),
	}}
}

func weightFields(w *weights) Object {
	return Object{Fields: []*Field{
		Enum(&w.Type, "type", "int8", "numeric type", Choice{"int8", ""}, Choice{"uint8", ""}, Choice{"int4", ""}),
		Int(&w.GroupSize, "group_size", 0, "weights that share a scale").AtLeast(1),
		Bool(&w.Symmetric, "symmetric", true, "zero is code 0"),
		Nested("observer", "how the range is chosen", observerFields(&w.Observer)),
	}}
}

func fields(s *settings) Object {
	return Object{
		Fields: []*Field{
			Ratio(&s.Sparsity, "sparsity", 0, "share of the weights set to zero").Between(0, 1).Require(),
			Float(&s.Damp, "damp", 0.01, "share of the mean diagonal added").Above(0),
			Int(&s.Steps, "steps", 100, "optimiser steps").AtLeast(1),
			OptionalInt(&s.Round, "round_to", "multiple that channels are rounded to").AtLeast(1),
			Bool(&s.Permute, "permute", false, "permute channels first"),
			Bytes(&s.Budget, "budget", 0, "largest size"),
			String(&s.Teacher, "teacher", "input", "the model to learn from"),
			Data(&s.Data, "data", "", "data set"),
			Path(&s.File, "file", "", "a file"),
			Enum(&s.Structure, "structure", "unstructured", "what is removed together", Choice{"unstructured", ""}, Choice{"filter", ""}, Choice{"block", ""}),
			Ints(&s.Shape, "shape", []int{2, 4}, "block shape").AtLeast(1),
			Floats(&s.Mean, "mean", nil, "mean of each channel"),
			Strings(&s.Only, "only", nil, "names"),
			Nested("weights", "type of the weights", weightFields(&s.Weights)),
			Optional(&s.Acts, "activations", "type of the activations", weightFields),
			List(&s.Losses, "losses", "what is learned", func(l *loss) Object {
				return Object{Name: "a loss", Fields: []*Field{
					Enum(&l.Kind, "kind", "", "which loss", Choice{"logits", ""}, Choice{"labels", ""}).Require(),
					Float(&l.Weight, "weight", 1, "its share"),
				}}
			}),
			Node(&s.Extra, "extra", "kept as it is"),
			Int(new(int), "iterations", 0, "").Instead("steps"),
		},
		Check: func(*syntax.Node, *diag.List) { s.checked++ },
	}
}

// decode decodes a text and returns the findings as one line each.
func decode(t *testing.T, text string, d Decoder) (*settings, string) {
	t.Helper()
	var found diag.List
	src := &diag.Source{Name: "t", Text: []byte(text)}
	n := syntax.Parse(src, &found)
	if len(found) > 0 {
		t.Fatalf("%s: %v", text, found)
	}
	d.Report = &found
	s := new(settings)
	ok := d.Decode(n, fields(s))
	if ok == found.HasErrors() {
		t.Errorf("%s: Decode returned %v with %d findings", text, ok, len(found))
	}
	if ok != (s.checked == 1) && d.Fill == nil {
		t.Errorf("%s: ok is %v, checked %d times", text, ok, s.checked)
	}
	var lines []string
	for _, f := range found {
		lines = append(lines, fmt.Sprintf("%q %s [%s]", f.Span.Text(), f.Message, f.Code))
	}
	return s, strings.Join(lines, "\n")
}

func TestDecode(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"sparsity: 0.5", ""},
		{"sparsity: 50%", ""},
		{"sparsity: 1e-2", ""},
		{"sparsity: 0", ""},
		{"sparsity: .5", ""},
		{"sparsity: 1.5", `"1.5" sparsity is 1.5; it must lie between 0 and 1 [out-of-range]`},
		{"sparsity: 150%", `"150%" sparsity is 150%; it must lie between 0 and 1 [out-of-range]`},
		{"sparsity: 50", `"50" sparsity is 50; 50% is written 50% or 0.5 [out-of-range]`},
		{"sparsity: -0.1", `"-0.1" sparsity is -0.1; it must lie between 0 and 1 [out-of-range]`},
		{`sparsity: "0.5"`, `"\"0.5\"" sparsity is the text "0.5"; it must be a share such as 0.25 or 25%: write it without quotes [wrong-type]`},
		{"sparsity: 0,5", `"0,5" sparsity is the text "0,5"; it must be a share such as 0.25 or 25%, with a point: write 0.5 [wrong-type]`},
		{"sparsity: half", `"half" sparsity is the text "half"; it must be a share such as 0.25 or 25% [wrong-type]`},
		{"sparsity: [0.5]", `"[" sparsity is a list; it must be a share such as 0.25 or 25% [wrong-type]`},
		{"sparsity: true", `"true" sparsity is true; it must be a share such as 0.25 or 25% [wrong-type]`},
		{"sparsity:", `"sparsity" sparsity has no value; it must be a share such as 0.25 or 25% [empty-value]`},
		{"sparsity: .nan", `".nan" sparsity is .nan, which is not a number; it must be a share such as 0.25 or 25% [odd-number]`},
		{"sparsity: -.inf", `"-.inf" sparsity is -.inf, which is infinite; it must be a share such as 0.25 or 25% [odd-number]`},
		{"sparsity: 2001-01-01", `"2001-01-01" sparsity is 2001-01-01, which is a date; it must be a share such as 0.25 or 25% [odd-number]`},
		{"steps: 4", `"steps" the mapping needs sparsity: share of the weights set to zero [missing-key]`},
		{"sparsity: 0\ndamp: 0", `"0" damp is 0; it must be greater than 0 [out-of-range]`},
		{"sparsity: 0\ndamp: 1e400", `"1e400" damp is 1e400, which is too large to hold [out-of-range]`},
		{"sparsity: 0\ndamp: 1%", `"1%" damp is 1%; it is not a share and must be a number without %: write 0.01 [wrong-type]`},
		{"sparsity: 0\nsteps: 017", `"017" steps is 017, with a leading zero, which some readers take for octal; write 17 [odd-number]`},
		{"sparsity: 0\nsteps: 0x1F", `"0x1F" steps is 0x1F, which is not decimal; write 31 [odd-number]`},
		{"sparsity: 0\nsteps: 1_000", `"1_000" steps is 1_000, with digits grouped by _; write 1000 [odd-number]`},
		{"sparsity: 0\nsteps: 4.0", `"4.0" steps is 4.0; a whole number is written without point or exponent: write 4 [odd-number]`},
		{"sparsity: 0\nsteps: 1e3", `"1e3" steps is 1e3; a whole number is written without point or exponent: write 1000 [odd-number]`},
		{"sparsity: 0\nsteps: 4.5", `"4.5" steps is 4.5; it must be a whole number [wrong-type]`},
		{"sparsity: 0\nsteps: 0", `"0" steps is 0; it must be at least 1 [out-of-range]`},
		{"sparsity: 0\nsteps: 99999999999999999999", `"99999999999999999999" steps is 99999999999999999999, which is too large to hold [out-of-range]`},
		{"sparsity: 0\nsteps: \"8\"", `"\"8\"" steps is the text "8"; it must be a whole number: write it without quotes [wrong-type]`},
		{"sparsity: 0\nsteps: 5%", `"5%" steps is 5%; it is not a share and must be a whole number without % [wrong-type]`},
		{"sparsity: 0\nround_to: 0", `"0" round_to is 0; it must be at least 1 [out-of-range]`},
		{"sparsity: 0\npermute: yes", `"yes" permute is yes, which not every reader takes for true; write true [odd-bool]`},
		{"sparsity: 0\npermute: \"true\"", `"\"true\"" permute is the text "true"; it must be true or false: write true without quotes [wrong-type]`},
		{"sparsity: 0\npermute: 1", `"1" permute is the number 1; it must be true or false [wrong-type]`},
		{"sparsity: 0\nbudget: 90MB", ""},
		{"sparsity: 0\nbudget: 90", `"90" budget is 90; a size needs its unit: 90MB or 90MiB [missing-unit]`},
		{"sparsity: 0\nbudget: 90mb", `"90mb" budget is 90mb; sizes are written in B, KB, MB, GB or KiB, MiB, GiB; did you mean "MB"? [unknown-unit]`},
		{"sparsity: 0\nbudget: 0.5B", `"0.5B" budget is 0.5B, which is not a whole number of bytes that can be held [out-of-range]`},
		{"sparsity: 0\nbudget: big", `"big" budget is the text "big"; it must be a size with its unit, such as 90MB or 64MiB [wrong-type]`},
		{"sparsity: 0\nteacher: 7", `"7" teacher is the number 7; it must be text: write "7" [wrong-type]`},
		{"sparsity: 0\nteacher: no", `"no" teacher is no, which some readers take for true or false; write "no" [odd-text]`},
		{"sparsity: 0\nteacher: 2001-01-01", `"2001-01-01" teacher is 2001-01-01, which some readers do not take for text; write "2001-01-01" [odd-text]`},
		{"sparsity: 0\nstructure: filtr", `"filtr" unknown structure "filtr"; did you mean "filter"? [unknown-value]`},
		{"sparsity: 0\nstructure: xxx", `"xxx" unknown structure "xxx"; it must be one of unstructured, filter, block [unknown-value]`},
		{"sparsity: 0\nstructure: 4", `"4" structure is the number 4; it must be one of unstructured, filter, block [wrong-type]`},
		{"sparsity: 0\nshape: [2, 0, x]", "\"0\" shape[1] is 0; it must be at least 1 [out-of-range]\n\"x\" shape[2] is the text \"x\"; it must be a whole number [wrong-type]"},
		{"sparsity: 0\nmean: 0.5", `"0.5" mean is the number 0.5; it must be a list: write [0.5] [wrong-type]`},
		{"sparsity: 0\nmean: [a, ]", `"a" mean[0] is the text "a"; it must be a number [wrong-type]`},
		{"sparsity: 0\nonly: [a, 3]", `"3" only[1] is the number 3; it must be text: write "3" [wrong-type]`},
		{"sparsity: 0\nweights: {group_size: -4}", `"-4" group_size is -4; it must be at least 1 [out-of-range]`},
		{"sparsity: 0\nweights: int8", `"int8" weights is the text "int8"; it must be a mapping: write {type: int8} [wrong-type]`},
		{"sparsity: 0\nweights:", `"weights" weights has no value; it must be a mapping, or be left out [empty-value]`},
		{"sparsity: 0\nweights: {observer: percentile}", ""},
		{"sparsity: 0\nweights: {observer: precentile}", `"precentile" unknown observer "precentile"; did you mean "percentile"? [unknown-value]`},
		{"sparsity: 0\nactivations: none", ""},
		{"sparsity: 0\nactivations:", `"activations" activations has no value; write activations: none, or a mapping [empty-value]`},
		{"sparsity: 0\nlosses: {kind: logits}", `"{" losses is a mapping; it must be a list [wrong-type]`},
		{"sparsity: 0\nlosses: [{weight: 1}, {kind: labels, wieght: 2}]", "\"{\" a loss needs kind: which loss [missing-key]\n\"wieght\" unknown key \"wieght\" in a loss; did you mean \"weight\"? [unknown-key]"},
		{"sparsity: 0\nsparcity: 1", `"sparcity" unknown key "sparcity" in the mapping; did you mean "sparsity"? [unknown-key]`},
		{"sparsity: 0\ngroup_size: 4", `"group_size" unknown key "group_size" in the mapping; it belongs inside weights: write weights: {group_size: …} [unknown-key]`},
		{"sparsity: 0\nweights: {losses: []}", `"losses" unknown key "losses" in weights; it belongs beside weights, one level further left [unknown-key]`},
		{"sparsity: 0\nweights: {observer: {bins: 4}}", `"bins" unknown key "bins" in observer; it takes kind, percentile [unknown-key]`},
		{"sparsity: 0\niterations: 5", `"iterations" iterations is deprecated; write steps [deprecated-key]`},
		{"sparsity: 2\nsteps: x\nfoo: 1", "\"2\" sparsity is 2; 2% is written 2% or 0.02 [out-of-range]\n\"x\" steps is the text \"x\"; it must be a whole number [wrong-type]\n\"foo\" unknown key \"foo\" in the mapping; it takes sparsity, damp, steps, round_to, permute, budget, teacher, data, file, structure, shape, mean, … [unknown-key]"},
		{"sparsity: ${{ vars.x }}", `"${{ vars.x }}" sparsity must be written out; ${{ }} is not filled in here [template-not-allowed]`},
		{"sparsity: ${{ vars.x", `"${{" sparsity begins ${{ and does not end it; write ${{ … }} [template-unclosed]`},
	} {
		if _, got := decode(t, c.text, Decoder{}); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestDecodeValues(t *testing.T) {
	s, found := decode(t, `
sparsity: 12.5%
round_to: 8
permute: true
budget: 1.5GiB
teacher: "7"
structure: filter
shape: [1, 3]
mean: [0.5, 1]
weights: {type: int4, observer: percentile}
activations: {type: uint8, observer: {kind: percentile, percentile: 99.9}}
losses: [{kind: logits, weight: 0.9}, {kind: labels}]
extra: {a: [1, 0.5, x, true, "8"]}
`, Decoder{})
	if found != "" {
		t.Fatal(found)
	}
	const want = `{"activations":{"group_size":0,"observer":{"kind":"percentile","percentile":99.9},"symmetric":true,"type":"uint8"},` +
		`"budget":"1536MiB","damp":0.01,"extra":{"a":[1,0.5,"x",true,"8"]},` +
		`"losses":[{"kind":"logits","weight":0.9},{"kind":"labels","weight":1}],"mean":[0.5,1],"permute":true,"round_to":8,"shape":[1,3],"sparsity":0.125,` +
		`"steps":100,"structure":"filter","teacher":"7",` +
		`"weights":{"group_size":0,"observer":{"kind":"percentile","percentile":99.99},"symmetric":true,"type":"int4"}}`
	bound := new(settings)
	o := fields(bound)
	*bound = *s
	if got := string(o.Canonical()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if s.Acts == nil || s.Acts.Observer.Percentile != 99.9 || *s.Round != 8 || s.Budget != 3<<29 {
		t.Errorf("decoded %+v", s)
	}

	// What Inline prints decodes to the same.
	again, found := decode(t, Inline(o.Settings()), Decoder{})
	if found != "" {
		t.Fatalf("%s\n%s", Inline(o.Settings()), found)
	}
	*bound = *again
	if got := string(o.Canonical()); got != want {
		t.Errorf("again %s\nwant  %s", got, want)
	}
}

// vars fills in ${{ vars.name }} from a few values.
func vars(n *syntax.Node, i, j int) (any, bool) {
	v, ok := map[string]any{"half": 0.5, "two": int64(2), "word": "filter", "yes": true, "big": 1.5, "later": Later{Like: 0.0}, "lateint": Later{Like: int64(0)}}[strings.TrimPrefix(n.Text[i:j], "vars.")]
	return v, ok
}

func TestTemplates(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"sparsity: ${{ vars.half }}", ""},
		{"sparsity: '${{vars.half}}'", ""},
		{"sparsity: ${{ vars.later }}", ""},
		{"sparsity: ${{ vars.big }}", `"vars.big" sparsity is 1.5, given by vars.big; it must lie between 0 and 1 [out-of-range]`},
		{"sparsity: ${{ vars.word }}", `"vars.word" vars.word is the text "filter"; sparsity must be a share such as 0.25 or 25% [template-type]`},
		{"sparsity: 0.${{ vars.two }}", `"0.${{ vars.two }}" sparsity mixes text and ${{ }}; it must be a share such as 0.25 or 25%, so write one ${{ }} and nothing round it [template-type]`},
		{"sparsity: ${{ }}", `"${{ }}" ${{ }} holds nothing; write an expression such as ${{ vars.name }} [template-empty]`},
		{"sparsity: 0\nsteps: ${{ vars.two }}", ""},
		{"sparsity: 0\nsteps: ${{ vars.lateint }}", ""},
		{"sparsity: 0\nsteps: ${{ vars.half }}", `"vars.half" vars.half is 0.5, a number; steps must be a whole number [template-type]`},
		{"sparsity: 0\nsteps: ${{ vars.later }}", `"vars.later" vars.later is a number; steps must be a whole number [template-type]`},
		{"sparsity: 0\npermute: ${{ vars.yes }}", ""},
		{"sparsity: 0\nstructure: ${{ vars.word }}", ""},
		{"sparsity: 0\nteacher: a-${{ vars.two }}-${{ vars.word }}.onnx", ""},
		{"sparsity: 0\nteacher: ${{ vars.two }}", `"vars.two" vars.two is 2, a whole number; teacher must be text [template-type]`},
		{"sparsity: 0\nteacher: a ${{ vars.two", `"${{" teacher begins ${{ and does not end it; write ${{ … }} [template-unclosed]`},
	} {
		if _, got := decode(t, c.text, Decoder{Fill: vars}); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.text, got, c.want)
		}
	}
	s, _ := decode(t, "sparsity: ${{ vars.half }}\nteacher: a-${{ vars.two }}-${{vars.half}}", Decoder{Fill: vars})
	if s.Sparsity != 0.5 || s.Teacher != "a-2-0.5" {
		t.Errorf("filled in %+v", s)
	}
	if s, _ := decode(t, "sparsity: ${{ vars.later }}", Decoder{Fill: vars}); s.checked != 0 {
		t.Error("Check ran on a value that is not known yet")
	}
}

func TestPaths(t *testing.T) {
	for _, c := range []struct{ path, why string }{
		{"models/fashion.onnx", ""}, {"../models/a.onnx", ""}, {"./a", ""}, {"a/..b/c", ""}, {"größe.onnx", ""}, {"a b.onnx", ""},
		{"", "is empty"}, {"/etc/passwd", "absolute"}, {"~/a", "~ is not expanded"}, {"$HOME/a", "never filled in"},
		{"${AWS_SECRET_ACCESS_KEY}", "never filled in"}, {"file:///etc/passwd", "address"}, {"hf://a/b", "address"},
		{"https://user:hunter2@x/y", "address"}, {`\\?\C:\a`, `never \`}, {`C:\a`, `never \`}, {"C:a", "drive"}, {"a\x00b", "control"},
		{"a\nb", "control"}, {"a\u202eb", "control"}, {"CON", "device"}, {"a/nul.txt", "device"}, {"a./b", "Windows drops"},
		{"a//b", "empty segment"}, {".git/config", "inside .git"}, {"a/.GIT/b", "inside .git"}, {"a*b", "cannot stand"},
		{strings.Repeat("a", 300), "segment of it is 300"}, {strings.Repeat("a/", 600), "1200 bytes"},
	} {
		got := refusePath(c.path, false)
		if (c.why == "") != (got == "") || !strings.Contains(got, c.why) {
			t.Errorf("refusePath(%q) = %q, want %q", c.path, got, c.why)
		}
	}
	for _, path := range []string{"../a", "a/../../b", "..", ".", "a/.."} {
		if refusePath(path, true) == "" {
			t.Errorf("refusePath(%q, inside) allows it", path)
		}
	}
	if got := refusePath("https://user:hunter2@x/y", false); strings.Contains(got, "hunter2") {
		t.Errorf("the refusal repeats a password: %s", got)
	}
}

func TestFormats(t *testing.T) {
	for _, v := range []float64{0, 0.1, 0.3, 1, 1.1, 1.5, 2.0 / 3, 1e-9, 12.34, 1e300, 5e-324} {
		for _, s := range []string{formatShare(v), formatPercent(v)} {
			var d Decoder
			got := -1.0
			d.DecodeValue(&syntax.Node{Kind: syntax.Scalar, Text: s, Plain: true}, Ratio(&got, "r", -1, ""))
			if got != v {
				t.Errorf("%v is written %s and read %v", v, s, got)
			}
		}
	}
	for _, v := range []int64{0, 1, 1000, 1024, 90e6, 64 << 20, 1<<63 - 1} {
		if got, _, ok := readSize(formatSize(v)); !ok || got != v {
			t.Errorf("%d is written %s and read %d", v, formatSize(v), got)
		}
	}
}

func TestMergeKnowsShortForms(t *testing.T) {
	parse := func(s string) *syntax.Node { return syntax.Parse(&diag.Source{Text: []byte(s)}, nil) }
	for _, c := range []struct{ base, over, want string }{
		{"weights: {observer: percentile}", "weights: {observer: {percentile: 99}}", "percentile 99"},
		{"weights: {observer: {kind: percentile, percentile: 99}}", "weights: {observer: minmax}", "minmax 99.99"},
		{"weights: {type: int4}", "weights: {observer: percentile}", "percentile 99.99"},
	} {
		s := new(settings)
		o := fields(s)
		(&Decoder{}).Decode(o.Merge(parse(c.base), parse(c.over)), o)
		if got := fmt.Sprint(s.Weights.Observer.Kind, " ", s.Weights.Observer.Percentile); got != c.want {
			t.Errorf("%s with %s gives %s, want %s", c.base, c.over, got, c.want)
		}
	}
}

func TestWalk(t *testing.T) {
	var paths []string
	o := fields(new(settings))
	o.Walk(func(path string, f *Field) { paths = append(paths, path) })
	got := strings.Join(paths, " ")
	for _, want := range []string{"sparsity ", "weights.observer.kind", "activations.type", "losses[].weight"} {
		if !strings.Contains(got, want) {
			t.Errorf("Walk visits %s, not %s", got, want)
		}
	}
}

func TestVerify(t *testing.T) {
	var s string
	for _, o := range []Object{
		{Short: "kind"},
		{Fields: []*Field{String(&s, "a", "", "x"), String(&s, "a", "", "x")}},
		{Fields: []*Field{String(&s, "a", "", "")}},
		{Fields: []*Field{Enum(&s, "a", "z", "x", Choice{"b", ""})}},
	} {
		if o.Verify() == nil {
			t.Errorf("Verify accepts %+v", o)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("sparsity: 50%\nweights: {type: int8}\nlosses: [{kind: logits}]")
	f.Add("sparsity: ${{ vars.half }}\nshape: [1, ${{ vars.two }}]\nteacher: ${{ '}}' }}")
	f.Add("activations: none\nbudget: 1e3\nmean: [.nan, 017, 0x1, 1_0, 5., 2001-01-01]")
	f.Fuzz(func(t *testing.T, text string) {
		src := &diag.Source{Name: "t", Text: []byte(text)}
		var found diag.List
		n := syntax.Parse(src, &found)
		if n == nil {
			return
		}
		s := new(settings)
		o := fields(s)
		found = nil
		d := Decoder{Report: &found, Fill: vars}
		ok := d.Decode(n, o)
		for _, x := range found {
			if x.Span.Source == src && (x.Span.Start < 0 || x.Span.End > len(text) || x.Span.Start > x.Span.End) {
				t.Fatalf("%s lies outside the text: %d to %d of %d", x.Message, x.Span.Start, x.Span.End, len(text))
			}
		}
		if !ok || s.Extra != nil {
			return
		}
		want := string(o.Canonical())
		written := Inline(o.Settings())
		m := syntax.Parse(&diag.Source{Name: "again", Text: []byte(written)}, &found)
		var again diag.List
		if !(&Decoder{Report: &again}).Decode(m, o) && d.later == 0 {
			t.Fatalf("%s\nis refused: %v", written, again)
		}
		if got := string(o.Canonical()); got != want && d.later == 0 {
			t.Fatalf("written %s\nread %s\nwant %s", written, got, want)
		}
	})
}
