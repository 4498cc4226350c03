package safetensors

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pare-ml/pare/graph/arch"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/strictjson"
)

// configFor returns config.json with what has changed: quantization_config, and the type of the weights. nil: nothing has,
// or there is no such file.
func (d *folder) configFor(m *ir.Model, mods *modules) ([]byte, error) {
	if d.config == nil {
		return nil, nil
	}
	root, err := strictjson.ParsePython(d.config)
	if err != nil {
		return nil, err
	}
	text := d.config
	if now := summary(mods); now != d.summary {
		value := ""
		if len(mods.list) > 0 {
			kept := map[string]string{}
			for _, e := range membersOf(root.Get(quantizationKey)) {
				kept[e.Key] = string(text[e.Value.Start:e.Value.End])
			}
			value = configJSON(grouped(mods.list), mods.ignored, kept, "  ")
		}
		text = setMember(text, root, quantizationKey, value)
	}
	if now := mainType(m, mods); now != d.mainType && now != "" {
		if text, err = setType(text, now); err != nil {
			return nil, err
		}
	}
	if text, err = d.setSizes(text, m, mods); err != nil {
		return nil, err
	}
	if bytes.Equal(text, d.config) {
		return nil, nil
	}
	return text, nil
}

const quantizationKey = "quantization_config"

func membersOf(v *strictjson.Value) []strictjson.Member {
	if v == nil {
		return nil
	}
	return v.Members
}

// summary tells whether two models are quantized in the same way.
func summary(mods *modules) string {
	if len(mods.list) == 0 {
		return ""
	}
	return configJSON(grouped(mods.list), mods.ignored, nil, "") + strings.Join(namesOf(mods.list), "\n")
}

func namesOf(list []*module) []string {
	var names []string
	for _, m := range list {
		names = append(names, m.name)
	}
	return names
}

// mainType is the float type that most bytes of tensors have that are no codes, as configurations name it.
func mainType(m *ir.Model, mods *modules) string {
	sizes := map[ir.DType]int64{}
	for _, t := range m.Graph.Tensors() {
		if !mods.used[t.Name] {
			sizes[t.DType] += t.Size()
		}
	}
	best := ""
	var most int64
	for _, d := range []ir.DType{ir.Float32, ir.BFloat16, ir.Float16} {
		if sizes[d] > most {
			best, most = d.String(), sizes[d]
		}
	}
	return best
}

// setSizes writes the sizes that have changed because rows and columns were removed.
func (d *folder) setSizes(text []byte, m *ir.Model, mods *modules) ([]byte, error) {
	if shapesOf(m, mods) == d.shapes {
		return text, nil
	}
	root, err := strictjson.ParsePython(text)
	if err != nil {
		return nil, err
	}
	sizes, err := arch.Resized(root, weightsOf(m, mods))
	if err != nil {
		return nil, err
	}
	for _, key := range slices.Sorted(maps.Keys(sizes)) {
		if root, err = strictjson.ParsePython(text); err != nil {
			return nil, err
		}
		if inner := root.Get("text_config"); inner.Is(strictjson.Object) {
			root = inner
		}
		text = setMember(text, root, key, strconv.Itoa(sizes[key]))
	}
	if root, err = strictjson.ParsePython(text); err != nil {
		return nil, err
	}
	_, err = arch.Build(root, weightsOf(m, mods))
	return text, err
}

// weightsOf lists headers of a model's tensors, weights in place of their codes.
func weightsOf(m *ir.Model, mods *modules) []*ir.Tensor {
	var list []*ir.Tensor
	for _, t := range m.Graph.Tensors() {
		if !mods.used[t.Name] {
			list = append(list, t.Header())
		}
	}
	for _, mod := range mods.list {
		list = append(list, &ir.Tensor{Name: mod.name + ".weight", DType: mod.valueType(), Shape: mod.codes.Shape})
	}
	return list
}

// shapesOf is a digest of the names and shapes of a model's weights, whatever their order.
func shapesOf(m *ir.Model, mods *modules) uint64 {
	var sum uint64
	var line []byte
	add := func(name string, shape []int) {
		line = append(append(line[:0], name...), 0)
		for _, d := range shape {
			line = binary.LittleEndian.AppendUint64(line, uint64(d))
		}
		digest := sha256.Sum256(line)
		sum += binary.LittleEndian.Uint64(digest[:])
	}
	for _, t := range m.Graph.Tensors() {
		if !mods.used[t.Name] {
			add(t.Name, t.Shape)
		}
	}
	for _, mod := range mods.list {
		add(mod.name+".weight", mod.codes.Shape)
	}
	return sum
}

// setType writes the type of the weights where the configuration says it.
func setType(text []byte, name string) ([]byte, error) {
	root, err := strictjson.ParsePython(text)
	if err != nil {
		return nil, err
	}
	var at []*strictjson.Value
	for _, v := range []*strictjson.Value{root, root.Get("text_config")} {
		for _, key := range []string{"torch_dtype", "dtype"} {
			if e := v.Get(key); e.Is(strictjson.Text) {
				at = append(at, e)
			}
		}
	}
	slices.SortFunc(at, func(a, b *strictjson.Value) int { return b.Start - a.Start }) // from the end, so that places stay
	for _, v := range at {
		text = slices.Concat(text[:v.Start], appendText(nil, name), text[v.End:])
	}
	return text, nil
}

// setMember replaces, removes (value is empty) or adds an entry of the outermost object; every other byte stays. A new one
// goes where the order of keys wants it, if they are in order, else behind the last.
func setMember(text []byte, root *strictjson.Value, key, value string) []byte {
	list := root.Members
	at := slices.IndexFunc(list, func(e strictjson.Member) bool { return e.Key == key })
	if at >= 0 && value != "" {
		v := list[at].Value
		return slices.Concat(text[:v.Start], []byte(value), text[v.End:])
	}
	if at >= 0 {
		from, to := list[at].At, list[at].Value.End
		if at+1 < len(list) {
			to = list[at+1].At
		} else if at > 0 {
			from = list[at-1].Value.End
		}
		return slices.Concat(text[:from], text[to:])
	}
	if value == "" {
		return text
	}
	entry := append(appendText(nil, key), ": "+value...)
	if len(list) == 0 {
		return slices.Concat(text[:root.Start], []byte("{\n  "), entry, []byte("\n}"), text[root.End:])
	}
	before := len(list)
	if slices.IsSortedFunc(list, func(a, b strictjson.Member) int { return strings.Compare(a.Key, b.Key) }) {
		before = slices.IndexFunc(list, func(e strictjson.Member) bool { return e.Key > key })
	}
	if before < 0 || before == len(list) {
		end := list[len(list)-1].Value.End
		return slices.Concat(text[:end], []byte(",\n  "), entry, text[end:])
	}
	next := list[before].At
	return slices.Concat(text[:next], entry, []byte(",\n  "), text[next:])
}
