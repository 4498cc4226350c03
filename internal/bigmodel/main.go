// Command bigmodel writes models in the shape of real ones, with pseudo-random weights, to try sizes that no test can
// carry along:
//
//	bigmodel --shape 0.3b|tinyllama-1.1b|glm4-9b --format safetensors|gguf --out DIR
//
// The same shape and type give the same bytes on any machine. DIR gets a folder as Hugging Face's libraries write it, in
// shards where it is large, or model.gguf, converted from that folder by pare.
package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/format/gguf"
	"github.com/pare-ml/pare/graph/format/safetensors"
	"github.com/pare-ml/pare/graph/ir"
)

func main() {
	name := flag.String("shape", "0.3b", "which model: "+names())
	kind := flag.String("format", "safetensors", "safetensors or gguf")
	dtype := flag.String("type", "", "of weights: float16 or bfloat16 (default: as the model is published)")
	out := flag.String("out", "", "folder to write to; it is made")
	flag.Parse()
	if *out == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*name, *kind, *dtype, *out); err != nil {
		fmt.Fprintln(os.Stderr, "bigmodel:", err)
		os.Exit(1)
	}
}

func run(name, kind, dtype, out string) error {
	s := shapeNamed(name)
	if s == nil {
		return fmt.Errorf("there is no shape %q; these are: %s", name, names())
	}
	switch dtype {
	case "":
	case "float16":
		s.dtype = ir.Float16
	case "bfloat16":
		s.dtype = ir.BFloat16
	default:
		return fmt.Errorf("--type is %q; float16 and bfloat16 there are", dtype)
	}
	encode, first := safetensors.Format.Encode, "model.safetensors"
	switch kind {
	case "safetensors":
	case "gguf":
		encode, first = gguf.Format.Encode, "model.gguf"
	default:
		return fmt.Errorf("--format is %q; safetensors and gguf there are", kind)
	}
	m, done, err := s.model()
	if err != nil {
		return err
	}
	defer done()
	files, err := encode(m)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o777); err != nil {
		return err
	}
	for _, f := range files {
		if f.Name == "" {
			f.Name = first
		}
		if err := write(filepath.Join(out, f.Name), f); err != nil {
			return err
		}
	}
	return nil
}

func write(path string, file format.File) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	err = format.Stream{Workers: runtime.NumCPU()}.Write(context.Background(), w, file)
	if ferr := w.Flush(); err == nil {
		err = ferr
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// model returns a model of the shape whose weights are made when they are read. It is opened from a folder with the right
// header and a hole in the place of the weights, so that pare's own reader says what is in it.
func (s *shape) model() (m *ir.Model, done func() error, err error) {
	dir, err := os.MkdirTemp("", "bigmodel")
	if err != nil {
		return nil, nil, err
	}
	release := func() error { return os.RemoveAll(dir) }
	defer func() {
		if err != nil {
			release()
		}
	}()
	list := s.tensors()
	if err := hollow(filepath.Join(dir, "model.safetensors"), list); err != nil {
		return nil, nil, err
	}
	for name, v := range map[string]any{"config.json": s.config(), "tokenizer.json": tokenizer(s.vocabulary), "generation_config.json": map[string]any{}} {
		text, err := json.MarshalIndent(v, "", "  ")
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), append(text, '\n'), 0o666)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	m, end, err := safetensors.Open(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, t := range list {
		m.Graph.SetTensor(t)
	}
	return m, func() error { end(); return release() }, nil
}

// hollow writes a file of tensors that is all header: what follows is a hole.
func hollow(path string, list []*ir.Tensor) error {
	header := map[string]any{}
	var size int64
	for _, t := range list {
		name := "F16"
		if t.DType == ir.BFloat16 {
			name = "BF16"
		}
		header[t.Name] = map[string]any{"dtype": name, "shape": t.Shape, "data_offsets": []int64{size, size + t.Size()}}
		size += t.Size()
	}
	text, err := json.Marshal(header)
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	head := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	if _, err := f.Write(append(head, text...)); err != nil {
		return err
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	return f.Truncate(at + size)
}
