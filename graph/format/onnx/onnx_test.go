package onnx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
	buildir "github.com/pare-ml/pare/graph/ir/build"
)

// odd is a file with everything that pare carries without reading it, in odd encodings: unknown fields at each level, a
// non-minimal number, packed and unpacked lists, typed data, an If that captures, a sequence, a sparse initializer.
func odd() []byte {
	branch := []enc{node("Relu", "x", "t", str(900, "in a branch")), outputOf("t"), str(901, "branch")}
	return file(
		raw("\x08\x88\x00"), // IR version 8 in two bytes
		str(2, "maker"), str(6, ""),
		sub(7,
			node("Add", "x w", "a", str(3, "first"), str(900, "node"),
				sub(5, vint(20, 7), str(8, "\x01\x02"), str(1, "packed"), str(902, "attribute")),
				sub(5, str(1, "reference"), str(21, "outer"), vint(20, 2)),
				sub(5, str(1, "tensors"), sub(10, vint(1, 0), vint(2, 1)), vint(20, 9))),
			node("If", "c", "b", sub(5, str(1, "then_branch"), sub(6, branch...), vint(20, 5))),
			node("Mul", "b s", "y"),
			sub(5, vint(1, 2), vint(2, 1), str(4, "\x00\x00\x80\x3f\x00\x00\x00\x40"), str(8, "w"), str(903, "tensor")),
			input("x", 2), input("c"),
			sub(11, str(1, "q"), sub(2, sub(4, sub(1, sub(1, vint(1, 1)))))),
			outputOf("y"),
			sub(13, str(1, "a"), str(904, "value")),
			sub(14, str(1, "y")), sub(15, sub(1, str(8, "s"), vint(2, 1)), sub(2, vint(2, 7))), str(905, "graph"),
		),
		sub(8, vint(2, 17), str(906, "opset")),
		sub(14, str(1, "key"), str(2, "value")),
		sub(25, str(1, "function")), str(907, "model"),
	)
}

func TestUntouchedIsIdentical(t *testing.T) {
	b := buildir.New("resnet", 17)
	b.ResNet(buildir.ResNet{Channels: 1, Size: 8, Widths: []int{4, 8}, Blocks: 1, Classes: 3})
	plain, err := Encode(b.Model())
	if err != nil {
		t.Fatal(err)
	}
	if got := reencode(t, plain); !bytes.Equal(got, plain) {
		t.Errorf("%d bytes became %d others", len(plain), len(got))
	}
	if got := reencode(t, odd()); !bytes.Equal(got, odd()) {
		t.Errorf("odd file:\n%q\nwant\n%q", got, odd())
	}
	// beside a change of the model's own fields, a number in two bytes becomes one of one byte; all else stays
	m, err := Decode(odd())
	if err != nil {
		t.Fatal(err)
	}
	m.Metadata = append(m.Metadata, ir.KeyValue{Key: "k", Value: "v"})
	if got, want := mustEncode(t, m), append(odd(), "\x72\x06\x0a\x01k\x12\x01v"...); !bytes.Equal(got, want) {
		t.Errorf("with one more entry of metadata:\n%q\nwant\n%q", got, want)
	}
	m.Metadata = m.Metadata[:1]
	m.Producer = "pare"
	want := append([]byte("\x08\x08\x12\x04pare"), odd()[3+7:]...)
	if got := mustEncode(t, m); !bytes.Equal(got, want) {
		t.Errorf("odd file of another producer:\n%q\nwant\n%q", got, want)
	}
}

func reencode(t *testing.T, data []byte) []byte {
	t.Helper()
	m, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// A changed element is written from its fields with what pare does not read; its neighbours keep their bytes.
func TestChangedBesideUntouched(t *testing.T) {
	m, err := Decode(odd())
	if err != nil {
		t.Fatal(err)
	}
	m.Graph.Nodes[0].Name = "renamed"
	m.Graph.SetTensor(ir.FromFloat32s("w", []int{2}, []float32{3, 4}))
	data, err := Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, kept := range [][]byte{
		file(sub(5, vint(20, 7), str(8, "\x01\x02"), str(1, "packed"), str(902, "attribute"))),
		file(str(900, "node")), file(str(900, "in a branch")), file(str(904, "value")), file(str(905, "graph")), file(str(907, "model")),
	} {
		if !bytes.Contains(data, kept) {
			t.Errorf("%q is gone", kept)
		}
	}
	n, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	w, _ := n.Graph.Tensor("w").Float32s()
	if n.Graph.Nodes[0].Name != "renamed" || !slices.Equal(w, []float32{3, 4}) {
		t.Errorf("changes are lost: %q, %v", n.Graph.Nodes[0].Name, w)
	}
}

// A change in place through a shared pointer, a copied struct or a nested graph is a change too.
func TestChangesAreSeen(t *testing.T) {
	for name, change := range map[string]func(m *ir.Model){
		"attribute number": func(m *ir.Model) { m.Graph.Nodes[0].Attr("packed").Ints[1] = 9 },
		"input":            func(m *ir.Model) { m.Graph.Nodes[0].Inputs[1] = "x" },
		"branch":           func(m *ir.Model) { m.Graph.Nodes[1].Attrs[0].Graph.Nodes[0].Op = "Tanh" },
		"shape of a value": func(m *ir.Model) { m.Graph.Inputs[0].Shape[0].Size = 5 },
		"opset":            func(m *ir.Model) { m.SetOpset("", 18) },
		"metadata":         func(m *ir.Model) { m.Metadata[0].Value = "other" },
		"tensor's shape":   func(m *ir.Model) { w := *m.Graph.Tensor("w"); w.Shape = []int{2, 1}; m.Graph.SetTensor(&w) },
		"no attributes":    func(m *ir.Model) { m.Graph.Nodes[0].Attrs = nil },
	} {
		m, err := Decode(odd())
		if err != nil {
			t.Fatal(err)
		}
		before, _ := Encode(m)
		change(m)
		after, err := Encode(m)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if bytes.Equal(before, after) {
			t.Errorf("%s: the change was not written", name)
		} else if _, err := Decode(after); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Elements in typed fields come out as raw bytes do.
func TestTypedData(t *testing.T) {
	for _, c := range []struct {
		name  string
		dtype ir.DType
		n     int64
		data  []enc
		want  []byte
	}{
		{"float32", ir.Float32, 2, []enc{f32(4, 1), f32(4, -2)}, le(math.Float32bits(1), math.Float32bits(-2))},
		{"int8", ir.Int8, 3, []enc{vint(5, -1), vint(5, 127), vint(5, -128)}, []byte{0xff, 0x7f, 0x80}},
		{"uint8 packed", ir.Uint8, 2, []enc{str(5, "\x01\xff\x01")}, []byte{1, 255}},
		{"int32", ir.Int32, 1, []enc{vint(5, -5)}, le(uint32(0xfffffffb))},
		{"int64", ir.Int64, 1, []enc{vint(7, -5)}, le(uint64(0xfffffffffffffffb))},
		{"uint64", ir.Uint64, 1, []enc{vint(11, -1)}, le(uint64(math.MaxUint64))},
		{"float16", ir.Float16, 1, []enc{vint(5, 0x3c00)}, []byte{0x00, 0x3c}},
		{"bool", ir.Bool, 2, []enc{vint(5, 1), vint(5, 0)}, []byte{1, 0}},
		{"float64", ir.Float64, 1, []enc{str(10, string(le(math.Float64bits(2.5))))}, le(math.Float64bits(2.5))},
		{"complex64", ir.Complex64, 1, []enc{f32(4, 1), f32(4, 2)}, le(math.Float32bits(1), math.Float32bits(2))},
		{"int4", ir.Int4, 3, []enc{vint(5, 0x21), vint(5, 0x03)}, []byte{0x21, 0x03}},
		{"uint2", ir.Uint2, 5, []enc{vint(5, 0xe4), vint(5, 1)}, []byte{0xe4, 1}},
		{"fp6_e2m3", ir.Float6E2M3, 5, []enc{vint(5, 1), vint(5, 63), vint(5, 2), vint(5, 32), vint(5, 33)}, []byte{0xc1, 0x2f, 0x80, 0x21}},
		{"string", ir.String, 2, []enc{str(6, "ab"), str(6, "")}, []byte("\x02ab\x00")},
	} {
		m, err := Decode(model(sub(5, append(c.data, vint(1, c.n), vint(2, int64(c.dtype)), str(8, "w"))...)))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got, err := m.Graph.Tensor("w").Bytes()
		if err != nil || !bytes.Equal(got, c.want) {
			t.Errorf("%s: got % x, %v; want % x", c.name, got, err, c.want)
		}
		// large tensors are decoded when asked: the same bytes
		big := model(sub(5, append(c.data, vint(1, c.n), vint(2, int64(c.dtype)), str(8, "w"), str(12, strings.Repeat("d", 5000)))...))
		if m, err = Decode(big); err != nil {
			t.Fatal(err)
		}
		if got, err := m.Graph.Tensor("w").Bytes(); err != nil || !bytes.Equal(got, c.want) {
			t.Errorf("%s, lazily: got % x, %v; want % x", c.name, got, err, c.want)
		}
		// and written from its elements it is the same tensor
		w := *m.Graph.Tensor("w")
		w.Origin = nil
		m.Graph.SetTensor(&w)
		if m, err = Decode(mustEncode(t, m)); err != nil {
			t.Fatal(err)
		}
		if got, err := m.Graph.Tensor("w").Bytes(); err != nil || !bytes.Equal(got, c.want) {
			t.Errorf("%s, written: got % x, %v; want % x", c.name, got, err, c.want)
		}
	}
}

func le(v ...any) []byte {
	var b []byte
	for _, x := range v {
		b, _ = binary.Append(b, binary.LittleEndian, x)
	}
	return b
}

func mustEncode(t *testing.T, m *ir.Model) []byte {
	t.Helper()
	b, err := Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// bigModel has one weight of 1 MiB.
func bigModel() []byte {
	return model(tensor("w", 1<<18, 1<<18), input("x", 1<<18), node("Add", "x w", "y"), outputOf("y"))
}

func writeFile(t *testing.T, path string, data []byte) string {
	t.Helper()
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// A file cut, or written over, while it is open gives an error and no fault.
func TestFileChanges(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"cut to a page":    func(path string) error { return os.Truncate(path, 4096) },
		"cut in a page":    func(path string) error { return os.Truncate(path, int64(len(bigModel())-100)) },
		"emptied":          func(path string) error { return os.Truncate(path, 0) },
		"written in place": func(path string) error { return os.WriteFile(path, append(bigModel(), 0), 0o666) },
	} {
		path := writeFile(t, filepath.Join(t.TempDir(), "m.onnx"), bigModel())
		m, closeFile, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Graph.Tensor("w").Bytes(); err != nil {
			t.Fatal(err)
		}
		if err := change(path); err != nil {
			t.Fatal(err)
		}
		var changed *format.Changed
		if _, err := m.Graph.Tensor("w").Bytes(); !errors.As(err, &changed) {
			t.Errorf("%s: Bytes gave %v", name, err)
		}
		if _, err := Encode(m); err == nil {
			t.Errorf("%s: was written", name)
		}
		if err := closeFile(); err != nil {
			t.Errorf("%s: close: %v", name, err)
		}
	}
}

func TestClosed(t *testing.T) {
	path := writeFile(t, filepath.Join(t.TempDir(), "m.onnx"), bigModel())
	m, closeFile, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(closeFile(), closeFile()); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Graph.Tensor("w").Bytes(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Bytes after close gave %v", err)
	}
	if _, err := Encode(m); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Encode after close gave %v", err)
	}
}

func TestOpenOddFiles(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := Open(dir); !errors.Is(err, errNotRegular) {
		t.Errorf("folder: %v", err)
	}
	var damage *format.Damaged
	if _, _, err := Open(writeFile(t, filepath.Join(dir, "empty.onnx"), nil)); !errors.As(err, &damage) {
		t.Errorf("empty file: %v", err)
	}
	if _, _, err := Open(filepath.Join(dir, "none.onnx")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	sparse := writeFile(t, filepath.Join(dir, "huge.onnx"), nil)
	if err := os.Truncate(sparse, 1<<31); err != nil {
		t.Skip("the file system has no sparse files")
	}
	if _, _, err := Open(sparse); !errors.As(err, &damage) {
		t.Errorf("2 GiB: %v", err)
	}
}

// A model beyond 2 GiB is refused before its weights are computed.
func TestTooLargeToWrite(t *testing.T) {
	m, err := Decode(model(tensor("w", 0, 0), outputOf("w")))
	if err != nil {
		t.Fatal(err)
	}
	m.Graph.SetTensor(ir.LazyTensor("w", ir.Float32, []int{1 << 29}, func() ([]byte, error) {
		t.Error("the weight was asked for")
		return nil, nil
	}))
	if _, err := Encode(m); err == nil || !strings.Contains(err.Error(), "2 GiB") {
		t.Errorf("got %v", err)
	}
}

func TestHeaderCannotBeWritten(t *testing.T) {
	m, err := Decode(odd())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Encode(m.Header()); err == nil || !strings.Contains(err.Error(), "header") {
		t.Errorf("got %v", err)
	}
}

// Version 3 of the format wants every initializer among the inputs; a pass that adds one makes the file version 4.
func TestOldVersion(t *testing.T) {
	old := file(vint(1, 3), sub(7, node("Add", "x w", "y"), tensor("w", 1, 1), input("x", 1), input("w", 1), outputOf("y")), sub(8, vint(2, 7)))
	m, err := Decode(old)
	if err != nil {
		t.Fatal(err)
	}
	if got := mustEncode(t, m); !bytes.Equal(got, old) {
		t.Error("an untouched file of version 3 changed")
	}
	if feeds := m.Graph.Feeds(); len(feeds) != 1 || feeds[0].Name != "x" {
		t.Errorf("feeds are %v", feeds)
	}
	m.Graph.SetTensor(ir.FromFloat32s("v", []int{1}, []float32{1}))
	if m, err = Decode(mustEncode(t, m)); err != nil || m.IRVersion != 4 {
		t.Errorf("IR version is %d, %v", m.IRVersion, err)
	}
}

func TestDetect(t *testing.T) {
	for name, c := range map[string]struct {
		head []byte
		want bool
	}{
		"model": {bigModel()[:64], true}, "text": {[]byte("this is a readme"), false},
		"zip": {[]byte("PK\x03\x04\x14\x00\x00\x00"), false}, "gguf": {[]byte("GGUF\x03\x00\x00\x00"), false}, "empty": {nil, false},
		"json": {[]byte(`{"a": 1}`), false}, "yaml": {[]byte("version: 1\n"), false}, "zeros": {make([]byte, 64), false},
	} {
		if got := Detect(c.head); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
