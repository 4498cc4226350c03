package gguf

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
)

// Keys of splits. All metadata but these stand in the first one alone.
const (
	splitNo      = "split.no"
	splitTensors = "split.tensors.count"
	splitCount   = "split.count"
	maxSplits    = 1<<16 - 1 // split.count is a u16
)

// EncodeSplit returns the files of a model as llama-gguf-split makes them: name is model.gguf, they are called
// model-00001-of-00003.gguf and so on, and the first is the one to load. A model that fits into one file is one, without the
// keys of splits.
func EncodeSplit(m *ir.Model, name string, s format.Split) ([]format.File, error) {
	meta, tensors, err := contents(m)
	if err != nil {
		return nil, err
	}
	groups := divide(tensors, s)
	if len(groups) == 1 {
		f, err := encode(meta, tensors)
		return []format.File{f}, err
	}
	if len(groups) > maxSplits {
		return nil, fmt.Errorf("the model would be in %d files; GGUF counts to %d: raise split_max_size or split_max_tensors", len(groups), maxSplits)
	}
	prefix := strings.TrimSuffix(name, ".gguf")
	files := make([]format.File, len(groups))
	for i, group := range groups {
		own := meta
		if i > 0 {
			own = nil
		}
		own = own.Without(splitNo, splitTensors, splitCount).
			With(Uint16Entry(splitNo, uint16(i)), Int32Entry(splitTensors, int32(len(tensors))), Uint16Entry(splitCount, uint16(len(groups))))
		if files[i], err = encode(own, group); err != nil {
			return nil, err
		}
		files[i].Name = fmt.Sprintf("%s-%05d-of-%05d.gguf", prefix, i+1, len(groups))
	}
	return files, nil
}

// names lists what the files of a model can be called.
func names(_ *ir.Model, name string, s format.Split) []string {
	if s == (format.Split{}) {
		return []string{name}
	}
	return []string{name, strings.TrimSuffix(name, ".gguf") + "-?????-of-?????.gguf"}
}

// divide cuts the list of tensors. A tensor larger than the limit is alone in its file. Sizes count as llama-gguf-split does:
// tensors alone, each up to a multiple of 32.
func divide(tensors []*ir.Tensor, s format.Split) [][]*ir.Tensor {
	if s.MaxSize == 0 && s.MaxTensors == 0 {
		return [][]*ir.Tensor{tensors}
	}
	groups := [][]*ir.Tensor{nil}
	var size int64
	for i, t := range tensors {
		bytes := t.Size() + gap(t.Size(), usualAlign)
		full := s.MaxTensors > 0 && i > 0 && i%s.MaxTensors == 0 || s.MaxSize > 0 && i > 0 && size > s.MaxSize-bytes
		if full {
			groups, size = append(groups, nil), 0
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], t)
		size += bytes
	}
	if s.NoTensorFirst && len(groups) > 1 {
		groups = slices.Insert(groups, 0, nil)
	}
	return groups
}
