// Package gguf reads and writes the model files of llama.cpp, of versions 2 and 3, in one file or in splits.
//
// # Reading
//
// Open reads the header; tensors stay in the file until their bytes are asked for. Of a model in splits the first file
// is named, as loaders want it, and the others are found by name. Layers follow from the names of tensors.
//
// # Writing
//
// Encode writes version 3. Metadata that nobody changed are written with their own bytes, in their order; as
// llama-quantize does, general.quantization_version and general.file_type come last, and tensors stand in the order of
// their blocks, then of their names.
package gguf

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/pare-ml/pare/graph/arch"
	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/format/source"
	"github.com/pare-ml/pare/graph/ir"
)

//go:embed doc.md
var doc string

// Format is the record of this format.
var Format = format.Format{
	Name:        "gguf",
	Version:     1,
	Doc:         doc,
	Extensions:  []string{".gguf"},
	Detect:      func(head []byte) bool { return bytes.HasPrefix(head, []byte(magic)) },
	Open:        Open,
	Cannot:      cannot,
	Encode:      Encode,
	EncodeSplit: EncodeSplit,
	Names:       names,
	Restore:     restore,
}

// Open reads the header of a model. close releases its files; no tensor of the model may be asked for its bytes after
// that.
func Open(path string) (*ir.Model, func() error, error) {
	s := &splits{path: path}
	m, err := s.open()
	if err != nil {
		s.close()
		return nil, nil, err
	}
	return m, s.close, nil
}

// splits are the files of a model, in order.
type splits struct {
	path    string
	files   []*source.File
	names   []string // of those behind the first
	headers []*header
}

func (s *splits) close() error {
	var errs []error
	for _, f := range s.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

func (s *splits) open() (*ir.Model, error) {
	f, err := source.Open(s.path)
	if err != nil {
		return nil, err
	}
	if err := s.add(f); err != nil {
		return nil, err
	}
	if err := s.others(); err != nil {
		return nil, err
	}
	var tensors []*ir.Tensor
	seen := map[string]bool{}
	for i, h := range s.headers {
		for _, t := range h.tensors {
			if seen[t.name] {
				return nil, damaged(s.files[i].Path, fmt.Sprintf("tensor %q", t.name), "another split holds a tensor of this name")
			}
			seen[t.name] = true
			tensors = append(tensors, s.files[i].Tensor(t.name, t.dtype, t.shape, h.data+t.offset))
		}
	}
	meta := s.headers[0].meta
	family, ok := meta.Text("general.architecture")
	if !ok {
		return nil, damaged(s.path, "general.architecture", "it is missing, or no string: no loader takes the file")
	}
	if n, ok := meta.Int("split.tensors.count"); ok && int(n) != len(tensors) {
		return nil, damaged(s.path, "split.tensors.count", fmt.Sprintf("it says %d; the splits hold %d tensors", n, len(tensors)))
	}
	built, err := arch.Build(nil, tensors)
	if err != nil {
		return nil, damaged(s.path, "", err.Error())
	}
	meta, marks := meta.parted()
	m := &ir.Model{Path: s.path, Format: "gguf", Family: family, IRVersion: 11, Graph: built.Graph, Opsets: built.Opsets, Files: s.names, Metadata: marks,
		Notes:   []string{"a GGUF file says how its tensors are named and stored, not how they are put together: its layers are known by name and shape alone"},
		Carried: carry(meta, tensors)}
	if err := m.Check(); err != nil {
		return nil, damaged(s.path, "", err.Error())
	}
	return m, nil
}

func (s *splits) add(f *source.File) error {
	s.files = append(s.files, f)
	h, err := readHeader(f, f.Size())
	if err != nil {
		return faulty(f.Path, err)
	}
	s.headers = append(s.headers, h)
	return nil
}

// faulty says of which file something wrong with a header is.
func faulty(path string, err error) error {
	var bad *fault
	if !errors.As(err, &bad) {
		return err
	}
	where := "offset " + strconv.FormatInt(bad.off, 10)
	if bad.what != "" {
		where = bad.what + ", " + where
	}
	return damaged(path, where, bad.reason)
}

var splitName = regexp.MustCompile(`^(.*)-(\d{5})-of-(\d{5})\.gguf$`)

// others opens the splits behind the first. Their names follow from the first one's: what metadata say of names is not
// used.
func (s *splits) others() error {
	h := s.headers[0]
	count, ok := h.meta.Int("split.count")
	if !ok || count <= 1 {
		return nil
	}
	parts := splitName.FindStringSubmatch(filepath.Base(s.path))
	switch no, _ := h.meta.Int("split.no"); {
	case no != 0:
		return damaged(s.path, "split.no", fmt.Sprintf("this is split %d of %d; name the first one, which holds the metadata", no+1, count))
	case parts == nil:
		return damaged(s.path, "split.count", fmt.Sprintf("the model is in %d files, named PREFIX-00001-of-%05d.gguf and so on; this one is called otherwise", count, count))
	case parts[2] != "00001" || parts[3] != fmt.Sprintf("%05d", count):
		return damaged(s.path, "split.count", fmt.Sprintf("it says %d; the name of the file says %s of %s", count, parts[2], parts[3]))
	}
	root, err := os.OpenRoot(filepath.Dir(s.path))
	if err != nil {
		return err
	}
	defer root.Close()
	for i := range int(count) - 1 {
		name := fmt.Sprintf("%s-%05d-of-%05d.gguf", parts[1], i+2, count)
		f, err := source.OpenBeneath(root, name)
		if err != nil {
			return fmt.Errorf("split %d of %d: %w", i+2, count, err)
		}
		s.names = append(s.names, name)
		if err := s.add(f); err != nil {
			return err
		}
		own := s.headers[i+1].meta
		no, _ := own.Int("split.no")
		if n, _ := own.Int("split.count"); int(no) != i+1 || n != count {
			return damaged(f.Path, "split.no", fmt.Sprintf("it says split %d of %d; the name says %d of %d", no+1, n, i+2, count))
		}
	}
	return nil
}

func damaged(path, where, reason string) error {
	return &format.Damaged{Path: path, Where: where, Reason: reason}
}

// carried is what a model was read with.
type carried struct {
	meta    Metadata
	tensors map[string]*ir.Tensor
}

func carry(meta Metadata, tensors []*ir.Tensor) *carried {
	c := &carried{meta: meta.Without(splitNo, splitTensors, splitCount), tensors: map[string]*ir.Tensor{}}
	for _, t := range tensors {
		c.tensors[t.Name] = t
	}
	return c
}

// quantized reports whether a pass gave a tensor another type.
func (c *carried) quantized(tensors []*ir.Tensor) bool {
	return slices.ContainsFunc(tensors, func(t *ir.Tensor) bool {
		was := c.tensors[t.Name]
		return was == nil || was.DType != t.DType
	})
}

// cannot lists what GGUF does not hold of a model.
func cannot(m *ir.Model) []format.Problem {
	var list []format.Problem
	if m.Format != "gguf" && m.Format != "safetensors" {
		list = append(list, format.Problem{Message: "GGUF needs a configuration and a tokenizer, which a model read from " + m.Format + " does not have; start from a GGUF file or a folder of safetensors"})
	}
	list = append(list, cannotConvert(m)...)
	owner := map[string]string{}
	for _, l := range m.Layers() {
		if l.Weight != nil {
			owner[l.Weight.Name] = l.Name
		}
	}
	for _, t := range m.Graph.Tensors() {
		if _, ok := numberOf(t.DType); !ok {
			list = append(list, format.Problem{Layer: owner[t.Name], Message: fmt.Sprintf("GGUF has no type %s; use a block type such as q8_0 or q4_k, or a scheme such as Q4_K_M", t.DType)})
		}
	}
	return list
}

// Encode returns the files of a model: one.
func Encode(m *ir.Model) ([]format.File, error) { return EncodeSplit(m, "", format.Split{}) }

// contents makes the metadata and tensors of a model's files.
func contents(m *ir.Model) (Metadata, []*ir.Tensor, error) {
	if list := cannot(m); len(list) > 0 {
		return nil, nil, fmt.Errorf("layer %s: %s", list[0].Layer, list[0].Message)
	}
	meta, tensors := Metadata(nil), m.Graph.Tensors()
	c, own := m.Carried.(*carried)
	if own {
		meta = c.meta
	} else {
		var err error
		if meta, tensors, err = convert(m); err != nil {
			return nil, nil, err
		}
	}
	origin, weighed := originOf(m.Graph.Nodes)
	if !own || weighed || c.quantized(tensors) {
		if n, ok := fileType(m.Graph.Nodes, tensors); ok {
			meta = meta.Without("general.quantization_version", "general.file_type").
				With(Uint32Entry("general.quantization_version", 2), Uint32Entry("general.file_type", n))
		}
		if weighed {
			meta = meta.withOrigin(origin)
		}
		slices.SortStableFunc(tensors, byBlock)
	}
	return meta.marked(m.Metadata), tensors, nil
}
