// Package all is the list of the file formats there are.
package all

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/format/gguf"
	"github.com/pare-ml/pare/graph/format/manifest"
	"github.com/pare-ml/pare/graph/format/onnx"
	"github.com/pare-ml/pare/graph/format/safetensors"
	"github.com/pare-ml/pare/graph/ir"
)

// formats is the list: one line a format.
var formats = []*format.Format{
	&onnx.Format,
	&safetensors.Format,
	&gguf.Format,
	&manifest.Format,
}

// All lists the formats.
func All() []*format.Format { return slices.Clone(formats) }

// ByName returns the format of a recipe's `format:`, nil if there is none of that name.
func ByName(name string) *format.Format {
	for _, f := range formats {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// ForPath returns the format that a path's extension names, nil if it names none.
func ForPath(path string) *format.Format {
	ext := strings.ToLower(filepath.Ext(path))
	for _, f := range formats {
		if slices.Contains(f.Extensions, ext) {
			return f
		}
	}
	return nil
}

// foreign are formats that are recognized in order to say what to do.
var foreign = []struct {
	format, advice string
	is             func(head []byte) bool
}{
	{"PyTorch or Keras archive (zip)", "archives and pickles can run code when they are loaded, so pare does not open them: export the model to ONNX with torch.onnx.export or tf2onnx, or save it with save_pretrained, which writes safetensors",
		func(h []byte) bool { return bytes.HasPrefix(h, []byte("PK\x03\x04")) }},
	{"Python pickle", "pickles can run code when they are loaded, so pare does not open them: export the model to ONNX with torch.onnx.export, or save it with save_pretrained, which writes safetensors",
		func(h []byte) bool { return len(h) > 2 && h[0] == 0x80 && h[1] >= 2 && h[1] <= 5 }},
	{"Keras file (HDF5)", "export the model to ONNX with tf2onnx",
		func(h []byte) bool { return bytes.HasPrefix(h, []byte("\x89HDF\r\n\x1a\n")) }},
	{"TensorFlow Lite file", "pare does not read it: export the model it was made from to ONNX",
		func(h []byte) bool { return len(h) >= 8 && string(h[4:8]) == "TFL3" }},
	{"Git LFS pointer", "the model itself was not fetched: run `git lfs pull`",
		func(h []byte) bool { return bytes.HasPrefix(h, []byte("version https://git-lfs")) }},
	{"gzip archive", "unpack it first",
		func(h []byte) bool { return bytes.HasPrefix(h, []byte{0x1f, 0x8b}) }},
	{"NumPy array", "it holds numbers without a graph: give pare the ONNX model",
		func(h []byte) bool { return bytes.HasPrefix(h, []byte("\x93NUMPY")) }},
}

// Detect tells the format of a file from its first bytes, then from its extension; a file of another kind of which
// something is known gives a *format.Damaged with advice.
func Detect(path string, head []byte) (*format.Format, error) {
	for _, f := range foreign {
		if f.is(head) {
			return nil, &format.Damaged{Path: path, Reason: "this is a " + f.format + "; " + f.advice}
		}
	}
	for _, f := range formats {
		if f.Detect(head) {
			return f, nil
		}
	}
	if f := ForPath(path); f != nil { // its reader says best what is wrong with it
		return f, nil
	}
	return nil, &format.Damaged{Path: path, Reason: "no known model format; pare reads " + names()}
}

func names() string {
	var list []string
	for _, f := range formats {
		list = append(list, f.Name)
	}
	return strings.Join(list, ", ")
}

// Open reads the model in a file of whatever format it is found to be; a folder is one of Hugging Face's. close releases
// the file; the model's tensors must not be asked for their bytes after that.
func Open(path string) (m *ir.Model, close func() error, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if info.IsDir() {
		return safetensors.Format.Open(path)
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s: this is a pipe or a device; pare reads regular files", path)
	}
	head, err := readHead(path)
	if err != nil {
		return nil, nil, err
	}
	f, err := Detect(path, head)
	if err != nil {
		return nil, nil, err
	}
	return f.Open(path)
}

func readHead(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, 4096))
	return head, err
}
