package recipe

import (
	"bytes"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pare-ml/pare/recipe/condition"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

var update = flag.Bool("update", false, "write the goldens anew")

// testLanguage resembles the language of the real passes.
func testLanguage() *Language {
	fact := func(name string, t condition.Type) condition.Fact {
		return condition.Fact{Name: name, Type: t, Price: condition.Header, Doc: name}
	}
	priced := func(f condition.Fact, p condition.Price) condition.Fact { f.Price = p; return f }
	metrics := []condition.Fact{
		priced(fact("top1", condition.Number), condition.Result), priced(fact("cross_entropy", condition.Number), condition.Result),
		priced(fact("bytes", condition.Int), condition.Result),
	}
	layerType := fact("type", condition.String)
	layerType.Values = []string{"conv", "linear", "embedding", "norm"}
	return &Language{
		Passes: []PassWord{
			{Name: "fold", Doc: "rewrites that keep the function", Fields: func() schema.Object { return foldFields(new(foldParams)) },
				Order: []Order{{Before: "quantize", Why: "a batch norm cannot be folded into integer weights"}}},
			{Name: "prune", Doc: "zeroes or removes weights", Fields: func() schema.Object { return pruneFields(new(pruneParams)) },
				Order: []Order{{Before: "quantize", Why: "quantized weights no longer rank by size"}}},
			{Name: "distill", Doc: "trains the model towards a teacher", Whole: true, Fields: func() schema.Object { return distillFields(new(distillParams)) },
				Order: []Order{{Before: "quantize", Why: "training would move the weights off their integer grid"}}},
			{Name: "quantize", Doc: "changes the numeric type", Fields: func() schema.Object { return quantizeFields(new(quantizeParams)) },
				Order: []Order{{After: "prune", Why: "quantized weights no longer rank by size"}}},
		},
		Metrics: []Word{
			{Name: "top1", Doc: "share of samples classified right", Unit: "share"},
			{Name: "cross_entropy", Doc: "mean loss", Unit: "nats"},
			{Name: "agreement", Doc: "share of equal answers", Unit: "share"},
			{Name: "bytes", Doc: "size of the file", Unit: "bytes", NoData: true},
		},
		Formats: []Word{{Name: "onnx", Doc: "ONNX", Extensions: []string{".onnx"}}},
		Types:   []Word{{Name: "conv"}, {Name: "linear"}, {Name: "embedding"}, {Name: "norm"}},
		Roles:   []Word{{Name: "first"}, {Name: "last"}, {Name: "head"}, {Name: "depthwise"}},
		Env: condition.Env{
			{Name: "layer", Facts: []condition.Fact{fact("name", condition.String), layerType, fact("params", condition.Int), fact("index", condition.Int), fact("shape", condition.Ints),
				priced(fact("kurtosis", condition.Number), condition.Weights), priced(fact("sensitivity", condition.Number), condition.Data)}},
			{Name: "model", Facts: []condition.Fact{fact("params", condition.Int), fact("layers", condition.Int)}},
			{Name: "metrics", Facts: metrics}, {Name: "baseline", Facts: metrics},
			{Name: "artifact", Facts: []condition.Fact{fact("bytes", condition.Int), fact("bits_per_weight", condition.Number)}},
			{Name: "target", Facts: []condition.Fact{fact("memory", condition.Int), fact("kernel", condition.Int)}},
		},
		Targets:    []Word{{Name: "arm64-phone"}, {Name: "x86-server"}},
		Migrations: []Migration{zeroToOne},
		Checks: []Check{
			{Code: "schedule-backwards", Severity: diag.Error, Doc: "end before start"},
			{Code: "layer-untouched", Severity: diag.Note, Model: true, Doc: "no step picks a layer"},
		},
	}
}

type foldParams struct{ What string }

func foldFields(p *foldParams) schema.Object {
	return schema.Object{Fields: []*schema.Field{
		schema.Enum(&p.What, "what", "all", "which rewrites", schema.Choice{Name: "all"}, schema.Choice{Name: "batch_norm"}, schema.Choice{Name: "constants"}),
	}}
}

type schedule struct {
	Kind       string
	Start, End int
}

type pruneParams struct {
	Sparsity             float64
	Criterion, Structure string
	N, M, RoundTo        int
	Scope, Data          string
	Schedule             *schedule
}

func pruneFields(p *pruneParams) schema.Object {
	return schema.Object{
		Fields: []*schema.Field{
			schema.Ratio(&p.Sparsity, "sparsity", 0, "share of the weights set to zero").Between(0, 1).Below(1).Require(),
			schema.Enum(&p.Criterion, "criterion", "magnitude", "how weights are ranked",
				schema.Choice{Name: "magnitude"}, schema.Choice{Name: "l2"}, schema.Choice{Name: "taylor"}, schema.Choice{Name: "apoz"}),
			schema.Enum(&p.Structure, "structure", "unstructured", "what is removed together",
				schema.Choice{Name: "unstructured"}, schema.Choice{Name: "n_m"}, schema.Choice{Name: "filter"}),
			schema.Int(&p.N, "n", 2, "weights kept of each group").AtLeast(1),
			schema.Int(&p.M, "m", 4, "weights in a group").AtLeast(2),
			schema.Int(&p.RoundTo, "round_to", 1, "multiple that channels are rounded to").AtLeast(1),
			schema.Enum(&p.Scope, "scope", "layer", "what one threshold covers", schema.Choice{Name: "layer"}, schema.Choice{Name: "global"}),
			schema.Data(&p.Data, "data", "", "data set to measure on"),
			schema.Optional(&p.Schedule, "schedule", "how sparsity rises", func(s *schedule) schema.Object {
				return schema.Object{
					Short: "kind",
					Fields: []*schema.Field{
						schema.Enum(&s.Kind, "kind", "one_shot", "form", schema.Choice{Name: "one_shot"}, schema.Choice{Name: "cubic"}),
						schema.Int(&s.Start, "start", 0, "first step").AtLeast(0),
						schema.Int(&s.End, "end", 100, "last step").AtLeast(1),
					},
					Check: func(n *syntax.Node, report *diag.List) {
						if s.End < s.Start {
							report.Errorf(n.At("end").Span, "schedule-backwards", "end is %d, before start, which is %d", s.End, s.Start)
						}
					},
				}
			}),
		},
		Check: func(n *syntax.Node, report *diag.List) {
			if p.Criterion == "taylor" && p.Data == "" {
				report.Errorf(n.KeySpan("criterion"), "missing-key", "the criterion taylor needs data to measure on")
			}
			if p.N >= p.M {
				report.Errorf(n.At("n").Span, "out-of-range", "n is %d; it must be less than m, which is %d", p.N, p.M)
			}
		},
	}
}

type lossParams struct {
	Kind   string
	Weight float64
}

type distillParams struct {
	Teacher     string
	Temperature float64
	Losses      []lossParams
	Steps       int
	Batch       int
	Rate        float64
	Data        string
}

func distillFields(p *distillParams) schema.Object {
	return schema.Object{Fields: []*schema.Field{
		schema.Path(&p.Teacher, "teacher", "input", "the model to learn from; input is the one that came in"),
		schema.Float(&p.Temperature, "temperature", 2, "softens the teacher's answers").Above(0).Usual(0.5, 20),
		schema.List(&p.Losses, "losses", "what is learned", func(l *lossParams) schema.Object {
			return schema.Object{Name: "a loss", Fields: []*schema.Field{
				schema.Enum(&l.Kind, "kind", "", "which loss", schema.Choice{Name: "logits"}, schema.Choice{Name: "labels"}).Require(),
				schema.Float(&l.Weight, "weight", 1, "its share of the whole").AtLeast(0).Written(),
			}}
		}),
		schema.Int(&p.Steps, "steps", 100, "optimizer steps").AtLeast(1),
		schema.Int(&p.Batch, "batch", 32, "samples a step").AtLeast(1),
		schema.Nested("optimizer", "how weights are moved", schema.Object{Short: "learning_rate", Fields: []*schema.Field{
			schema.Float(&p.Rate, "learning_rate", 0.001, "length of a step").Above(0),
		}}),
		schema.Data(&p.Data, "data", "", "data set to train on").Require(),
	}}
}

type typeParams struct {
	Type, Granularity string
	GroupSize         int
	Symmetric         bool
}

func typeFields(p *typeParams) schema.Object {
	return schema.Object{Fields: []*schema.Field{
		schema.Enum(&p.Type, "type", "int8", "numeric type", schema.Choice{Name: "int8"}, schema.Choice{Name: "uint8"}, schema.Choice{Name: "int4"}),
		schema.Enum(&p.Granularity, "granularity", "tensor", "what shares a scale", schema.Choice{Name: "tensor"}, schema.Choice{Name: "channel"}, schema.Choice{Name: "group"}),
		schema.Int(&p.GroupSize, "group_size", 0, "weights that share a scale").AtLeast(1),
		schema.Bool(&p.Symmetric, "symmetric", true, "zero is code 0"),
	}}
}

type quantizeParams struct {
	Weights     typeParams
	Activations *typeParams
	Damp        float64
	Data        string
	Importance  string
}

func quantizeFields(p *quantizeParams) schema.Object {
	return schema.Object{Fields: []*schema.Field{
		schema.Nested("weights", "type of the weights", typeFields(&p.Weights)),
		schema.Optional(&p.Activations, "activations", "type of the activations", typeFields),
		schema.Float(&p.Damp, "damp", 0.01, "share of the mean diagonal added").Above(0),
		schema.Data(&p.Data, "data", "", "data set to calibrate on"),
		schema.Importance(&p.Importance, "importance", "", "importance of columns"),
	}}
}

// parse reads a text with the test's language.
func parse(name, text string, set ...string) (*Recipe, diag.List) {
	var found diag.List
	src := &diag.Source{Name: name, Text: []byte(text)}
	lang := testLanguage()
	config := testConfig(name, lang, &found)
	r := Parse(src, lang, Options{Set: set, Dir: "recipes", Open: openFragment}, &found)
	texts := []Text{{Source: src, Path: "recipes/" + name}}
	if r != nil {
		texts = r.Texts()
	}
	lang.Silence(&found, texts, config, true)
	found.Sort()
	return r, found
}

// openFragment reads what recipes of testdata import.
func openFragment(path string) ([]byte, error) {
	text, err := fs.ReadFile(os.DirFS("testdata/good"), path)
	if errors.Is(err, fs.ErrNotExist) {
		return fs.ReadFile(os.DirFS("testdata/bad"), path)
	}
	return text, err
}

// testConfig reads the configuration that some bad recipes have beside them.
func testConfig(name string, l *Language, report *diag.List) *Config {
	file := strings.TrimSuffix(name, ".yaml") + ".pare"
	text, err := os.ReadFile(filepath.Join("testdata/bad", file))
	if err != nil {
		return nil
	}
	return ParseConfig(&diag.Source{Name: file, Text: text}, l, report)
}

func show(t *testing.T, found diag.List) string {
	t.Helper()
	var b bytes.Buffer
	if err := diag.WriteText(&b, found, diag.TextOptions{Excerpt: true}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// setFlags reads `# --set name=value` lines at the top of a test recipe.
func setFlags(text string) []string {
	var out []string
	for _, line := range strings.Split(text, "\n") {
		arg, ok := strings.CutPrefix(line, "# --set ")
		if !ok {
			break
		}
		out = append(out, arg)
	}
	return out
}

// Each bad recipe has beside it exactly what a user is told about it.
func TestBad(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 110 {
		t.Fatalf("%d bad recipes, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, found := parse(filepath.Base(file), string(text), setFlags(string(text))...)
		if len(found) == 0 {
			t.Errorf("%s: nothing found", file)
		}
		got := show(t, found)
		golden := strings.TrimSuffix(file, ".yaml") + ".txt"
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s\n got:\n%s\nwant:\n%s", file, got, want)
		}
	}
}

func TestGood(t *testing.T) {
	files, err := filepath.Glob("testdata/good/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d good recipes, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r, found := parse(filepath.Base(file), string(text), setFlags(string(text))...)
		if len(found) > 0 || r == nil {
			t.Errorf("%s", show(t, found))
			continue
		}
		checkEffective(t, file, r)
	}
}

// checkEffective writes a recipe out in full and reads it again: it must say the same, and writing it must not change
// it any more.
func checkEffective(t *testing.T, file string, r *Recipe) {
	t.Helper()
	facts := condition.Facts{"model": {"params": int64(1000), "layers": int64(12)}}
	var first, second bytes.Buffer
	if err := r.WriteEffective(&first, facts); err != nil {
		t.Errorf("%s: %v", file, err)
		return
	}
	again, found := parse("effective.yaml", first.String())
	if len(found) > 0 {
		t.Errorf("%s: effective recipe\n%s\n%s", file, first.String(), show(t, found))
		return
	}
	if err := again.WriteEffective(&second, facts); err != nil || second.String() != first.String() {
		t.Errorf("%s: %v, written again\n%s\nwas\n%s", file, err, second.String(), first.String())
	}
	for i, s := range r.Steps {
		if got, want := effectiveOf(t, again, again.Steps[i], facts), effectiveOf(t, r, s, facts); got != want {
			t.Errorf("%s: step %s read again is\n%s\nwas\n%s", file, s.ID, got, want)
		}
	}
	golden := strings.TrimSuffix(file, ".yaml") + ".effective.txt"
	if *update {
		if err := os.WriteFile(golden, first.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want, err := os.ReadFile(golden); err != nil || first.String() != string(want) {
		t.Errorf("%s: %v, effective recipe\n%s\nwant\n%s", file, err, first.String(), want)
	}
}

// effectiveOf gives a step's parameters and those under each override, in canonical form.
func effectiveOf(t *testing.T, r *Recipe, s *Step, facts condition.Facts) string {
	t.Helper()
	w := r.lang.pass(s.Pass)
	var out []string
	node := s.Params
	for i := -1; i < len(s.Overrides); i++ {
		if i >= 0 {
			node = w.fields().Merge(node, s.Overrides[i].Set)
		}
		o := w.fields()
		var found diag.List
		if !r.Decoder(facts, &found).Decode(node, o) {
			t.Errorf("step %s: %s", s.ID, show(t, found))
		}
		out = append(out, string(o.Canonical()))
	}
	return strings.Join(out, "\n")
}

func TestLanguageVerifies(t *testing.T) {
	l := testLanguage()
	if err := l.Fields().Verify(); err != nil {
		t.Error(err)
	}
	seen := map[string]bool{}
	l.Fields().Walk(func(path string, f *schema.Field) { seen[path] = true })
	l.StepFields().Walk(func(path string, f *schema.Field) { seen[path] = true })
	for _, path := range []string{"model.path", "data.*.images", "gates[].confidence", "overrides[].set", "prune.schedule.kind", "distill.losses[].weight"} {
		if !seen[path] {
			t.Errorf("no record of %s", path)
		}
	}
}
