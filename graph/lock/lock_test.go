package lock

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
)

func sum(s string) string { return strings.Repeat(s, 64/len(s)) }

func sample() *File {
	f := &File{}
	f.Put(&Recipe{
		Name: "small.yaml", Effective: sum("ab"), Tool: "v1.2.0", Seed: 7,
		Vars:    []Var{{"sparsity", "0.7"}, {"odd \"name\"\n", "é: #"}},
		Passes:  []Uses{{"quantize", 1}, {"fold", 2}},
		Metrics: []Uses{{"top1", 1}},
		Formats: []Uses{{"onnx", 1}},
		Inputs: []Input{
			{"models/a.onnx", Model, sum("01"), 904759},
			{"../shared/base.yaml", Import, sum("02"), 12},
			{"data/train images.idx.gz", Data, sum("03"), 99},
		},
		Tensors:   []Tensors{{"models/a.onnx", []Tensor{{"stem.weight", "0123456789abcdef"}, {"1", "fedcba9876543210"}}}},
		Artifacts: []Artifact{{"small.onnx", sum("04"), 271098}},
	})
	f.Put(&Recipe{Name: "plain.yaml", Effective: sum("cd"), Tool: "development"})
	return f
}

func TestRoundTrip(t *testing.T) {
	for name, f := range map[string]*File{"sample": sample(), "empty": {}} {
		text := f.Encode()
		got, err := Parse("pare.lock", text)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		if again := got.Encode(); !bytes.Equal(again, text) {
			t.Errorf("%s: read and written again it is\n%s\nnot\n%s", name, again, text)
		}
		if _, err := Parse("pare.lock", bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))); err != nil {
			t.Errorf("%s with CR LF: %v", name, err)
		}
	}
}

// Other tools read the file as YAML.
func TestIsYAML(t *testing.T) {
	var report diag.List
	root := syntax.Parse(&diag.Source{Name: "pare.lock", Text: sample().Encode()}, &report)
	if len(report) > 0 {
		t.Fatal(report)
	}
	small := root.Get("recipes").Get("small.yaml")
	if got := small.Get("vars").Get("odd \"name\"\n").Text; got != "é: #" {
		t.Errorf("a variable reads as %q", got)
	}
	if got := small.Get("inputs").Get("data/train images.idx.gz").Get("size").Text; got != "99" {
		t.Errorf("a size reads as %q", got)
	}
	if got := small.Get("tensors").Get("models/a.onnx").Get("1"); got == nil || got.Text != "fedcba9876543210" {
		t.Errorf("a tensor reads as %v", got)
	}
}

func TestParseRefuses(t *testing.T) {
	text := string(sample().Encode())
	for _, c := range []struct{ name, old, new, want string }{
		{"merge", "    seed: 7\n", "<<<<<<< HEAD\n    seed: 7\n=======\n    seed: 8\n>>>>>>> other\n", "pare.lock:12: <<<<<<< is what a merge left behind"},
		{"version", "pare_lock: 1", "pare_lock: 2", "pare.lock:3: the lock has version 2"},
		{"no version", "pare_lock: 1\n", "", "must begin with pare_lock: 1"},
		{"comment", "Commit this", "Commit that", "pare.lock:1: this line is not as pare writes it"},
		{"a comment more", "    seed: 7\n", "    # lucky\n    seed: 7\n", "pare.lock:12: "},
		{"mixed ends", "    seed: 7\n", "    seed: 7\r\n", "pare.lock:12: "},
		{"digest", sum("01"), sum("01")[1:], "is no digest"},
		{"upper case", sum("ab"), strings.ToUpper(sum("ab")), "is no digest"},
		{"order", "      fold: 2\n      quantize: 1\n", "      quantize: 1\n      fold: 2\n", "not as pare writes it"},
		{"twice", "      fold: 2\n", "      fold: 2\n      fold: 2\n", "fold stands here a second time"},
		{"an input twice", "      models/a.onnx: {", "      models/a.onnx: {kind: model, sha256: " + sum("01") + ", size: 904759}\n      models/a.onnx: {", "second time"},
		{"a section twice", "  small.yaml:", "  plain.yaml:", "plain.yaml stands here a second time"},
		{"kind", "kind: model", "kind: modem", `"modem" is no kind of input`},
		{"key", "    seed:", "    sead:", `there is no "sead" in a lock`},
		{"indentation", "      top1: 1", "       top1: 1", "pare.lock:20: this line is not"},
		{"size", "size: 99}", "size: -99}", "the size must be a number"},
		{"absolute", "data/train images", "/data/train images", "no plain path"},
		{"cut", text[len(text)-20:], "", ""},
		{"no last line end", "size: 271098}\n", "size: 271098}", "the file is cut"},
		{"more", "size: 271098}\n", "size: 271098}\n\n", ""},
		{"empty", text, "", "must begin with"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad := strings.Replace(text, c.old, c.new, 1)
			if bad == text {
				t.Fatal("the edit changed nothing")
			}
			_, err := Parse("pare.lock", []byte(bad))
			var d *Damage
			if !errors.As(err, &d) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Parse: %v; want a damage with %q", err, c.want)
			}
		})
	}
}

// A bit flipped anywhere is found by the reader, or changes a value that is compared with what there is.
func TestFlippedBits(t *testing.T) {
	text := sample().Encode()
	want := sample()
	for at := range text {
		for _, bit := range []byte{1, 32} {
			bad := bytes.Clone(text)
			bad[at] ^= bit
			f, err := Parse("pare.lock", bad)
			if err != nil {
				continue
			}
			now := want.Section("small.yaml")
			locked := f.Section("small.yaml")
			if locked == nil || f.Section("plain.yaml") == nil {
				continue // no section of this name
			}
			differs := len(Compare(locked, now)) + len(CompareArtifacts(locked.Artifacts, now.Artifacts)) + len(Compare(f.Section("plain.yaml"), want.Section("plain.yaml")))
			if differs == 0 && CompareTensors(locked.TensorsOf("models/a.onnx"), now.TensorsOf("models/a.onnx")) == "" && fmt.Sprint(locked.Tensors) == fmt.Sprint(now.Tensors) {
				line := bytes.Count(text[:at], []byte("\n")) + 1
				t.Fatalf("bit %d of byte %d (line %d) is flipped and nothing tells:\n%s", bit, at, line, strings.Split(string(bad), "\n")[line-1])
			}
		}
	}
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(r *Recipe)
		want string
	}{
		{"same", func(r *Recipe) {}, ""},
		{"tool", func(r *Recipe) { r.Tool = "v2.0.0" }, "it was made with pare v1.2.0; this is v2.0.0"},
		{"seed", func(r *Recipe) { r.Seed, r.Effective = 8, sum("ff") }, "the seed is 8; the lock says 7"},
		{"var", func(r *Recipe) { r.Vars[1].Value, r.Effective = "0.8", sum("ff") }, `the variable sparsity is "0.8"; the lock says "0.7"`},
		{"new var", func(r *Recipe) { r.Vars = append(r.Vars, Var{"z", "1"}) }, "the variable z is not in the lock"},
		{"old var", func(r *Recipe) { r.Vars = r.Vars[:1] }, `the variable sparsity is "0.7" in the lock, and the recipe has none`},
		{"pass", func(r *Recipe) { r.Passes[0].Version = 3 }, "the version of pass fold is 3; the lock says 2"},
		{"recipe", func(r *Recipe) { r.Effective = sum("ff") }, "the recipe has changed"},
		{"content", func(r *Recipe) { r.Inputs[2].SHA256 = sum("ee") }, "models/a.onnx has changed: sha256 eeeeeeeeeeee…, in the lock 010101010101…"},
		{"size alone", func(r *Recipe) { r.Inputs[2].SHA256, r.Inputs[2].Size = "", 1 }, "models/a.onnx has changed: 1 bytes, in the lock 904759"},
		{"digest not known", func(r *Recipe) { r.Inputs[2].SHA256 = "" }, ""},
		{"new input", func(r *Recipe) { r.Inputs = append(r.Inputs, Input{Path: "x"}) }, "x is not in the lock"},
		{"old input", func(r *Recipe) { r.Inputs = r.Inputs[:2] }, "models/a.onnx is in the lock, and the build does not read it"},
	} {
		now := sample().Section("small.yaml")
		c.edit(now)
		if got := strings.Join(Compare(sample().Section("small.yaml"), now), "; "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// The digest is of what goes in, wherever it lies, and of nothing that comes out.
func TestDigest(t *testing.T) {
	base := sample().Section("small.yaml").Digest()
	same := sample().Section("small.yaml")
	same.Name, same.Artifacts, same.Tensors = "moved.yaml", nil, nil
	same.Inputs[0].Path = "elsewhere.yaml"
	if same.Digest() != base {
		t.Error("names and artefacts change the digest")
	}
	for i, edit := range []func(r *Recipe){
		func(r *Recipe) { r.Effective = sum("ff") }, func(r *Recipe) { r.Tool = "v2" }, func(r *Recipe) { r.Seed++ },
		func(r *Recipe) { r.Vars[1].Value = "1" }, func(r *Recipe) { r.Passes[0].Version++ },
		func(r *Recipe) { r.Inputs[0].SHA256 = sum("0a") }, func(r *Recipe) { r.Inputs[0].Kind = Data },
	} {
		r := sample().Section("small.yaml")
		if edit(r); r.Digest() == base {
			t.Errorf("edit %d does not change the digest", i)
		}
	}
}

func TestTensors(t *testing.T) {
	model := func(values ...float32) *ir.Model {
		g := &ir.Graph{}
		g.SetTensor(ir.FromFloat32s("w", []int{2}, values[:2]))
		g.SetTensor(ir.FromFloat32s("b", []int{1}, values[2:]))
		return &ir.Model{Graph: g}
	}
	list := func(m *ir.Model) []Tensor {
		out, err := TensorsIn(m)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	a := list(model(1, 2, 3))
	if len(a) != 2 || a[0].Name != "b" || len(a[0].Sum) != shortLength {
		t.Fatalf("tensors are %v", a)
	}
	if got := CompareTensors(a, list(model(1, 2, 3))); got != "" {
		t.Errorf("equal models differ in %s", got)
	}
	if got := CompareTensors(a, list(model(1, 4, 3))); got != "tensor w" {
		t.Errorf("got %q, want tensor w", got)
	}
	if got := CompareTensors(a, a[:1]); got != "tensor w" {
		t.Errorf("got %q, want tensor w", got)
	}
	if got := CompareTensors(nil, []Tensor{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "d"}}); got != "tensors a, b, c, and 1 more" {
		t.Errorf("got %q", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sample().Encode())
	f.Add([]byte("pare_lock: 1\nrecipes:\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := Parse("pare.lock", text)
		if err != nil {
			return
		}
		if got := file.Encode(); !bytes.Equal(got, bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))) {
			t.Errorf("%q is read and written as %q", text, got)
		}
	})
}
