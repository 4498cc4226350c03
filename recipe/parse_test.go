package recipe

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/pare-ml/pare/recipe/condition"
	"github.com/pare-ml/pare/recipe/diag"
)

func mustParse(t *testing.T, name string, set ...string) *Recipe {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata/good", name))
	if err != nil {
		t.Fatal(err)
	}
	r, found := parse(name, string(text), set...)
	if len(found) > 0 {
		t.Fatal(show(t, found))
	}
	return r
}

func TestParse(t *testing.T) {
	r := mustParse(t, "fashion.yaml")
	if r.Name != "fashion" || r.Description != "Fashion-MNIST classifier, 0.5 thinner" || r.Seed != 1 || r.Model.Path != "models/fashion.onnx" {
		t.Errorf("head is %q, %q, %d, %q", r.Name, r.Description, r.Seed, r.Model.Path)
	}
	if got := r.VarFacts(); !reflect.DeepEqual(got, map[string]any{"sparsity": 0.5, "big": int64(40000), "teacher": "input"}) {
		t.Errorf("vars are %v", got)
	}
	d := r.Data[0]
	if d.Name != "train" || d.Images != "data/train-images.gz" || d.Labels != "data/train-labels.gz" || d.Samples != 4500 || d.Mean[0] != 0.286 || d.Std[0] != 0.353 || d.Node == nil {
		t.Errorf("train is %+v", d)
	}
	if r.Data[1].Skip != 4500 || len(r.Data) != 3 {
		t.Errorf("data are %+v", r.Data)
	}
	var ids []string
	for _, s := range r.Steps {
		ids = append(ids, s.ID)
	}
	if got := strings.Join(ids, " "); got != "fold thin-filters prune distill pack" {
		t.Errorf("ids are %s", got)
	}
	if *r.Steps[4].Expect.Matches != 9 || r.Steps[0].Params != nil || r.Steps[3].When == nil || len(r.Steps[2].Overrides) != 2 {
		t.Error("steps are not as written")
	}
	var gates []string
	for _, g := range r.Gates {
		gates = append(gates, fmt.Sprint(g.Name, " ", g.Limit, " ", g.Value, " ", g.Confidence, " ", g.OnFail))
	}
	if got, want := strings.Join(gates, "; "), "top1 on test max_degradation 0.01 0.95 error; cross_entropy on test percent_max_degradation 0.04 0 warn; bytes threshold 270000 0 error; small  0 0 error"; got != want {
		t.Errorf("gates are %s, want %s", got, want)
	}
	if r.Outputs[0].Format != "onnx" || r.Outputs[0].Path != "fashion.onnx" {
		t.Errorf("output is %+v", r.Outputs[0])
	}
}

func TestSelectors(t *testing.T) {
	r := mustParse(t, "fashion.yaml")
	sel := r.Steps[2].Targets
	for _, c := range []struct {
		sel             *Selector
		name, typ, role string
		want            bool
	}{
		{sel[0], "x", "conv", "", true}, {sel[0], "conv", "linear", "", false},
		{sel[1], "a.fc12", "linear", "", true}, {sel[1], "a.fc12x", "linear", "", false},
		{r.Steps[2].Ignore[0], "x", "conv", "first", true}, {r.Steps[2].Ignore[0], "first", "conv", "", false},
		{r.Steps[2].Overrides[1].Targets[0], "block1.conv2", "conv", "", true}, {r.Steps[2].Overrides[1].Targets[0], "block1.conv3", "conv", "", false},
	} {
		if got := c.sel.Match(c.name, c.typ, c.role); got != c.want {
			t.Errorf("%s on %s (%s, %s) gives %v", c.sel.Text, c.name, c.typ, c.role, got)
		}
	}
	if sel[1].When == nil || sel[0].When != nil {
		t.Error("the conditional selector has no condition, or the other has one")
	}
}

func TestSet(t *testing.T) {
	text := "version: 1\nmodel: {path: a.onnx}\nvars: {a: 1, b: 0.5, c: 50%, d: 90MB, e: x, f: true}\npasses: []\n"
	r, found := parse("t", text, "a=2", "b=3", "c=25%", "d=1KiB", "e=1=2", "f=false")
	if found.HasErrors() {
		t.Fatal(show(t, found))
	}
	want := map[string]any{"a": int64(2), "b": 3.0, "c": 0.25, "d": int64(1024), "e": "1=2", "f": false}
	if got := r.VarFacts(); !reflect.DeepEqual(got, want) {
		t.Errorf("vars are %v, want %v", got, want)
	}
	for _, v := range r.Vars {
		if v.Node.Span.Source.Name != "--set" {
			t.Errorf("%s is said to come from %s", v.Name, v.Node.Span)
		}
	}
	for _, bad := range []string{"a=1.5", "a=x", "a=", "b=50%", "c=50", "d=90", "f=yes", "f=1", "g=1", "a", "", "=", "e=${{ vars.a }}"} {
		if _, found := parse("t", text, bad); found.Count(diag.Error) != 1 {
			t.Errorf("--set %q gives %d errors: %v", bad, found.Count(diag.Error), found)
		}
	}
}

func TestLaterFacts(t *testing.T) {
	r := mustParse(t, "fashion.yaml")
	var p pruneParams
	var found diag.List
	facts := condition.Facts{"model": {"layers": int64(0), "params": int64(5)}}
	if r.Decoder(facts, &found).Decode(r.Steps[2].Params, pruneFields(&p)) || found[0].Code != "out-of-range" {
		t.Errorf("round_to of 0 layers is accepted: %v", found)
	}
	facts["model"]["layers"] = int64(8)
	found = nil
	if !r.Decoder(facts, &found).Decode(r.Steps[2].Params, pruneFields(&p)) || p.RoundTo != 8 || p.Sparsity != 0.5 {
		t.Errorf("decoded %+v, %v", p, found)
	}
}

// The environment is never read: a canary in it shows nowhere.
func TestEnvironmentIsNotRead(t *testing.T) {
	t.Setenv("PARE_CANARY", "tweety-4711")
	text := "version: 1\nname: \"${PARE_CANARY} $PARE_CANARY\"\nmodel: {path: \"$PARE_CANARY\"}\npasses:\n  - distill: {teacher: \"${{ env.PARE_CANARY }}\", data: x}\n"
	r, found := parse("t", text)
	out := show(t, found)
	var b bytes.Buffer
	if err := r.WriteEffective(&b, nil); err == nil {
		out += b.String()
	}
	if strings.Contains(out, "tweety") || strings.Contains(r.Name, "tweety") {
		t.Errorf("the environment shows: %s", out)
	}
}

func FuzzParse(f *testing.F) {
	for _, dir := range []string{"testdata/bad/*.yaml", "testdata/good/*.yaml"} {
		files, err := filepath.Glob(dir)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(text), "sparsity=0.3")
		}
	}
	lang := testLanguage()
	f.Fuzz(func(t *testing.T, text, set string) {
		src := &diag.Source{Name: "t", Text: []byte(text)}
		var found diag.List
		r := Parse(src, lang, Options{Set: []string{set}}, &found)
		shown := append(diag.List{}, found...)
		lang.Silence(&shown, []Text{{Source: src, Path: "t"}}, nil, true)
		checkSpans(t, shown)
		if r == nil && !found.HasErrors() {
			t.Fatal("nothing came of it, and nothing was said")
		}
		if r == nil || found.HasErrors() {
			return
		}
		facts := condition.Facts{"model": {"params": int64(1000), "layers": int64(12)}}
		var first, second bytes.Buffer
		if r.WriteEffective(&first, facts) != nil {
			return // a fact of the model that does not suit
		}
		again := diag.List{}
		r2 := Parse(&diag.Source{Name: "again", Text: first.Bytes()}, lang, Options{}, &again)
		if again.HasErrors() {
			t.Fatalf("%s\n%v", first.String(), again)
		}
		if err := r2.WriteEffective(&second, facts); err != nil || first.String() != second.String() {
			t.Fatalf("%v\n%s\n%s", err, first.String(), second.String())
		}
	})
}

// Whatever a file that is imported holds, findings point inside texts, and the content of a file that is no recipe is
// not shown.
func FuzzImport(f *testing.F) {
	for _, dir := range []string{"testdata/bad/fragments/*.yaml", "testdata/good/common/*.yaml"} {
		files, err := filepath.Glob(dir)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(text))
		}
	}
	lang := testLanguage()
	text := "version: 1\nimports: [a.yaml]\nmodel: {path: a.onnx}\nvars: {a: 1}\ndata: {test: {images: x}}\npasses: [{prune: {sparsity: 50%}}]\n"
	f.Fuzz(func(t *testing.T, fragment string) {
		src := &diag.Source{Name: "recipes/t.yaml", Text: []byte(text)}
		var found diag.List
		r := Parse(src, lang, Options{Dir: "recipes", Open: func(string) ([]byte, error) { return []byte(fragment), nil }}, &found)
		if r == nil {
			t.Fatal("the fragment makes the recipe unusable")
		}
		lang.Silence(&found, r.Texts(), nil, true)
		checkSpans(t, found)
		for _, d := range found {
			if s := d.Span.Source; s != nil && s != src && !head.MatchString(fragment) {
				t.Fatalf("%q shows in %s", fragment, d.Message)
			}
		}
	})
}

func FuzzConfig(f *testing.F) {
	for _, s := range []string{"strict: true", "allow: [{code: unused-var, reason: x, paths: [\"a/**\", \"[\"]}]", "allow:\n- ~"} {
		f.Add(s, "recipes/a.yaml")
	}
	lang := testLanguage()
	f.Fuzz(func(t *testing.T, text, path string) {
		var found diag.List
		c := ParseConfig(&diag.Source{Name: "t", Text: []byte(text)}, lang, &found)
		checkSpans(t, found)
		c.allows(diag.Diagnostic{Code: "unused-var", Severity: diag.Warning}, path)
	})
}

// checkSpans checks that every place that findings point at lies inside its text.
func checkSpans(t *testing.T, found diag.List) {
	t.Helper()
	inside := func(s diag.Span, what string) {
		if s.Source == nil && s == (diag.Span{}) {
			return
		}
		if s.Start < 0 || s.End < s.Start || s.End > len(s.Source.Text) {
			t.Fatalf("%s points at %d to %d of %d bytes", what, s.Start, s.End, len(s.Source.Text))
		}
	}
	for _, d := range found {
		inside(d.Span, d.Message)
		for _, r := range d.Related {
			inside(r.Span, r.Message)
		}
		for _, fix := range d.Fixes {
			for _, e := range fix.Edits {
				inside(e.Span, d.Message)
			}
		}
	}
}

// Every fix is sure: applied alone, its finding is gone and no new one has come.
func TestFixes(t *testing.T) {
	files, _ := filepath.Glob("testdata/bad/*.yaml")
	fixes := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		set := setFlags(string(text))
		_, found := parse("t", string(text), set...)
		for _, d := range found {
			for _, fix := range d.Fixes {
				e := fix.Edits[0]
				if e.Span.Source.Name != "t" {
					continue // of a fragment
				}
				fixed := string(text[:e.Span.Start]) + e.New + string(text[e.Span.End:])
				_, after := parse("t", fixed, set...)
				fixes++
				for _, a := range after {
					if a.Code == d.Code && a.Span.Start == e.Span.Start {
						t.Errorf("%s: %s\nstays after its fix %q", file, d.Message, e.New)
					}
				}
			}
		}
	}
	if fixes < 10 {
		t.Errorf("only %d fixes tried", fixes)
	}
}
