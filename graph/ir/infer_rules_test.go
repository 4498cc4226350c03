package ir_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
)

// arg reads what is known of an input: "batch 3 8" a float32 of this shape, "i64 2" another type, "=1,-1,batch,?" int64
// elements, "-" an input left out, "??" one of unknown rank, "." a scalar.
func arg(t *testing.T, s string) ir.Info {
	t.Helper()
	if s == "-" {
		return ir.Info{}
	}
	if s == "??" {
		return ir.Info{DType: ir.Float32}
	}
	if list, ok := strings.CutPrefix(s, "="); ok {
		info := ir.Info{DType: ir.Int64, Elems: []ir.Elem{}}
		for _, e := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' }) {
			n, err := strconv.ParseInt(e, 10, 64)
			switch {
			case err == nil:
				info.Elems = append(info.Elems, ir.Elem{Known: true, Value: n})
			case e == "?":
				info.Elems = append(info.Elems, ir.Elem{})
			default:
				info.Elems = append(info.Elems, ir.Elem{Name: e})
			}
		}
		info.Shape = ir.ShapeOf(len(info.Elems))
		return info
	}
	info := ir.Info{DType: ir.Float32, Shape: ir.Shape{}}
	for _, w := range strings.Fields(s) {
		switch w {
		case "i64":
			info.DType = ir.Int64
		case "i8":
			info.DType = ir.Int8
		case "u8":
			info.DType = ir.Uint8
		case "f16":
			info.DType = ir.Float16
		case ".":
		case "?":
			info.Shape = append(info.Shape, ir.Unknown)
		default:
			d := ir.Dim{Size: -1, Name: w}
			if n, err := strconv.ParseInt(w, 10, 64); err == nil {
				d = ir.Dim{Size: n}
			}
			info.Shape = append(info.Shape, d)
		}
	}
	return info
}

// show is arg's counterpart: float32 goes without saying.
func show(info ir.Info) string {
	var words []string
	if info.DType != ir.Float32 {
		words = append(words, info.DType.String())
	}
	words = append(words, info.Shape.String())
	if info.Elems != nil {
		var list []string
		for _, e := range info.Elems {
			switch {
			case e.Known:
				list = append(list, fmt.Sprint(e.Value))
			case e.Name != "":
				list = append(list, e.Name)
			default:
				list = append(list, "?")
			}
		}
		words = append(words, "="+strings.Join(list, ","))
	}
	return strings.Join(words, " ")
}

func ints(name string, v ...int64) ir.Attr { return ir.IntsAttr(name, v...) }
func num(name string, v int64) ir.Attr     { return ir.IntAttr(name, v) }

var inferCases = []struct {
	op    string
	opset int64
	attrs []ir.Attr
	in    string // inputs, separated by |
	want  string // outputs, separated by |; "!" and a part of the error
}{
	{"Relu", 17, nil, "batch 3 8", "[batch 3 8]"},
	{"Sqrt", 17, nil, "f16 2", "float16 [2]"},
	{"Softmax", 11, []ir.Attr{num("axis", 1)}, "2 3", "[2 3]"},
	{"Clip", 11, nil, "2 3|.|.", "[2 3]"},
	{"Clip", 6, []ir.Attr{ir.FloatAttr("min", 0)}, "2 3", "[2 3]"},

	{"Add", 17, nil, "batch 8 4 4|8 1 1", "[batch 8 4 4]"},
	{"Add", 17, nil, "5|2 1", "[2 5]"},
	{"Add", 17, nil, ".|.", "[]"},
	{"Mul", 17, nil, "batch 3|batch 1", "[batch 3]"},
	{"Mul", 17, nil, "batch 3|other 3", "[? 3]"},
	{"Add", 17, nil, "2 3|4", "!do not fit"},
	{"Add", 17, nil, "2 3|??", "unknown"},
	{"Mul", 17, nil, "=2,batch,?|=3,1,0", "int64 [3] =6,batch,0"},
	{"Sub", 17, nil, "=7|=2", "int64 [1] =5"},
	{"Div", 17, nil, "=7,-7|=2", "int64 [2] =3,-3"},
	{"Div", 17, nil, "=7|=0", "int64 [1] =?"},
	{"Max", 17, nil, "2 1|1 3|1", "[2 3]"},
	{"Less", 17, nil, "2|1", "bool [2]"},
	{"Where", 17, nil, "3|2 1|.", "[2 3]"},
	{"Pow", 15, nil, "2 3|i64 .", "[2 3]"},
	{"PRelu", 9, nil, "batch 3 4 4|3 1 1", "[batch 3 4 4]"},
	{"PRelu", 9, nil, "batch 3 4 4|3", "!does not fit"},
	{"PRelu", 6, nil, "batch 3 4 4|3", "[batch 3 4 4]"},

	{"Conv", 11, nil, "batch 3 32 30|8 3 3 5", "[batch 8 30 26]"},
	{"Conv", 11, []ir.Attr{ints("pads", 1, 1, 1, 1), ints("strides", 2, 2)}, "batch 3 32 31|8 3 3 3", "[batch 8 16 16]"},
	{"Conv", 11, []ir.Attr{ints("pads", 1, 0, 2, 0)}, "1 1 5 5|1 1 3 3", "[1 1 6 3]"},
	{"Conv", 11, []ir.Attr{ints("dilations", 2, 3)}, "1 1 9 9|1 1 3 3", "[1 1 5 3]"},
	{"Conv", 11, []ir.Attr{num("group", 4)}, "1 4 9 9|8 1 3 3", "[1 8 7 7]"},
	{"Conv", 11, []ir.Attr{ir.StringAttr("auto_pad", "SAME_UPPER"), ints("strides", 2, 2)}, "1 1 7 8|1 1 3 3", "[1 1 4 4]"},
	{"Conv", 11, []ir.Attr{ir.StringAttr("auto_pad", "VALID")}, "1 1 7 8|1 1 3 3", "[1 1 5 6]"},
	{"Conv", 11, nil, "batch 3 h w|8 3 3 3", "[batch 8 ? ?]"},
	{"Conv", 11, nil, "batch 3 100|8 3 4", "[batch 8 97]"},
	{"Conv", 11, nil, "batch 4 8 8|8 3 3 3", "!takes 3"},
	{"Conv", 11, nil, "batch 3 2 2|8 3 3 3", "!does not fit"},
	{"Conv", 11, []ir.Attr{ints("strides", 0, 1)}, "1 1 4 4|1 1 3 3", "!strides is [0 1]"},
	{"Conv", 11, []ir.Attr{ints("strides", 1)}, "1 1 4 4|1 1 3 3", "!strides has 1"},
	{"Conv", 11, []ir.Attr{ints("kernel_shape", 5, 5)}, "1 1 4 4|1 1 3 3", "!kernel_shape is [5 5]"},
	{"ConvInteger", 10, nil, "u8 1 1 4 4|u8 1 1 3 3", "int32 [1 1 2 2]"},
	{"QLinearConv", 10, nil, "u8 1 1 4 4|.|u8 .|i8 2 1 3 3|.|i8 .|.|u8 .", "uint8 [1 2 2 2]"},
	{"ConvTranspose", 11, []ir.Attr{ints("strides", 2, 2)}, "1 4 5 5|4 3 2 2", "[1 3 10 10]"},
	{"ConvTranspose", 11, []ir.Attr{ints("strides", 2, 2), ints("pads", 1, 1, 1, 1), ints("output_padding", 1, 1), num("group", 2)},
		"1 4 5 5|4 3 3 3", "[1 6 10 10]"},

	{"MaxPool", 12, []ir.Attr{ints("kernel_shape", 3, 3), ints("strides", 2, 2), ints("pads", 1, 1, 1, 1)}, "batch 8 32 32", "[batch 8 16 16]"},
	{"MaxPool", 12, []ir.Attr{ints("kernel_shape", 2, 2), ints("strides", 2, 2), num("ceil_mode", 1)}, "1 1 5 5", "[1 1 3 3]"},
	{"MaxPool", 12, []ir.Attr{ints("kernel_shape", 1, 1), ints("strides", 4, 4), num("ceil_mode", 1), ints("pads", 0, 0, 3, 3)}, "1 1 6 6", "[1 1 2 2]"},
	{"AveragePool", 11, nil, "1 1 5 5", "!kernel_shape"},
	{"GlobalAveragePool", 1, nil, "batch 8 h w", "[batch 8 1 1]"},

	{"Gemm", 13, []ir.Attr{num("transB", 1)}, "batch 8|10 8|10", "[batch 10]"},
	{"Gemm", 13, nil, "batch 8|8 10|3", "!does not fit"},
	{"Gemm", 13, nil, "batch 8|10 8", "!cannot be multiplied"},
	{"Gemm", 7, []ir.Attr{num("transA", 1)}, "8 batch|8 10", "[batch 10]"},
	{"MatMul", 13, nil, "batch 5 8|8 10", "[batch 5 10]"},
	{"MatMul", 13, nil, "8|8 10", "[10]"},
	{"MatMul", 13, nil, "5 8|8", "[5]"},
	{"MatMul", 13, nil, "8|8", "[]"},
	{"MatMul", 13, nil, "7 1 5 8|3 8 2", "[7 3 5 2]"},
	{"MatMul", 13, nil, "5 8|7 2", "!cannot be multiplied"},
	{"MatMulInteger", 10, nil, "u8 5 8|u8 8 2", "int32 [5 2]"},

	{"BatchNormalization", 15, nil, "batch 8 4 4|8|8|8|8", "[batch 8 4 4]"},
	{"BatchNormalization", 15, []ir.Attr{num("training_mode", 1)}, "batch 8 4 4|8|8|8|8", "[batch 8 4 4]|[8]|[8]"},
	{"BatchNormalization", 7, nil, "batch 8 4 4|8|8|8|8", "[batch 8 4 4]|[8]|[8]|[8]|[8]"},
	{"BatchNormalization", 15, nil, "batch 8 4 4|7|8|8|8", "!7 elements for 8 channels"},
	{"LayerNormalization", 17, []ir.Attr{num("axis", -1)}, "batch 5 8|8|8", "[batch 5 8]|[batch 5 1]|[batch 5 1]"},
	{"Dropout", 12, nil, "2 3", "[2 3]|bool [2 3]"},
	{"Dropout", 7, nil, "2 3", "[2 3]|[2 3]"},

	{"ReduceMean", 13, []ir.Attr{ints("axes", 2, 3)}, "batch 8 4 4", "[batch 8 1 1]"},
	{"ReduceMean", 18, []ir.Attr{num("keepdims", 0)}, "batch 8 4 4|=-1,-2", "[batch 8]"},
	{"ReduceSum", 13, nil, "batch 8|i64 ?", "[? ?]"},
	{"ReduceSum", 13, nil, "batch 8", "[1 1]"},
	{"ReduceSum", 13, []ir.Attr{num("noop_with_empty_axes", 1)}, "batch 8|=", "[batch 8]"},
	{"ReduceSum", 11, []ir.Attr{ints("axes", 1)}, "batch 8", "[batch 1]"},
	{"ReduceSum", 11, []ir.Attr{ints("axes", 2)}, "batch 8", "!axis 2 is outside"},
	{"ArgMax", 13, []ir.Attr{num("axis", 1), num("keepdims", 0)}, "batch 10", "int64 [batch]"},

	{"Pad", 11, nil, "batch 1 4 4|=0,0,1,2,0,0,3,4", "[batch 1 8 10]"},
	{"Pad", 2, []ir.Attr{ints("pads", 0, 1, 0, 1)}, "batch 4", "[batch 6]"},
	{"Pad", 18, nil, "batch 4|=1,2|-|=1", "[batch 7]"},
	{"Pad", 11, nil, "batch 4|=0,1", "!needs 4 numbers"},
	{"Pad", 11, nil, "batch 4|=0,-3,0,-2", "!cut more"},
	{"Pad", 11, nil, "batch 4|i64 4", "[? ?]"},

	{"Flatten", 13, nil, "batch 8 4 4", "[batch 128]"},
	{"Flatten", 13, []ir.Attr{num("axis", 0)}, "2 3", "[1 6]"},
	{"Flatten", 13, []ir.Attr{num("axis", -1)}, "2 3 4", "[6 4]"},
	{"Flatten", 9, nil, "batch ? 4", "[batch ?]"},
	{"Reshape", 14, nil, "batch 8 4 4|=0,-1", "[batch 128]"},
	{"Reshape", 14, nil, "batch 8 4 4|=-1,128", "[batch 128]"},
	{"Reshape", 14, nil, "batch 8 4 4|=batch,-1", "[batch 128]"},
	{"Reshape", 14, nil, "batch 8 4 4|=-1,64", "[? 64]"},
	{"Reshape", 14, nil, "2 8|=4,-1", "[4 4]"},
	{"Reshape", 14, nil, "2 8|=5,-1", "!do not divide"},
	{"Reshape", 14, nil, "2 8|=5,4", "!has 16 elements"},
	{"Reshape", 14, nil, "2 8|=-1,-1", "!twice"},
	{"Reshape", 14, nil, "2 8|=-3,2", "!negative"},
	{"Reshape", 14, nil, "2 8|=2,8,0", "!keeps dimension 2"},
	{"Reshape", 14, []ir.Attr{num("allowzero", 1)}, "0 8|=4,0", "[4 0]"},
	{"Reshape", 14, nil, "2 8|i64 3", "[? ? ?]"},
	{"Reshape", 1, []ir.Attr{ints("shape", 4, -1)}, "2 8", "[4 4]"},
	{"Transpose", 13, nil, "batch 2 3", "[3 2 batch]"},
	{"Transpose", 13, []ir.Attr{ints("perm", 0, 2, 1)}, "batch 2 3", "[batch 3 2]"},
	{"Transpose", 13, []ir.Attr{ints("perm", 0, 0, 1)}, "batch 2 3", "!stands twice"},
	{"Concat", 13, []ir.Attr{num("axis", 1)}, "batch 3 4|batch 5 4", "[batch 8 4]"},
	{"Concat", 13, []ir.Attr{num("axis", -1)}, "2 3|2 ?", "[2 ?]"},
	{"Concat", 13, []ir.Attr{num("axis", 1)}, "2 3|3 3", "!differ outside"},
	{"Concat", 13, []ir.Attr{num("axis", 0)}, "=batch|=2,?", "int64 [3] =batch,2,?"},
	{"Split", 11, []ir.Attr{ints("split", 2, 6), num("axis", 1)}, "batch 8", "[batch 2]|[batch 6]"},
	{"Split", 13, []ir.Attr{num("axis", 1)}, "batch 8|=3,5", "[batch 3]|[batch 5]"},
	{"Split", 13, []ir.Attr{num("axis", 1)}, "batch 8", "[batch 4]|[batch 4]"},
	{"Split", 18, []ir.Attr{num("axis", 0), num("num_outputs", 3)}, "7", "[3]|[3]|[1]"},
	{"Split", 13, []ir.Attr{num("axis", 0)}, "7", "!does not divide|"},
	{"Split", 13, []ir.Attr{num("axis", 1)}, "batch 8|=3,4", "!adds up to 7|"},
	{"Split", 13, nil, "=1,2,3,4", "int64 [2] =1,2|int64 [2] =3,4"},
	{"Slice", 13, nil, "batch 8 10|=1,0|=6,-1|=1,2", "[batch 5 9]"},
	{"Slice", 13, nil, "10|=8|=1|=0|=-3", "[3]"},
	{"Slice", 13, nil, "10|=-1|=-9223372036854775808|=0|=-1", "[10]"},
	{"Slice", 13, nil, "batch 8|=0|=9223372036854775807|=0", "[batch 8]"},
	{"Slice", 13, nil, "batch 8|i64 1|i64 1|=1", "[batch ?]"},
	{"Slice", 9, []ir.Attr{ints("starts", 2), ints("ends", 5), ints("axes", 0)}, "10", "[3]"},
	{"Slice", 13, nil, "=9,batch,7|=1|=3", "int64 [2] =batch,7"},
	{"Slice", 13, nil, "10|=0|=5|=0|=0", "!no step may be 0"},
	{"Squeeze", 11, []ir.Attr{ints("axes", 2, -1)}, "batch 8 1 1", "[batch 8]"},
	{"Squeeze", 13, nil, "batch 8 1 1|=2,3", "[batch 8]"},
	{"Squeeze", 13, nil, "1 8 1", "[8]"},
	{"Squeeze", 13, nil, "batch 1", "unknown"},
	{"Squeeze", 13, nil, "batch 8|=1", "!is not 1"},
	{"Unsqueeze", 11, []ir.Attr{ints("axes", 0, -1)}, "batch 8", "[1 batch 8 1]"},
	{"Unsqueeze", 13, nil, "batch 8|=1", "[batch 1 8]"},
	{"Unsqueeze", 13, nil, "=5|=0", "int64 [1 1] =5"},
	{"Unsqueeze", 13, nil, "8|=0,0", "!stands twice"},

	{"Shape", 13, nil, "batch 3 ?", "int64 [3] =batch,3,?"},
	{"Shape", 15, []ir.Attr{num("start", -2), num("end", 2)}, "batch 3 5", "int64 [1] =3"},
	{"Size", 13, nil, "2 3 4", "int64 [] =24"},
	{"Gather", 13, nil, "=batch,3,5|=-1,0", "int64 [2] =5,batch"},
	{"Gather", 13, nil, "100 16|i64 batch 7", "[batch 7 16]"},
	{"Gather", 13, []ir.Attr{num("axis", 1)}, "batch 8 4|i64 .", "[batch 4]"},
	{"Gather", 13, nil, "=1,2|=2", "!outside a vector of 2"},
	{"Cast", 13, []ir.Attr{num("to", int64(ir.Float16))}, "batch 3", "float16 [batch 3]"},
	{"Cast", 13, []ir.Attr{num("to", int64(ir.Int64))}, "=1,batch", "int64 [2] =1,batch"},
	{"Identity", 13, nil, "=1,batch", "int64 [2] =1,batch"},
	{"ConstantOfShape", 9, nil, "=2,batch", "[2 batch]"},
	{"ConstantOfShape", 9, []ir.Attr{ir.TensorAttr("value", ir.FromInt64s("", []int{1}, []int64{7}))}, "=3", "int64 [3] =7,7,7"},
	{"Expand", 13, nil, "3 1|=2,1,6", "[2 3 6]"},
	{"Tile", 13, nil, "batch 3|=1,4", "[batch 12]"},
	{"Range", 11, nil, "=2|=9|=3", "int64 [3] =2,5,8"},
	{"Range", 11, nil, "=2|=9|=0", "!steps of 0"},
	{"DepthToSpace", 13, []ir.Attr{num("blocksize", 2)}, "batch 8 4 5", "[batch 2 8 10]"},
	{"SpaceToDepth", 13, []ir.Attr{num("blocksize", 2)}, "batch 2 8 10", "[batch 8 4 5]"},
	{"DepthToSpace", 13, []ir.Attr{num("blocksize", 3)}, "batch 8 4 5", "!does not divide"},
	{"TopK", 11, nil, "batch 100|=5", "[batch 5]|int64 [batch 5]"},
	{"LSTM", 14, []ir.Attr{num("hidden_size", 7), ir.StringAttr("direction", "bidirectional")}, "12 batch 5|2 28 5|2 28 7",
		"[12 2 batch 7]|[2 batch 7]|[2 batch 7]"},

	{"QuantizeLinear", 13, nil, "batch 3|.|i8 .", "int8 [batch 3]"},
	{"QuantizeLinear", 13, nil, "batch 3|.", "uint8 [batch 3]"},
	{"QuantizeLinear", 21, []ir.Attr{num("output_dtype", int64(ir.Int4))}, "batch 3|.", "int4 [batch 3]"},
	{"DequantizeLinear", 13, nil, "u8 batch 3|.|u8 .", "[batch 3]"},
	{"DequantizeLinear", 19, nil, "u8 3|f16 .", "float16 [3]"},
	{"DynamicQuantizeLinear", 11, nil, "batch 3", "uint8 [batch 3]|[]|uint8 []"},

	{"Nonsense", 13, nil, "batch 3", "undefined unknown"},
}

func TestInferNode(t *testing.T) {
	for _, c := range inferCases {
		n := &ir.Node{Op: c.op, Attrs: c.attrs}
		var in []ir.Info
		for i, s := range strings.Split(c.in, "|") {
			name := fmt.Sprintf("in%d", i)
			if s == "-" {
				name = ""
			}
			n.Inputs = append(n.Inputs, name)
			in = append(in, arg(t, s))
		}
		for i := range strings.Count(c.want, "|") + 1 {
			n.Outputs = append(n.Outputs, fmt.Sprintf("out%d", i))
		}
		id := fmt.Sprintf("%s-%d(%s)", c.op, c.opset, c.in)
		out, err := ir.InferNode(n, c.opset, in)
		if part, wrong := strings.CutPrefix(strings.TrimSuffix(c.want, "|"), "!"); wrong {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: error %v, want %q", id, err, part)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		var got []string
		for _, o := range out {
			got = append(got, show(o))
		}
		if g := strings.Join(got, "|"); g != c.want {
			t.Errorf("%s: %s, want %s", id, g, c.want)
		}
	}
}

// No operator panics on inputs of any rank, nor on none at all.
func TestInferNodeOddInputs(t *testing.T) {
	infos := []ir.Info{{}, {DType: ir.Float32, Shape: ir.Shape{}}, {DType: ir.Int64, Shape: ir.ShapeOf(0), Elems: []ir.Elem{}},
		{DType: ir.Float32, Shape: ir.Shape{{Size: 1 << 62}}}, {DType: ir.Float32, Shape: ir.ShapeOf(2, 0, 3, 4)},
		{DType: ir.Int64, Shape: ir.ShapeOf(3), Elems: []ir.Elem{{Known: true, Value: -1 << 63}, {Known: true, Value: 1<<63 - 1}, {}}},
		{DType: ir.Int64, Shape: ir.ShapeOf(5), Elems: []ir.Elem{{Known: true, Value: 1}}}, // fewer elements than the shape says
		{DType: ir.Int64, Shape: ir.Shape{}, Elems: []ir.Elem{{Known: true}}}}
	attrs := [][]ir.Attr{nil, {num("axis", -1<<63), num("blocksize", 1<<62), num("group", -1), num("to", 1<<40)},
		{ints("axes", -1<<63, 1<<62), ints("pads", 1<<62), ints("split", -1), ints("kernel_shape", 1<<62, 1<<62), ints("perm", 9)},
		{ints("kernel_shape"), ints("strides"), ints("pads"), ints("axes"), ints("split")}}
	seen := map[string]bool{}
	for _, c := range inferCases {
		if seen[c.op] {
			continue
		}
		seen[c.op] = true
		for _, a := range append(attrs, c.attrs) {
			for inputs := range 4 {
				for outputs := range 3 {
					for i := range infos {
						n := &ir.Node{Op: c.op, Attrs: a}
						var in []ir.Info
						for j := range inputs {
							n.Inputs = append(n.Inputs, "x")
							in = append(in, infos[(i*(j+1)+j)%len(infos)])
						}
						for range outputs {
							n.Outputs = append(n.Outputs, "y")
						}
						for _, opset := range []int64{1, 9, 13, 21} {
							ir.InferNode(n, opset, in)
						}
					}
				}
			}
		}
	}
}
