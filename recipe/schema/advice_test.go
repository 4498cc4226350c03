package schema

import (
	"strings"
	"testing"

	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
)

// Advice is given where it is asked for, and never on a default that is left alone.
func TestAdvice(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"{rate: 0.5, kind: sgd, mean: [0.5]}", ""},
		{"{rate: 1, kind: sgd}", ""},
		{"{rate: 30, kind: sgd}", "suspicious-number: rate is 30; it usually lies between 0.1 and 10"},
		{"{share: 1%, kind: sgd}", "suspicious-number: share is 1%; it usually lies between 50% and 90%"},
		{"{mean: [0.5, 72], kind: sgd}", "suspicious-number: mean[1] is 72; it usually lies between 0 and 1"},
		{"{rate: 2}", "hidden-default: the mapping leaves kind at its default, which readers will guess at; write kind: adamw, or what is meant"},
	} {
		for _, advise := range []bool{true, false} {
			var rate, share float64
			var kind string
			var mean []float64
			o := Object{Fields: []*Field{
				Float(&rate, "rate", 100, "").Usual(0.1, 10),
				Ratio(&share, "share", 0, "").Between(0, 1).Usual(0.5, 0.9),
				Enum(&kind, "kind", "adamw", "", Choice{Name: "adamw"}, Choice{Name: "sgd"}).Written(),
				Floats(&mean, "mean", nil, "").Usual(0, 1),
			}}
			var found diag.List
			ok := (&Decoder{Report: &found, Advise: advise}).Decode(syntax.Parse(&diag.Source{Name: "t", Text: []byte(c.text)}, nil), o)
			var got []string
			for _, d := range found {
				got = append(got, d.Code+": "+d.Message)
			}
			want := c.want
			if !advise {
				want = ""
			}
			if strings.Join(got, "; ") != want || !ok {
				t.Errorf("%s, advice %v: %v %v", c.text, advise, ok, got)
			}
		}
	}
}

// Paths to read are given to Locate, addresses, defaults and paths to write are not.
func TestLocate(t *testing.T) {
	var model, file, teacher, out string
	o := Object{Fields: []*Field{
		Model(&model, "model", ""), Path(&file, "file", "", ""), Path(&teacher, "teacher", "input", ""), OutputPath(&out, "out", "", ""),
	}}
	locate := func(_ *syntax.Node, path string) (string, string) {
		if strings.HasPrefix(path, "../") {
			return "", "leads out"
		}
		return "dir/" + path, ""
	}
	decode := func(text string) diag.List {
		var found diag.List
		d := &Decoder{Report: &found, Locate: locate}
		d.Decode(syntax.Parse(&diag.Source{Name: "t", Text: []byte(text)}, nil), o)
		return found
	}
	if found := decode("{model: a, file: b, teacher: input, out: c}"); len(found) > 0 || model != "dir/a" || file != "dir/b" || teacher != "input" || out != "c" {
		t.Errorf("%s %s %s %s, %v", model, file, teacher, out, found)
	}
	if found := decode("{model: hf://a/b, file: ../b}"); len(found) != 1 || found[0].Code != "path-outside-repository" || model != "hf://a/b" {
		t.Errorf("%s, %v", model, found)
	}
	if found := decode("{model: https://a/b}"); len(found) != 1 || found[0].Code != "path-not-allowed" {
		t.Errorf("%v", found)
	}
}
