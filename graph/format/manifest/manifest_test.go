package manifest_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/format/manifest"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
)

// odd is a model with everything that a manifest has to carry.
func odd() *ir.Model {
	b := build.New("odd \"graph\"", 17)
	x := b.Input("x", ir.Float32, "batch", 4)
	c := b.Input("cond", ir.Bool)
	w := b.Weight("w\n\x1bname", 4, 4, 4)
	y := b.Op("MatMul", "mm", []string{x, w})
	b.Tensor(ir.NewTensor("u64", ir.Uint64, []int{2}, []byte{255, 255, 255, 255, 255, 255, 255, 255, 1, 0, 0, 0, 0, 0, 0, 0}))
	b.Tensor(ir.NewTensor("i8", ir.Int8, []int{3}, []byte{0x80, 0xff, 0x7f}))
	b.Tensor(ir.NewTensor("none", ir.Int64, []int{0}, nil))
	b.Tensor(ir.NewTensor("flags", ir.Bool, []int{2}, []byte{1, 0}))
	b.Ints("shape", 0, -1)
	y = b.Op("Reshape", "", []string{y, "shape"})
	sub := &ir.Graph{Name: "then", Outputs: []*ir.Value{{Name: "t", DType: ir.Float32}}}
	sub.Nodes = []*ir.Node{{Op: "Relu", Inputs: []string{y}, Outputs: []string{"t"}}}
	y = b.Op("If", "", []string{c}, ir.GraphAttr("then_branch", sub), ir.GraphAttr("else_branch", sub.Clone()))
	nan := zero() / zero()
	y = b.Op("Custom", "", []string{y}, ir.IntAttr("i", -3), ir.FloatAttr("f", 1), ir.FloatAttr("g", 1e-5), ir.StringAttr("s", "a\"b\\"),
		ir.StringAttr("raw", "\xff\xfe"), ir.IntsAttr("is", 1, 2), ir.IntsAttr("no_is"), ir.FloatsAttr("fs", 1, 2.5), ir.FloatsAttr("no_fs"),
		ir.FloatsAttr("nans", nan, -1/zero()), ir.StringsAttr("ss", "a", "b"), ir.StringsAttr("no_ss"), ir.StringsAttr("raws", "a", "\xff"),
		ir.TensorAttr("t", ir.FromInt64s("", []int{1}, []int64{5})), ir.FloatAttr("nan", nan), ir.Attr{Name: "other", Kind: ir.AttrOther})
	b.Output(y, ir.Float32, "batch", 4)
	m := b.Model()
	m.Opsets = append(m.Opsets, ir.Opset{Domain: "custom", Version: 2})
	m.Graph.Values = []*ir.Value{
		{Name: "mm_out", DType: ir.Float32, Shape: ir.Shape{{Size: -1, Name: "batch"}, {Size: 4}}}, // follows by itself
		{Name: y, DType: ir.Float32, Shape: ir.Shape{{Size: -1, Name: "batch"}, ir.Unknown}},       // does not
	}
	return m
}

func zero() float32 { return 0 }

func encode(t *testing.T, m *ir.Model) []byte {
	t.Helper()
	b, err := manifest.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRoundTrip(t *testing.T) {
	m := odd()
	b := encode(t, m)
	if again := encode(t, m.Clone()); !bytes.Equal(b, again) {
		t.Error("the same model gives other bytes")
	}
	back, err := manifest.Decode(b)
	if err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	if h, err := manifest.Header(m); err != nil || h != back.Header {
		t.Errorf("header digest is %s, %v; want %s", h, err, back.Header)
	}
	if h, err := manifest.Header(back.Model); err != nil || h != back.Header {
		t.Errorf("written again the header has the digest %s, %v; want %s", h, err, back.Header)
	}
	if back.Model.HasWeights() || !m.HasWeights() {
		t.Error("HasWeights is wrong")
	}
	g := back.Model.Graph
	for name, want := range map[string]string{"i8": "[-128 -1 127]", "shape": "[0 -1]", "none": "[]", "flags": "[1 0]"} {
		got, err := g.Tensor(name).Int64s()
		if text := strings.TrimSpace(sprint(got)); err != nil || text != want {
			t.Errorf("%s holds %s, %v; want %s", name, text, err, want)
		}
	}
	if g.Tensor("w\n\x1bname").HasData() {
		t.Error("a weight has bytes")
	}
	if len(g.Values) != 1 {
		t.Errorf("%d inner values are kept, want the one that does not follow", len(g.Values))
	}
	if c := manifest.Changes(m, back.Model); c != nil {
		t.Errorf("changes: %q", c)
	}
	if bytes.ContainsAny(b, "\x1b") {
		t.Error("a control character was written as it is")
	}
}

// Other line ends and blanks, as git and formatters make them, are the same manifest.
func TestReformatted(t *testing.T) {
	b := encode(t, odd())
	for name, text := range map[string][]byte{
		"CRLF":   bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")),
		"blanks": bytes.ReplaceAll(b, []byte(`"in":[`), []byte(`"in" : [ `)),
	} {
		if _, err := manifest.Decode(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWeightsDigest(t *testing.T) {
	model := func(order bool, v float32) *ir.Model {
		b := build.New("two", 17)
		x := b.Input("x", ir.Float32, 1, 2)
		add := func(name string, v float32) { b.Floats(name, []int{2}, 1, v) }
		if order {
			add("a", v)
			add("b", 3)
		} else {
			add("b", 3)
			add("a", v)
		}
		b.Output(b.Add(b.Add(x, "a"), "b"), ir.Float32, 1, 2)
		return b.Model()
	}
	sum := func(m *ir.Model) string {
		s, err := manifest.Weights(m)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if sum(model(true, 2)) != sum(model(false, 2)) {
		t.Error("the digest depends on the order of tensors")
	}
	if sum(model(true, 2)) == sum(model(true, 4)) {
		t.Error("the digest does not see a weight")
	}
	if _, err := manifest.Encode(model(true, 2).Header()); err == nil {
		t.Error("a header was written as if its weights were known")
	}
}

func TestChanges(t *testing.T) {
	net := func(widths ...int) *ir.Model {
		b := build.New("net", 17)
		b.ResNet(build.ResNet{Channels: 1, Size: 8, Widths: widths, Blocks: 1, Classes: 3})
		return b.Model()
	}
	got := strings.Join(manifest.Changes(net(4), net(4, 8)), "\n")
	for _, want := range []string{"layer stage2.block1.conv1 is new", "layer head was float32 [3 4], is float32 [3 8]", "nodes are now"} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwithout %q", got, want)
		}
	}
	if got := strings.Join(manifest.Changes(net(4, 8), net(4)), "\n"); !strings.Contains(got, "layer stage2.block1.conv1 is gone") {
		t.Errorf("got %s", got)
	}
	old := net(4)
	old.SetOpset("", 13)
	if got := strings.Join(manifest.Changes(net(4), old), "\n"); got != "opset 17 is now 13" {
		t.Errorf("got %s", got)
	}
}

func TestDamaged(t *testing.T) {
	good := string(encode(t, odd()))
	replace := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the manifest has no %s:\n%s", old, good)
		}
		return strings.Replace(good, old, new, 1)
	}
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "the end stands where '{' must be"},
		{"other", `{"a": 1}`, `the first key is "a"`},
		{"cut", good[:len(good)/2], "line"},
		{"behind", good + "x", `'x' stands behind the end`},
		{"UTF-8", replace("mm", "m\xff"), "not valid UTF-8"},
		{"version", replace(`"pare_manifest": 1`, `"pare_manifest": 2`), "version 2; this pare reads version 1"},
		{"unknown key", replace(`"format": `, `"formats": 1, "format": `), `unknown key "formats"`},
		{"repeated key", replace(`"format": `, `"weights": "", "format": `), `the key "weights" stands twice`},
		{"key of a node", replace(`"op":"MatMul"`, `"op":"MatMul","ops":"x"`), `unknown key "ops" of a node`},
		{"repeated key of a node", replace(`"op":"MatMul"`, `"op":"MatMul","op":"x"`), `the key "op" stands twice`},
		{"edited", replace(`"MatMul","name":"mm"`, `"MatMul","name":"m2"`), "the digest of the header is not that"},
		{"missing", replace(`"ir_version": 8,`+"\n"+`"opsets": [["",17],["custom",2]],`, ""), "the key opsets is missing"},
		{"digest", replace(`"weights": "sha256:`, `"weights": "md5:`), "is none of the form sha256"},
		{"dtype", replace(`"float32",[4,4]`, `"float33",[4,4]`), `unknown type "float33"`},
		{"negative", replace(`"float32",[4,4]`, `"float32",[4,-4]`), "a dimension is -4"},
		{"huge", replace(`["w\u000a\u001bname","float32",[4,4]`, `["w\u000a\u001bname","float32",[4611686018427387904,4]`), "too many"},
		{"fraction", replace(`"float32",[4,4]`, `"float32",[4,4.0]`), "a dimension is 4.0"},
		{"numbers", replace(`[0,-1]`, `[0]`), `the tensor "shape" has 1 numbers; shape [2] needs 2`},
		{"range", replace(`[-128,-1,127]`, `[-129,-1,127]`), "-129 is no int8"},
		{"floats", replace(`name","float32",[4,4]`, `name","float32",[4,4],[1]`), "a manifest keeps those of integers alone"},
		{"tensor twice", replace(`["shape",`, `["i8",`), `the tensor "i8" stands twice`},
		{"value given by nobody", replace(`"in":["x",`, `"in":["z",`), `takes "z", which nothing gives`},
		{"deep", `{"pare_manifest": 1, "tensors": ` + strings.Repeat("[", 1000), "'[' stands where"},
		{"graphs", `{"pare_manifest": 1, "nodes": ` + strings.Repeat(`[{"op":"If","attrs":{"a":{"graph":{"nodes":`, 40), "graphs nest deeper than 32"},
		{"escape", replace(`\u001b`, `\u00zz`), "an escape"},
		{"surrogate", replace(`\u001b`, `\ud800`), "an escape"},
		{"control", replace(`\u001b`, "\x1b"), "a control character"},
		{"zero", replace(`"i":-3`, `"i":-03`), "must be"},
		{"float", replace(`"f":1.0`, `"f":1e99`), "is no 32-bit number"},
		{"mixed", replace(`"is":[1,2]`, `"is":[1,"a"]`), "items of two kinds"},
		{"comma", replace(`"is":[1,2]`, `"is":[1,2,]`), "stands where a number must be"},
	} {
		_, err := manifest.Decode([]byte(c.text))
		var damage *format.Damaged
		if !errors.As(err, &damage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.json")
	if err := os.WriteFile(path, encode(t, odd())[:100], 0o666); err != nil {
		t.Fatal(err)
	}
	_, _, err := manifest.Format.Open(path)
	if err == nil || !strings.HasPrefix(err.Error(), path+": line 3: ") {
		t.Errorf("got %v", err)
	}
	if !manifest.Detect([]byte(" {\r\n\t\"pare_manifest\" : 1")) || manifest.Detect([]byte(`{"other": 1}`)) || manifest.Detect(nil) {
		t.Error("Detect is wrong")
	}
}
