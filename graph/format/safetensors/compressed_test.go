package safetensors

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/arch/archtest"
	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/strictjson"
)

// coding is a way to store a weight, as the pass quantize leaves it in the graph.
type coding struct {
	name   string
	codes  ir.DType
	group  int    // 0: channel; -1: tensor
	square [2]int // blocks
	zeros  bool   // int codes with a zero point that is zero
	act    string
	scales ir.DType // 0: bfloat16
	format string   // what config.json must say
}

var codings = []coding{
	{name: "W4A16 of 32", codes: ir.Int4, group: 32, format: packQuantized},
	{name: "W4A16 of 16", codes: ir.Int4, group: 16, format: packQuantized},
	{name: "W4A16 channel", codes: ir.Int4, format: packQuantized},
	{name: "W4A16 tensor", codes: ir.Int4, group: -1, format: packQuantized},
	{name: "W4A16_ASYM of 32", codes: ir.Uint4, group: 32, format: packQuantized},
	{name: "W4A16_ASYM channel", codes: ir.Uint4, format: packQuantized},
	{name: "W2A16 of 16", codes: ir.Int2, group: 16, format: packQuantized},
	{name: "W8A16 channel", codes: ir.Int8, zeros: true, format: packQuantized},
	{name: "W8A16_ASYM of 16", codes: ir.Uint8, group: 16, format: packQuantized},
	{name: "W8A8 dynamic", codes: ir.Int8, zeros: true, act: "int8,dynamic,token", format: intQuantized},
	{name: "W8A8 tensor", codes: ir.Int8, group: -1, act: "int8,dynamic,token", format: intQuantized},
	{name: "W8A8 asymmetric", codes: ir.Uint8, act: "int8,dynamic,token", format: intQuantized},
	{name: "W4A8", codes: ir.Int4, group: 32, act: "int8,dynamic,token", format: packQuantized},
	{name: "FP8 channel", codes: ir.Float8E4M3FN, act: "fp8_e4m3,dynamic,token", format: floatQuantized},
	{name: "FP8 tensor", codes: ir.Float8E4M3FN, group: -1, format: floatQuantized},
	{name: "FP8 block", codes: ir.Float8E4M3FN, square: [2]int{32, 16}, act: "fp8_e4m3,dynamic,token", format: floatQuantized},
	{name: "NVFP4", codes: ir.Float4E2M1, group: 16, scales: ir.Float8E4M3FN, format: nvfp4Packed},
	{name: "MXFP4", codes: ir.Float4E2M1, group: 32, scales: ir.Float8E8M0, format: mxfp4Packed},
	{name: "MXFP8", codes: ir.Float8E4M3FN, group: 32, scales: ir.Float8E8M0, format: mxfp8Quantized},
}

// code stores the weight of a layer as c says, with codes and scales that are drawn, not computed: layouts are what these
// tests are about. ranged tensors come in ranges of so many bytes.
func (c coding) code(m *ir.Model, l ir.Layer, ranged int) {
	g := m.Graph
	r := rand.New(rand.NewPCG(1, uint64(len(l.Name))))
	w := l.Weight
	rows, columns := w.Shape[0], w.Shape[1]
	tensor := func(name string, d ir.DType, shape ...int) *ir.Tensor {
		size, err := ir.ByteSize(d, shape)
		if err != nil {
			panic(err)
		}
		b := make([]byte, size)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		if d == ir.Float8E4M3FN || d == ir.BFloat16 { // no NaN
			for i := range b {
				b[i] &= 0x3f
			}
		}
		if n, _ := ir.Elements(shape); n*d.Bits()%8 != 0 {
			b[len(b)-1] &= byte(1<<(n*d.Bits()%8) - 1)
		}
		if ranged > 0 && strings.HasSuffix(name, "_quantized") {
			return ir.RangeTensor(name, d, shape, ranged, func(dst []byte, off int64) error { copy(dst, b[off:]); return nil })
		}
		return ir.NewTensor(name, d, shape, b)
	}
	scales := c.scales
	if scales == 0 {
		scales = ir.BFloat16
	}
	n := &ir.Node{Name: w.Name + "_DequantizeLinear", Op: "DequantizeLinear", Outputs: []string{w.Name + "_DequantizeLinear_Output"}}
	var shape []int
	switch {
	case c.square[0] > 0:
		shape = []int{rows, (columns + c.square[1] - 1) / c.square[1]}
		n.SetAttr(ir.IntAttr("axis", 1))
		n.SetAttr(ir.IntAttr("block_size", int64(c.square[1])))
		n.SetAttr(ir.IntsAttr("pare_square", int64(c.square[0]), int64(c.square[1])))
	case c.group > 0:
		shape = []int{rows, (columns + c.group - 1) / c.group}
		n.SetAttr(ir.IntAttr("axis", 1))
		n.SetAttr(ir.IntAttr("block_size", int64(c.group)))
	case c.group == 0:
		shape = []int{rows}
		n.SetAttr(ir.IntAttr("axis", 0))
	}
	add := func(t *ir.Tensor) string { g.AddTensor(t); return t.Name }
	scale := tensor(w.Name+"_scale", scales, shape...)
	if c.square[0] > 0 {
		b, _ := scale.Bytes()
		width := len(b) / rows
		for i := range rows {
			copy(b[i*width:(i+1)*width], b[i/c.square[0]*c.square[0]*width:])
		}
	}
	n.Inputs = []string{add(tensor(w.Name+"_quantized", c.codes, rows, columns)), add(scale)}
	before := []*ir.Node{n}
	if c.scales == ir.Float8E4M3FN {
		global := add(ir.FromFloat32s(w.Name+"_global_scale", nil, []float32{0.0007}))
		s := &ir.Node{Name: w.Name + "_scale_DequantizeLinear", Op: "DequantizeLinear", Inputs: []string{n.Inputs[1], global}, Outputs: []string{w.Name + "_scale_DequantizeLinear_Output"}}
		n.Inputs[1] = s.Outputs[0]
		before = []*ir.Node{s, n}
	}
	if c.codes == ir.Uint4 || c.codes == ir.Uint8 {
		n.Inputs = append(n.Inputs, add(tensor(w.Name+"_zero_point", c.codes, shape...)))
	} else if c.zeros {
		n.Inputs = append(n.Inputs, add(ir.NewTensor(w.Name+"_zero_point", c.codes, shape, make([]byte, rows))))
	}
	if c.act != "" {
		l.Node.SetAttr(ir.StringAttr("pare_activations", c.act))
	}
	users := g.Consumers(w.Name)
	g.InsertBefore(users[0], before...)
	g.ReplaceUses(w.Name, n.Outputs[0])
	g.RemoveTensor(w.Name)
}

// coded opens a model and stores the weights of its blocks as c says.
func (c coding) coded(t *testing.T, dir string, ranged int) *ir.Model {
	t.Helper()
	m := open(t, dir).Clone()
	for _, l := range m.Layers() {
		if l.Type == "linear" && !l.Is("lm_head") {
			c.code(m, l, ranged)
		}
	}
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	return m
}

// written is what Encode gives, by name.
func written(t *testing.T, m *ir.Model) map[string][]byte {
	t.Helper()
	files, err := Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, f := range files {
		var b bytes.Buffer
		if err := (format.Stream{Workers: 2}).Write(context.Background(), &b, f); err != nil {
			t.Fatal(err)
		}
		name := f.Name
		if name == "" {
			name = single
		}
		out[name] = b.Bytes()
	}
	return out
}

// What is written is read back as the same codes, and written again as the same bytes, whatever the rows' width.
func TestCompressed(t *testing.T) {
	for _, width := range []int{96, 97, 100} {
		base := archtest.Named(archtest.Tiny(), "Llama-3.2-1B")
		for i := range base.Tensors {
			for j, d := range base.Tensors[i].Shape {
				if d == 96 {
					base.Tensors[i].Shape[j] = width
				}
			}
		}
		base.Config["intermediate_size"] = width
		dir := t.TempDir()
		if err := base.Write(dir, false); err != nil {
			t.Fatal(err)
		}
		for i, c := range codings {
			if c.group > 0 && width%c.group != 0 || c.codes == ir.Float4E2M1 && width%2 == 1 {
				if problems := Cannot(c.coded(t, dir, 0)); len(problems) != 2 || !strings.Contains(problems[0].Message, "whole number") {
					t.Errorf("%s, width %d: %v", c.name, width, problems)
				}
				continue
			}
			m := c.coded(t, dir, []int{0, 1, 4}[i%3])
			if problems := Cannot(m.Header()); len(problems) > 0 {
				t.Errorf("%s: %v", c.name, problems)
				continue
			}
			files := written(t, m)
			if !strings.Contains(string(files[configName]), `"format": "`+c.format+`"`) {
				t.Errorf("%s: config.json is\n%s", c.name, files[configName])
			}
			out := t.TempDir()
			for name, b := range files {
				os.WriteFile(filepath.Join(out, name), b, 0o666)
			}
			back := open(t, out)
			if len(back.Notes) > 0 {
				t.Errorf("%s: %v", c.name, back.Notes)
			}
			for _, x := range m.Graph.Tensors() {
				y := back.Graph.Tensor(x.Name)
				if c.zeros && strings.HasSuffix(x.Name, "zero_point") {
					continue
				}
				if y == nil && strings.HasSuffix(x.Name, "_global_scale") {
					continue
				}
				if y == nil || !slices.Equal(x.Shape, y.Shape) {
					t.Errorf("%s: %s %s %v is read back as %v", c.name, x.Name, x.DType, x.Shape, y)
					continue
				}
				p, _ := x.Bytes()
				q, err := y.Bytes()
				if err != nil {
					t.Fatal(err)
				}
				if x.DType == ir.Uint8 && y.DType == ir.Int8 { // int-quantized has no unsigned codes
					q = slices.Clone(q)
					for i := range q {
						q[i] ^= 0x80
					}
				}
				if !bytes.Equal(p, q) {
					t.Errorf("%s, width %d: %s has other bytes", c.name, width, x.Name)
				}
			}
			again := written(t, back)
			for name, b := range files {
				if !bytes.Equal(b, again[name]) {
					t.Errorf("%s, width %d: %s is written differently after reading", c.name, width, name)
				}
			}
			for _, l := range back.Layers() {
				if l.Type == "linear" && !l.Is("lm_head") && l.Weight.DType == ir.BFloat16 {
					t.Errorf("%s: %s is not quantized after reading", c.name, l.Name)
				}
			}
		}
	}
}

// Layers in different schemes become groups, which name their layers.
func TestGroups(t *testing.T) {
	dir := tiny(t, "Llama-3.2-1B")
	m := open(t, dir).Clone()
	for _, l := range m.Layers() {
		switch {
		case l.Is("ffn_down") && strings.Contains(l.Name, ".1."):
			codings[7].code(m, l, 0)
		case l.Is("ffn_gate"), l.Is("ffn_up"):
			codings[13].code(m, l, 0)
		case l.Is("attention"):
			codings[0].code(m, l, 0)
		}
	}
	files := written(t, m)
	want := `  "quantization_config": {
    "config_groups": {
      "group_0": {
        "format": "pack-quantized",
        "input_activations": null,
        "output_activations": null,
        "targets": [
          "re:.*\\.q_proj$",
          "re:.*\\.k_proj$",
          "re:.*\\.v_proj$",
          "re:.*\\.o_proj$"
        ],
        "weights": {
          "actorder": null,
          "block_structure": null,
          "dynamic": false,
          "group_size": 32,
          "num_bits": 4,
          "observer": "minmax",
          "observer_kwargs": {},
          "strategy": "group",
          "symmetric": true,
          "type": "int"
        }
      },
      "group_1": {
        "format": "float-quantized",
        "input_activations": {
          "actorder": null,
          "block_structure": null,
          "dynamic": true,
          "group_size": null,
          "num_bits": 8,
          "observer": null,
          "observer_kwargs": {},
          "strategy": "token",
          "symmetric": true,
          "type": "float"
        },
        "output_activations": null,
        "targets": [
          "re:.*\\.gate_proj$",
          "re:.*\\.up_proj$"
        ],
        "weights": {
          "actorder": null,
          "block_structure": null,
          "dynamic": false,
          "group_size": null,
          "num_bits": 8,
          "observer": "minmax",
          "observer_kwargs": {},
          "strategy": "channel",
          "symmetric": true,
          "type": "float"
        }
      },
      "group_2": {
        "format": "pack-quantized",
        "input_activations": null,
        "output_activations": null,
        "targets": [
          "model.layers.1.mlp.down_proj"
        ],
        "weights": {
          "actorder": null,
          "block_structure": null,
          "dynamic": false,
          "group_size": null,
          "num_bits": 8,
          "observer": "minmax",
          "observer_kwargs": {},
          "strategy": "channel",
          "symmetric": true,
          "type": "int"
        }
      }
    },
    "format": "mixed-precision",
    "global_compression_ratio": null,
    "ignore": [
      "model.layers.0.mlp.down_proj",
      "lm_head"
    ],
    "kv_cache_scheme": null,
    "quant_method": "compressed-tensors",
    "quantization_status": "compressed",
    "sparsity_config": {},
    "transform_config": {},
    "version": "0.18.0"
  },
`
	if got := string(files[configName]); !strings.Contains(got, want) {
		t.Errorf("config.json:\n%s", got)
	}
	out := t.TempDir()
	for name, b := range files {
		os.WriteFile(filepath.Join(out, name), b, 0o666)
	}
	again := written(t, open(t, out))
	for name, b := range files {
		if !bytes.Equal(b, again[name]) {
			t.Errorf("%s is written differently after reading", name)
		}
	}
}

// Codes that compressed-tensors has no place for are found before anything is written.
func TestCannot(t *testing.T) {
	dir := tiny(t, "Llama-3.2-1B")
	for _, tt := range []struct {
		want   string
		change func(m *ir.Model)
	}{
		{"not of embeddings", func(m *ir.Model) { codings[7].code(m, layer(m, "model.embed_tokens"), 0) }},
		{"q4_k is a block type of ggml", func(m *ir.Model) {
			m.Graph.SetTensor(&ir.Tensor{Name: "model.layers.0.mlp.up_proj.weight", DType: ir.Q4K, Shape: []int{96, 256}})
		}},
		{"a stack of 4 matrices", func(m *ir.Model) {
			l := layer(m, "model.layers.0.mlp.up_proj")
			turn := m.Graph.Producer(l.Node.Inputs[1])
			turn.SetAttr(ir.IntsAttr("perm", 0, 2, 1))
			turn.Inputs[0] = "numbers"
			m.Graph.SetTensor(ir.NewTensor(l.Weight.Name, ir.Int8, []int{4, 96, 64}, make([]byte, 4*96*64)))
			m.Graph.AddTensor(ir.FromFloat32s("scale", nil, []float32{1}))
			m.Graph.InsertBefore(turn, &ir.Node{Op: "DequantizeLinear", Inputs: []string{l.Weight.Name, "scale"}, Outputs: []string{"numbers"}})
		}},
		{"the value input_ids is quantized", func(m *ir.Model) {
			n := m.Graph.Nodes[len(m.Graph.Nodes)-1]
			m.Graph.InsertBefore(n, &ir.Node{Op: "QuantizeLinear", Inputs: []string{"input_ids", "input_ids"}, Outputs: []string{"codes"}})
		}},
		{"int8 and fp8_e4m3", func(m *ir.Model) {
			l := layer(m, "model.layers.0.mlp.up_proj")
			codings[0].code(m, l, 0)
			l.Node.SetAttr(ir.StringAttr("pare_activations", "uint8,dynamic,tensor"))
		}},
		{"no layout for fp8_e5m2", func(m *ir.Model) {
			coding{codes: ir.Float8E5M2}.code(m, layer(m, "model.layers.0.mlp.up_proj"), 0)
		}},
		{"one zero point for the whole tensor", func(m *ir.Model) {
			coding{codes: ir.Uint4, group: -1}.code(m, layer(m, "model.layers.0.mlp.up_proj"), 0)
		}},
		{"read from onnx", func(m *ir.Model) { m.Format = "onnx" }},
	} {
		m := open(t, dir).Clone()
		tt.change(m)
		problems := Cannot(m)
		if !slices.ContainsFunc(problems, func(p format.Problem) bool { return strings.Contains(p.Message, tt.want) }) {
			t.Errorf("want %q, got %v", tt.want, problems)
		}
		if _, err := Encode(m); err == nil {
			t.Errorf("%q is written", tt.want)
		}
	}
}

// Ranges of inputs that were measured are stored with the layer that reads them.
func TestStatic(t *testing.T) {
	dir := tiny(t, "Llama-3.2-1B")
	for _, tt := range []struct {
		weights coding
		zero    *ir.Tensor
		output  ir.DType // of QuantizeLinear, where no zero point tells it
		want    []string
	}{
		{coding{codes: ir.Int8, zeros: true}, ir.NewTensor("zero", ir.Int8, nil, []byte{0}), 0, []string{"input_scale"}},
		{coding{codes: ir.Int8, zeros: true}, ir.NewTensor("zero", ir.Int8, nil, []byte{0xf9}), 0, []string{"input_scale", "input_zero_point"}},
		{coding{codes: ir.Int8, zeros: true}, ir.NewTensor("zero", ir.Uint8, nil, []byte{3}), 0, []string{"input_scale", "input_zero_point"}},
		{coding{codes: ir.Float8E4M3FN, group: -1}, nil, ir.Float8E4M3FN, []string{"input_scale"}},
	} {
		m := open(t, dir).Clone()
		l := layer(m, "model.layers.1.mlp.down_proj")
		tt.weights.code(m, l, 0)
		m.Graph.AddTensor(ir.FromFloat32s("scale", nil, []float32{0.25}))
		q := &ir.Node{Name: "q", Op: "QuantizeLinear", Inputs: []string{l.Node.Inputs[0], "scale"}, Outputs: []string{"codes"}}
		dq := &ir.Node{Name: "dq", Op: "DequantizeLinear", Inputs: []string{"codes", "scale"}, Outputs: []string{"numbers"}}
		if tt.zero != nil {
			m.Graph.AddTensor(tt.zero)
			q.Inputs, dq.Inputs = append(q.Inputs, "zero"), append(dq.Inputs, "zero")
		} else {
			q.SetAttr(ir.IntAttr("output_dtype", int64(tt.output)))
		}
		l.Node.Inputs[0] = "numbers"
		m.Graph.InsertBefore(l.Node, q, dq)
		files := written(t, m)
		out := t.TempDir()
		for name, b := range files {
			os.WriteFile(filepath.Join(out, name), b, 0o666)
		}
		back := open(t, out)
		var got []string
		for _, x := range back.Graph.Tensors() {
			if name, ok := strings.CutPrefix(x.Name, l.Name+".input"); ok {
				got = append(got, "input"+name)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: tensors of the input are %v, want %v", tt.weights.codes, got, tt.want)
		}
		if b := back.Graph.Index(); b.InputScheme(new(layer(back, l.Name))).Asymmetric != (len(tt.want) == 2) {
			t.Errorf("%s: the input's scheme is %+v", tt.weights.codes, b.InputScheme(new(layer(back, l.Name))))
		}
		for name, b := range written(t, back) {
			if !bytes.Equal(b, files[name]) {
				t.Errorf("%s: %s is written differently after reading", tt.weights.codes, name)
			}
		}
	}
}

// Where rows and columns were removed the configuration says the new sizes, or it is said why it cannot.
func TestSizes(t *testing.T) {
	shrink := func(m *ir.Model, name string, axis, to int) {
		w := m.Graph.Tensor(name)
		shape := slices.Clone(w.Shape)
		shape[axis] = to
		size, _ := ir.ByteSize(w.DType, shape)
		m.Graph.SetTensor(ir.NewTensor(name, w.DType, shape, make([]byte, size)))
	}
	for _, name := range []string{"Llama-3.2-1B", "gpt2", "Mixtral-8x7B-v0.1", "Qwen3-30B-A3B", "glm-4-9b", "bert-base-uncased"} {
		dir := tiny(t, name)
		m := open(t, dir).Clone()
		done := map[string]bool{}
		cut := func(only string) {
			for _, w := range m.Graph.Tensors() {
				for axis, d := range w.Shape {
					if (d == 96 || d == 192 && name == "glm-4-9b") && strings.Contains(w.Name, only) && !done[w.Name] {
						done[w.Name] = true
						shrink(m, w.Name, axis, d/2)
					}
				}
			}
		}
		cut(map[bool]string{true: ".0.", false: "h.0."}[name != "gpt2"])
		if problems := Cannot(m.Header()); len(problems) != 1 || !strings.Contains(problems[0].Message, "96 wide") {
			t.Errorf("%s: %v", name, problems)
		}
		cut("")
		out := t.TempDir()
		for file, b := range written(t, m) {
			os.WriteFile(filepath.Join(out, file), b, 0o666)
		}
		before, _ := os.ReadFile(filepath.Join(dir, configName))
		after, _ := os.ReadFile(filepath.Join(out, configName))
		if want := strings.Replace(string(before), ": 96", ": 48", 1); name != "Qwen3-30B-A3B" && string(after) != want {
			t.Errorf("%s: config.json is\n%s", name, after)
		}
		open(t, out)
	}
	m := open(t, tiny(t, "Llama-3.2-1B")).Clone()
	shrink(m, "model.embed_tokens.weight", 0, 99)
	if problems := Cannot(m); len(problems) != 1 || !strings.Contains(problems[0].Message, "model.embed_tokens.weight has 99 rows") {
		t.Errorf("%v", problems)
	}
}

// The type of the weights is told by the configuration.
func TestType(t *testing.T) {
	base := archtest.Named(archtest.Tiny(), "Llama-3.2-1B")
	base.Config["torch_dtype"] = "bfloat16"
	dir := t.TempDir()
	if err := base.Write(dir, false); err != nil {
		t.Fatal(err)
	}
	m := open(t, dir).Clone()
	for _, w := range m.Graph.Tensors() {
		m.Graph.SetTensor(ir.NewTensor(w.Name, ir.Float32, w.Shape, make([]byte, 4*w.Len())))
	}
	if config := string(written(t, m)[configName]); !strings.Contains(config, `"torch_dtype": "float32"`) {
		t.Errorf("config.json is\n%s", config)
	}
}

func layer(m *ir.Model, name string) ir.Layer {
	l, ok := m.Layer(name)
	if !ok {
		panic(name)
	}
	return l
}

// Ranges of computed tensors are those of the whole.
func TestRanges(t *testing.T) {
	for _, columns := range []int{7, 8, 33, 64} {
		for _, align := range []int{0, 1, 4, 12} {
			r := rand.New(rand.NewPCG(2, uint64(columns)))
			const rows = 48
			b := make([]byte, rows*columns/2)
			for i := range b {
				b[i] = byte(r.Uint32())
			}
			src := ir.NewTensor("s", ir.Int4, []int{rows, columns}, b)
			if align > 0 {
				src = ir.RangeTensor("s", ir.Int4, []int{rows, columns}, align, func(dst []byte, off int64) error {
					if int(off)%align != 0 || (int(off)+len(dst))%align != 0 && int(off)+len(dst) != len(b) {
						return fmt.Errorf("range %d+%d of %d, align %d", off, len(dst), len(b), align)
					}
					copy(dst, b[off:])
					return nil
				})
			}
			words := (columns*4 + 31) / 32
			from, to := pitch{columns, 4, columns * 4}, pitch{columns, 4, words * 32}
			packed := repacked(src, "p", ir.Int32, []int{rows, words}, rows, from, to, 8)
			whole, err := packed.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			if a := packed.Align(); a > 0 {
				var parts []byte
				for off := 0; off < len(whole); off += a {
					part := make([]byte, min(a, len(whole)-off))
					if err := packed.ReadRange(part, int64(off)); err != nil {
						t.Fatal(err)
					}
					parts = append(parts, part...)
				}
				if !bytes.Equal(parts, whole) {
					t.Errorf("%d columns, align %d: ranges differ from the whole", columns, align)
				}
			}
			for i := range rows * columns {
				at := i/columns*words*8 + i%columns
				if got, want := whole[at/2]>>(at%2*4)&15, b[i/2]>>(i%2*4)&15^8; got != want {
					t.Fatalf("%d columns: code %d is %d, want %d", columns, i, got, want)
				}
			}
			back := repacked(packed, "b", ir.Int4, []int{rows, columns}, rows, to, from, 8)
			if got, err := back.Bytes(); err != nil || !bytes.Equal(got, b) {
				t.Errorf("%d columns, align %d: not the same after packing and unpacking: %v", columns, align, err)
			}
		}
	}
}

func TestSetMember(t *testing.T) {
	for _, tt := range []struct{ text, value, want string }{
		{"{}", "1", "{\n  \"k\": 1\n}"},
		{"{\n  \"a\": 1,\n  \"z\": 2\n}\n", "{}", "{\n  \"a\": 1,\n  \"k\": {},\n  \"z\": 2\n}\n"},
		{"{\n  \"a\": 1\n}\n", "{}", "{\n  \"a\": 1,\n  \"k\": {}\n}\n"},
		{"{\n  \"z\": 1,\n  \"a\": 1\n}\n", "3", "{\n  \"z\": 1,\n  \"a\": 1,\n  \"k\": 3\n}\n"},
		{"{\"a\": 1, \"k\": [1], \"b\": 2}", "3", "{\"a\": 1, \"k\": 3, \"b\": 2}"},
		{"{\"a\": 1, \"k\": [1], \"b\": 2}", "", "{\"a\": 1, \"b\": 2}"},
		{"{\"a\": 1, \"k\": [1]}", "", "{\"a\": 1}"},
		{"{\"k\": [1]}", "", "{}"},
		{"{\"a\": 1}", "", "{\"a\": 1}"},
	} {
		root, err := strictjson.Parse([]byte(tt.text))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(setMember([]byte(tt.text), root, "k", tt.value)); got != tt.want {
			t.Errorf("%q with %q: %q, want %q", tt.text, tt.value, got, tt.want)
		}
	}
}
