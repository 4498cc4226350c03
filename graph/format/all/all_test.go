package all

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/format/onnx"
	"github.com/pare-ml/pare/graph/ir/build"
)

func TestLists(t *testing.T) {
	names, extensions := map[string]bool{}, map[string]bool{}
	for _, f := range All() {
		if names[f.Name] || f.Name == "" || f.Doc == "" || f.Detect == nil || f.Open == nil || f.Encode == nil || len(f.Extensions) == 0 {
			t.Errorf("the record of format %q is not complete or stands twice", f.Name)
		}
		names[f.Name] = true
		if ByName(f.Name) != f {
			t.Errorf("ByName does not find %q", f.Name)
		}
		for _, e := range f.Extensions {
			if extensions[e] || ForPath("dir.x/model"+strings.ToUpper(e)) != f {
				t.Errorf("extension %q stands twice or is not found", e)
			}
			extensions[e] = true
		}
	}
	if ByName("caffe") != nil || ForPath("model") != nil || ForPath("model.caffemodel") != nil {
		t.Error("a format that there is not was found")
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	write := func(name, data string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(data), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	b := build.New("tiny", 17)
	b.ResNet(build.ResNet{Channels: 1, Size: 4, Widths: []int{2}, Blocks: 1, Classes: 2})
	data, err := onnx.Encode(b.Model())
	if err != nil {
		t.Fatal(err)
	}
	// the content decides, not the name
	for _, name := range []string{"m.onnx", "m.pb", "m"} {
		m, closeFile, err := Open(write(name, string(data)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if m.Format != "onnx" || len(m.Layers()) != 7 {
			t.Errorf("%s: format %q, %d layers", name, m.Format, len(m.Layers()))
		}
		closeFile()
	}
	for name, c := range map[string]struct{ data, want string }{
		"m.pt":           {"PK\x03\x04 torch", "zip"},
		"m.pkl":          {"\x80\x04\x95\x00\x00\x00\x00", "pickle"},
		"m.gguf":         {"GGUF\x03\x00\x00\x00", "8 more bytes are needed"},
		"m.safetensors":  {"\x10\x00\x00\x00\x00\x00\x00\x00{\"a\":{}}      ", "14 bytes follow"},
		"m.h5":           {"\x89HDF\r\n\x1a\n", "HDF5"},
		"m.tflite":       {"\x1c\x00\x00\x00TFL3", "TensorFlow Lite"},
		"lfs.onnx":       {"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"},
		"m.onnx.gz":      {"\x1f\x8b\x08\x00", "gzip"},
		"m.npy":          {"\x93NUMPY\x01\x00", "NumPy"},
		"readme.md":      {"# A model\n", "no known model format"},
		"zip-named.onnx": {"PK\x03\x04", "zip"},
	} {
		var damage *format.Damaged
		if _, _, err := Open(write(name, c.data)); !errors.As(err, &damage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	// a file that is called .onnx and is no model: the reader says what is wrong
	var damage *format.Damaged
	if _, _, err := Open(write("text.onnx", "# A model\n")); !errors.As(err, &damage) {
		t.Errorf("text.onnx: %v", err)
	}
	if _, _, err := Open(filepath.Join(dir, "none.onnx")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none.onnx: %v", err)
	}
	if _, _, err := Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "holds no model.safetensors") {
		t.Errorf("folder: %v", err)
	}
}
