package gguf

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/strictjson"
)

// family is how llama.cpp holds the models of one model_type of Hugging Face.
type family struct {
	types   []string // model_type in config.json
	arch    string   // general.architecture
	names   naming
	turned  bool // rows of queries and keys are stored in the order of llama.cpp's rotation
	oneMore bool // norms are stored with the one that the model adds to them
	noHead  bool // the head is always the table of tokens
	keys    func(*settings)
}

// families are those that can be converted: one line each.
var families = []family{
	{types: []string{"llama", "mistral", "mixtral"}, arch: "llama", names: llamaNames, turned: true, keys: llamaKeys},
	{types: []string{"smollm3"}, arch: "smollm3", names: llamaNames, turned: true, keys: llamaKeys},
	{types: []string{"granite"}, arch: "granite", names: llamaNames, turned: true, keys: graniteKeys},
	{types: []string{"qwen2"}, arch: "qwen2", names: llamaNames, keys: commonKeys},
	{types: []string{"qwen3"}, arch: "qwen3", names: llamaNames, keys: commonKeys},
	{types: []string{"phi3"}, arch: "phi3", names: llamaNames, keys: phi3Keys},
	{types: []string{"gemma2"}, arch: "gemma2", names: gemmaNames, oneMore: true, noHead: true, keys: gemma2Keys},
	{types: []string{"gemma3_text"}, arch: "gemma3", names: gemmaNames, oneMore: true, keys: gemma3Keys},
	{types: []string{"glm4"}, arch: "glm4", names: glm4Names, keys: glm4Keys},
	{types: []string{"chatglm"}, arch: "chatglm", names: chatGLMNames, keys: chatGLMKeys},
}

// familyOf returns the family of a configuration, nil if there is none.
func familyOf(config *strictjson.Value) *family {
	kind := config.Get("model_type")
	if !kind.Is(strictjson.Text) {
		return nil
	}
	i := slices.IndexFunc(families, func(f family) bool { return slices.Contains(f.types, kind.Text) })
	if i < 0 {
		return nil
	}
	return &families[i]
}

// known lists the types of models that can be converted.
func known() string {
	var list []string
	for _, f := range families {
		list = append(list, f.types...)
	}
	return strings.Join(list, ", ")
}

// cannotConvert lists what stands against converting a model, as far as the files that travel with it tell: those of a
// manifest cannot be read.
func cannotConvert(m *ir.Model) []format.Problem {
	if m.Format != "safetensors" || !slices.ContainsFunc(m.Attached, func(a ir.Attachment) bool { return a.Read != nil }) {
		return nil
	}
	problem := func(message string) []format.Problem { return []format.Problem{{Message: message}} }
	c, err := config(m)
	if err != nil {
		return problem(err.Error())
	}
	f := familyOf(c)
	if f == nil {
		return problem(unknownFamily(c).Error())
	}
	if _, ok := m.Attachment("tokenizer.json"); !ok {
		if _, ok := m.Attachment("tokenizer.model"); !ok {
			return problem(errNoTokenizer.Error())
		}
	}
	return nil
}

func unknownFamily(c *strictjson.Value) error {
	return fmt.Errorf("config.json: model_type %q cannot be converted to GGUF; these can: %s", c.Get("model_type").TextOr(""), known())
}

// config reads the configuration that travels with a model.
func config(m *ir.Model) (*strictjson.Value, error) {
	b, err := attached(m, "config.json")
	if err != nil {
		return nil, err
	}
	if b == nil {
		return nil, errors.New("GGUF needs the model's configuration, and there is no config.json beside it")
	}
	v, err := strictjson.ParsePython(b)
	if err != nil {
		return nil, fmt.Errorf("config.json: %w", err)
	}
	return v, nil
}

// attached reads a file that travels with a model; nil if there is none.
func attached(m *ir.Model, name string) ([]byte, error) {
	a, ok := m.Attachment(name)
	if !ok || a.Read == nil {
		return nil, nil
	}
	b, err := a.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}

// convert makes metadata and tensors of a model read from a Hugging Face folder, as llama.cpp's convert_hf_to_gguf does:
// names, the order of rows, norms in float32, and the tokenizer.
func convert(m *ir.Model) (Metadata, []*ir.Tensor, error) {
	c, err := config(m)
	if err != nil {
		return nil, nil, err
	}
	f := familyOf(c)
	if f == nil {
		return nil, nil, unknownFamily(c)
	}
	s := &settings{family: f, config: c}
	s.put(TextEntry("general.architecture", f.arch))
	s.put(TextEntry("general.type", "model"))
	f.keys(s)
	if s.err != nil {
		return nil, nil, fmt.Errorf("config.json: %w", s.err)
	}
	tensors, err := s.tensors(m.Graph.Tensors())
	if err != nil {
		return nil, nil, err
	}
	vocab, err := vocabulary(m, c)
	if err != nil {
		return nil, nil, err
	}
	return s.meta.With(vocab...), tensors, nil
}

// tensors converts all tensors, in their order; experts of one block are stacked where the last of them stands.
func (s *settings) tensors(list []*ir.Tensor) ([]*ir.Tensor, error) {
	var out []*ir.Tensor
	if t := s.frequencies(); t != nil {
		out = append(out, t)
	}
	stacks := map[string][]*ir.Tensor{}
	for _, t := range list {
		if strings.HasSuffix(t.Name, ".rotary_emb.inv_freq") || strings.HasSuffix(t.Name, "rotary_pos_emb.inv_freq") || s.noHead && t.Name == "lm_head.weight" {
			continue
		}
		p, ok := s.names.of(t.Name)
		if !ok {
			return nil, fmt.Errorf("tensor %q has no place in a GGUF file of architecture %s", t.Name, s.arch)
		}
		if p.expert >= 0 {
			stacks[p.name] = append(stacks[p.name], t)
			if len(stacks[p.name]) == s.experts {
				w, err := stack(p.name, stacks[p.name])
				if err != nil {
					return nil, err
				}
				out = append(out, w)
				delete(stacks, p.name)
			}
			continue
		}
		w, err := s.tensor(p.name, t)
		if err != nil {
			return nil, err
		}
		out = append(out, w)
	}
	for name, parts := range stacks {
		return nil, fmt.Errorf("%s has %d of %d experts", name, len(parts), s.experts)
	}
	return out, nil
}

// tensor converts one tensor.
func (s *settings) tensor(name string, t *ir.Tensor) (*ir.Tensor, error) {
	if s.turned && (strings.Contains(name, ".attn_q.") || strings.Contains(name, ".attn_k.")) {
		heads := s.heads
		if strings.Contains(name, ".attn_k.") {
			heads = s.keyHeads
		}
		var err error
		if t, err = order(t, heads, false); err != nil {
			return nil, err
		}
	}
	if len(t.Shape) < 2 || strings.HasSuffix(name, "_norm.weight") || strings.HasSuffix(name, ".ffn_gate_inp.weight") {
		return widen(t.WithName(name), s.oneMore && strings.HasSuffix(name, "norm.weight")), nil
	}
	return t.WithName(name), nil
}

// widen makes a tensor of floats float32, and adds one to each element if asked.
func widen(t *ir.Tensor, oneMore bool) *ir.Tensor {
	if t.DType == ir.Float32 && !oneMore {
		return t
	}
	return ir.LazyTensor(t.Name, ir.Float32, t.Shape, func() ([]byte, error) {
		x, err := t.Float32s()
		if err != nil {
			return nil, err
		}
		y := slices.Clone(x)
		if oneMore {
			for i := range y {
				y[i]++
			}
		}
		return ir.FromFloat32s(t.Name, t.Shape, y).Bytes()
	})
}

// order orders the rows of queries or keys as llama.cpp's rotation wants them, or back: of each head, which Hugging Face
// keeps as two halves, neighbours form pairs. Rows are moved as they are stored, so blocks stay what they were.
func order(t *ir.Tensor, heads int, back bool) (*ir.Tensor, error) {
	rows := 0
	if len(t.Shape) > 0 {
		rows = t.Shape[0]
	}
	if heads <= 0 || rows%(2*heads) != 0 {
		return nil, fmt.Errorf("tensor %q has %d rows, which are not %d heads of an even width", t.Name, rows, heads)
	}
	half := rows / heads / 2
	return ir.LazyTensor(t.Name, t.DType, t.Shape, func() ([]byte, error) {
		b, err := t.Bytes()
		if err != nil {
			return nil, err
		}
		out := make([]byte, len(b))
		size := len(b) / rows
		for i := range rows {
			head, within := i/(2*half), i%(2*half)
			to, from := i, head*2*half+within%2*half+within/2
			if back {
				to, from = from, to
			}
			copy(out[to*size:(to+1)*size], b[from*size:])
		}
		return out, nil
	}), nil
}

// stack puts the weights of experts behind one another.
func stack(name string, parts []*ir.Tensor) (*ir.Tensor, error) {
	first := parts[0]
	for _, t := range parts {
		if t.DType != first.DType || !slices.Equal(t.Shape, first.Shape) {
			return nil, fmt.Errorf("the experts of %s differ: %s %v and %s %v", name, first.DType, first.Shape, t.DType, t.Shape)
		}
	}
	shape := append([]int{len(parts)}, first.Shape...)
	each := first.Size()
	align := int(each)
	if a := first.Align(); a > 0 && each%int64(a) == 0 {
		align = a
	}
	return ir.RangeTensor(name, first.DType, shape, align, func(dst []byte, off int64) error {
		for len(dst) > 0 {
			i, at := off/each, off%each
			n := min(int64(len(dst)), each-at)
			if err := parts[i].ReadRange(dst[:n], at); err != nil {
				return err
			}
			dst, off = dst[n:], off+n
		}
		return nil
	}), nil
}
