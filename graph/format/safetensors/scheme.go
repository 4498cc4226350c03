package safetensors

import (
	"fmt"
	"slices"
	"strings"
)

// The layouts of compressed-tensors that pare writes and reads.
const (
	packQuantized  = "pack-quantized"
	intQuantized   = "int-quantized"
	floatQuantized = "float-quantized"
	naiveQuantized = "naive-quantized" // read only: float- or int-quantized under an older name
	nvfp4Packed    = "nvfp4-pack-quantized"
	mxfp4Packed    = "mxfp4-pack-quantized"
	mxfp8Quantized = "mxfp8-quantized"
	mixed          = "mixed-precision"
)

// method is the quant_method of quantization_config.
const method = "compressed-tensors"

// numbers is how numbers are stored: QuantizationArgs of compressed-tensors.
type numbers struct {
	bits      int
	float     bool
	symmetric bool
	strategy  string // tensor, channel, group, block, token, tensor_group
	group     int    // of group and tensor_group
	block     [2]int // of block: rows, columns
	dynamic   string // of activations: "true", "false", "local"
}

// scheme is how a module is stored: QuantizationScheme.
type scheme struct {
	format  string
	weights numbers
	input   *numbers // nil: activations are as they are
}

// key tells schemes apart.
func (s scheme) key() string {
	if s.input == nil {
		return fmt.Sprintf("%s %v", s.format, s.weights)
	}
	return fmt.Sprintf("%s %v %v", s.format, s.weights, *s.input)
}

// group is an entry of config_groups: a scheme and the modules that have it.
type group struct {
	scheme
	modules []string
}

// grouped sorts modules by their schemes, in the order in which schemes are first met.
func grouped(modules []*module) []*group {
	var list []*group
	byKey := map[string]*group{}
	for _, m := range modules {
		g := byKey[m.key()]
		if g == nil {
			g = &group{scheme: m.scheme}
			byKey[m.key()] = g
			list = append(list, g)
		}
		g.modules = append(g.modules, m.name)
	}
	return list
}

// targetsOf names the modules of each group: the class Linear if there is one group, else the last part of their names
// where every module of that last part is in the group, else their whole names.
func targetsOf(groups []*group, ignored []string) [][]string {
	if len(groups) == 1 {
		return [][]string{{"Linear"}}
	}
	owners := map[string]int{} // by last part of the name: the group, -1: several
	note := func(name string, at int) {
		if old, ok := owners[lastPart(name)]; ok && old != at {
			at = -1
		}
		owners[lastPart(name)] = at
	}
	for i, g := range groups {
		for _, m := range g.modules {
			note(m, i)
		}
	}
	for _, m := range ignored {
		note(m, -1)
	}
	out := make([][]string, len(groups))
	for i, g := range groups {
		for _, m := range g.modules {
			target := m
			if part := lastPart(m); owners[part] == i && strings.Trim(part, "0123456789") != "" && plainName(part) {
				target = `re:.*\.` + part + "$"
			}
			if !slices.Contains(out[i], target) {
				out[i] = append(out[i], target)
			}
		}
	}
	return out
}

func lastPart(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

func plainName(s string) bool {
	return strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// version is that of compressed-tensors whose rules the files follow. Packed words of 2, 4 and 8 bits are the same in
// all versions.
const version = "0.18.0"

// configJSON writes quantization_config, with sorted keys and indented by two from where the key stands. kept are values
// of the entry that was there, by key.
func configJSON(groups []*group, ignored []string, kept map[string]string, indent string) string {
	format := groups[0].format
	for _, g := range groups {
		if g.format != format {
			format = mixed
		}
	}
	targets := targetsOf(groups, ignored)
	var b strings.Builder
	line := func(depth int, text string) {
		b.WriteString("\n" + indent + strings.Repeat("  ", depth) + text)
	}
	keep := func(key, def string) string {
		if v, ok := kept[key]; ok {
			return v
		}
		return def
	}
	b.WriteString("{")
	line(1, `"config_groups": {`)
	for i, g := range groups {
		line(2, fmt.Sprintf(`"group_%d": {`, i))
		line(3, fmt.Sprintf(`"format": %q,`, g.format))
		line(3, `"input_activations": `+g.input.json(indent+"      ")+",")
		line(3, `"output_activations": null,`)
		line(3, `"targets": `+list(targets[i], indent+"      ")+",")
		line(3, `"weights": `+g.weights.json(indent+"      "))
		line(2, "}"+comma(i, len(groups)))
	}
	line(1, "},")
	line(1, fmt.Sprintf(`"format": %q,`, format))
	line(1, `"global_compression_ratio": `+keep("global_compression_ratio", "null")+",")
	line(1, `"ignore": `+list(ignored, indent+"  ")+",")
	line(1, `"kv_cache_scheme": `+keep("kv_cache_scheme", "null")+",")
	line(1, fmt.Sprintf(`"quant_method": %q,`, method))
	line(1, `"quantization_status": "compressed",`)
	line(1, `"sparsity_config": `+keep("sparsity_config", "{}")+",")
	line(1, `"transform_config": `+keep("transform_config", "{}")+",")
	line(1, fmt.Sprintf(`"version": %q`, version))
	line(0, "}")
	return b.String()
}

func comma(i, n int) string {
	if i < n-1 {
		return ","
	}
	return ""
}

// list writes a list of texts.
func list(items []string, indent string) string {
	if len(items) == 0 {
		return "[]"
	}
	var b strings.Builder
	b.WriteString("[")
	for i, s := range items {
		b.WriteString("\n" + indent + "  " + string(appendText(nil, s)) + comma(i, len(items)))
	}
	b.WriteString("\n" + indent + "]")
	return b.String()
}

func (n *numbers) json(indent string) string {
	if n == nil {
		return "null"
	}
	orNull := func(is bool, text string) string {
		if is {
			return text
		}
		return "null"
	}
	kind, observer, dynamic := "int", `"minmax"`, n.dynamic
	if n.float {
		kind = "float"
	}
	switch dynamic {
	case "":
		dynamic = "false"
	case "true":
		observer = "null"
	case "local":
		dynamic = `"local"`
	}
	lines := []string{
		`"actorder": null`,
		`"block_structure": ` + orNull(n.strategy == "block", fmt.Sprintf("[%d, %d]", n.block[0], n.block[1])),
		`"dynamic": ` + dynamic,
		`"group_size": ` + orNull(n.group > 0, fmt.Sprint(n.group)),
		fmt.Sprintf(`"num_bits": %d`, n.bits),
		`"observer": ` + observer,
		`"observer_kwargs": {}`,
		fmt.Sprintf(`"strategy": %q`, n.strategy),
		fmt.Sprintf(`"symmetric": %t`, n.symmetric),
		fmt.Sprintf(`"type": %q`, kind),
	}
	return "{\n" + indent + "  " + strings.Join(lines, ",\n"+indent+"  ") + "\n" + indent + "}"
}
