package safetensors

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/strictjson"
)

// maxShards bounds the files of one model.
const maxShards = 10_000

// readIndex reads a model in shards: each tensor in the file that the index names, and no other.
func (d *folder) readIndex(base string) ([]*ir.Tensor, error) {
	f, err := d.beneath(base)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if d.index, err = f.All(maxIndex); err != nil {
		return nil, err
	}
	broken := func(reason string, args ...any) error {
		return &format.Damaged{Path: f.Path, Reason: fmt.Sprintf(reason, args...)}
	}
	where, err := parseIndex(d.index)
	if err != nil {
		return nil, broken("%v", err)
	}
	known := map[string]bool{}
	for _, name := range where {
		if !known[name] {
			known[name] = true
			if err := shardBase(name); err != nil {
				return nil, broken("%v", err)
			}
			if d.names = append(d.names, name); len(d.names) > maxShards {
				return nil, broken("it names more than %d files", maxShards)
			}
		}
	}
	slices.Sort(d.names)
	tensors := make([]*ir.Tensor, 0, len(where))
	for _, name := range d.names {
		s, err := d.beneath(name)
		if err != nil {
			return nil, err
		}
		d.shards = append(d.shards, s)
		h, err := readHeader(s, s.Size(), s.Path)
		if err != nil {
			return nil, err
		}
		if d.metadata == nil {
			d.metadata = h.metadata
		}
		for i := range h.entries {
			switch in, ok := where[h.entries[i].name]; {
			case !ok:
				return nil, broken("%s holds the tensor %s, which the index does not name", name, quote(h.entries[i].name))
			case in != name:
				return nil, broken("%s holds the tensor %s; the index looks for it in %s", name, quote(h.entries[i].name), quote(in))
			}
		}
		tensors = tensorsOf(s, h, tensors)
	}
	if len(tensors) < len(where) {
		return nil, broken("%v", missingFrom(where, tensors))
	}
	return tensors, nil
}

// missingFrom names the first tensor, by name, that the index promises and no file holds.
func missingFrom(where map[string]string, have []*ir.Tensor) error {
	for _, t := range have {
		delete(where, t.Name)
	}
	first := ""
	for name := range where {
		if first == "" || name < first {
			first = name
		}
	}
	return fmt.Errorf("%s does not hold the tensor %s, which the index looks for there", quote(where[first]), quote(first))
}

// parseIndex reads weight_map: tensor to file.
func parseIndex(text []byte) (map[string]string, error) {
	s := strictjson.New(text)
	var where map[string]string
	s.Object(func(key string, at int) {
		if key != "weight_map" {
			s.Skip()
			return
		}
		where = map[string]string{}
		s.Members(func(name string, at int) {
			if _, twice := where[name]; twice {
				s.FailAt(at, "weight_map names the tensor %s twice", quote(name))
			}
			where[name] = s.Text()
		})
	})
	s.End()
	if err := s.Err(); err != nil {
		return nil, err
	}
	if where == nil {
		return nil, errors.New("it has no weight_map")
	}
	return where, nil
}

// shardBase demands a plain file name.
func shardBase(name string) error {
	if name == "" || name == "." || name == ".." || filepath.Base(name) != name || !filepath.IsLocal(name) || slices.ContainsFunc([]byte(name), func(c byte) bool { return c < 0x20 || c == '\\' || c == '/' || c == ':' }) {
		return fmt.Errorf("weight_map names the file %s; it must be the plain name of a file beside the index", quote(name))
	}
	return nil
}
