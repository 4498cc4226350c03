package exec

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
	"github.com/pare-ml/pare/internal/rng"
)

// opCase is one operator on small inputs.
type opCase struct {
	name   string
	op     string
	opset  int64        // 0: 17
	inputs [][]int      // shapes of float inputs, all of which are graph inputs
	fixed  []*ir.Tensor // after them: constants; nil: left out
	attrs  []ir.Attr
	outs   int                            // 0: 1
	shift  float32                        // added to every value
	change func(i int, v float32) float32 // of input i
	skip   []int                          // inputs without a gradient
	also   []string                       // constants whose gradient the golden digests cover
}

func (o opCase) model() *ir.Model {
	opset := o.opset
	if opset == 0 {
		opset = 17
	}
	b := build.New("case", opset)
	var names []string
	for i, shape := range o.inputs {
		dims := make([]any, len(shape))
		for d, n := range shape {
			dims[d] = n
		}
		names = append(names, b.Input(fmt.Sprintf("x%d", i), ir.Float32, dims...))
	}
	for _, t := range o.fixed {
		if t == nil {
			names = append(names, "")
		} else {
			names = append(names, b.Tensor(t))
		}
	}
	outs := b.Ops(o.op, "node", max(1, o.outs), names, o.attrs...)
	for _, out := range outs {
		b.Output(out, ir.Undefined)
	}
	return b.Model()
}

// values makes inputs whose elements are apart from each other and from zero, so that a small step crosses no kink.
func (o opCase) values() map[string]*Array {
	in := map[string]*Array{}
	for i, shape := range o.inputs {
		r := rng.New(1, o.name, fmt.Sprint(i))
		a := NewArray(ir.Float32, shape...)
		n := a.Len()
		for k, p := range r.Perm(n) {
			v := (float32(p)+0.37+0.2*float32(i))*0.0729 - float32(n)*0.0729/2 + o.shift
			if o.change != nil {
				v = o.change(i, v)
			}
			a.Float32s()[k] = v
		}
		in[fmt.Sprintf("x%d", i)] = a
	}
	return in
}

func positive(_ int, v float32) float32 { return float32(math.Abs(float64(v))) + 0.3 }

// awayFrom keeps values clear of kinks at ±at.
func awayFrom(at float64) func(int, float32) float32 {
	return func(_ int, v float32) float32 {
		if math.Abs(math.Abs(float64(v))-at) < 0.02 {
			v *= 1.02
		}
		return v
	}
}

func ints(name string, v ...int64) *ir.Tensor { return ir.FromInt64s(name, []int{len(v)}, v) }

func scalar(name string, v float32) *ir.Tensor { return ir.FromFloat32s(name, nil, []float32{v}) }

var opCases = []opCase{
	{name: "conv", op: "Conv", inputs: [][]int{{2, 3, 5, 6}, {4, 3, 3, 3}, {4}}, attrs: []ir.Attr{ir.IntsAttr("pads", 1, 1, 1, 1)}},
	{name: "conv stride", op: "Conv", inputs: [][]int{{2, 2, 7, 6}, {3, 2, 3, 2}}, attrs: []ir.Attr{ir.IntsAttr("pads", 1, 0, 2, 1), ir.IntsAttr("strides", 2, 3)}},
	{name: "conv groups", op: "Conv", inputs: [][]int{{2, 4, 5, 5}, {6, 2, 3, 3}, {6}}, attrs: []ir.Attr{ir.IntAttr("group", 2), ir.IntsAttr("dilations", 2, 1)}},
	{name: "conv depthwise", op: "Conv", inputs: [][]int{{2, 3, 5, 5}, {3, 1, 3, 3}}, attrs: []ir.Attr{ir.IntAttr("group", 3), ir.StringAttr("auto_pad", "SAME_UPPER"), ir.IntsAttr("strides", 2, 2)}},
	{name: "conv 1d", op: "Conv", inputs: [][]int{{2, 3, 9}, {4, 3, 3}, {4}}, attrs: []ir.Attr{ir.IntsAttr("strides", 2), ir.IntsAttr("pads", 1, 1)}},
	{name: "conv transpose", op: "ConvTranspose", inputs: [][]int{{2, 4, 3, 4}, {4, 2, 3, 3}, {4}}, attrs: []ir.Attr{ir.IntAttr("group", 2), ir.IntsAttr("strides", 2, 2), ir.IntsAttr("pads", 1, 0, 0, 1), ir.IntsAttr("output_padding", 1, 1)}},
	{name: "max pool", op: "MaxPool", inputs: [][]int{{2, 2, 5, 6}}, attrs: []ir.Attr{ir.IntsAttr("kernel_shape", 3, 2), ir.IntsAttr("strides", 2, 1), ir.IntsAttr("pads", 1, 0, 1, 1)}},
	{name: "max pool halves", op: "MaxPool", inputs: [][]int{{2, 2, 6, 6}}, attrs: []ir.Attr{ir.IntsAttr("kernel_shape", 2, 2), ir.IntsAttr("strides", 2, 2)}},
	{name: "average pool", op: "AveragePool", inputs: [][]int{{2, 2, 5, 6}}, attrs: []ir.Attr{ir.IntsAttr("kernel_shape", 3, 2), ir.IntsAttr("strides", 2, 1), ir.IntsAttr("pads", 1, 0, 1, 1)}},
	{name: "average pool with pads", op: "AveragePool", inputs: [][]int{{2, 2, 5, 6}}, attrs: []ir.Attr{ir.IntsAttr("kernel_shape", 3, 2), ir.IntsAttr("pads", 1, 0, 1, 1), ir.IntAttr("count_include_pad", 1), ir.IntAttr("ceil_mode", 1), ir.IntsAttr("strides", 2, 2)}},
	{name: "global average", op: "GlobalAveragePool", inputs: [][]int{{2, 3, 4, 5}}},
	{name: "global max", op: "GlobalMaxPool", inputs: [][]int{{2, 3, 4, 5}}},
	{name: "batch norm", op: "BatchNormalization", inputs: [][]int{{3, 2, 3, 2}, {2}, {2}, {2}, {2}}, change: positive, skip: []int{3, 4}},
	{name: "batch norm of the batch", op: "BatchNormalization", inputs: [][]int{{3, 2, 3, 2}, {2}, {2}, {2}, {2}}, change: positive, skip: []int{3, 4}, attrs: []ir.Attr{ir.IntAttr("training_mode", 1)}},
	{name: "gemm", op: "Gemm", inputs: [][]int{{3, 4}, {4, 5}, {5}}},
	{name: "gemm transposed", op: "Gemm", inputs: [][]int{{4, 3}, {5, 4}, {3, 1}}, attrs: []ir.Attr{ir.IntAttr("transA", 1), ir.IntAttr("transB", 1), ir.FloatAttr("alpha", 0.5), ir.FloatAttr("beta", 2)}},
	{name: "gemm transposed b", op: "Gemm", inputs: [][]int{{3, 4}, {5, 4}}, attrs: []ir.Attr{ir.IntAttr("transB", 1)}},
	{name: "matmul", op: "MatMul", inputs: [][]int{{2, 3, 4}, {4, 5}}},
	{name: "matmul broadcast", op: "MatMul", inputs: [][]int{{2, 1, 3, 4}, {3, 4, 2}}},
	{name: "matmul batch", op: "MatMul", inputs: [][]int{{2, 3, 4}, {2, 4, 2}}},
	{name: "matmul vector left", op: "MatMul", inputs: [][]int{{4}, {2, 4, 3}}},
	{name: "matmul vector right", op: "MatMul", inputs: [][]int{{2, 3, 4}, {4}}},
	{name: "matmul vectors", op: "MatMul", inputs: [][]int{{4}, {4}}},
	{name: "softmax", op: "Softmax", inputs: [][]int{{2, 3, 4}}, attrs: []ir.Attr{ir.IntAttr("axis", 1)}},
	{name: "softmax old", op: "Softmax", opset: 11, inputs: [][]int{{2, 3, 4}}},
	{name: "log softmax", op: "LogSoftmax", inputs: [][]int{{3, 5}}},
	{name: "relu", op: "Relu", inputs: [][]int{{3, 4}}},
	{name: "leaky relu", op: "LeakyRelu", inputs: [][]int{{3, 4}}, attrs: []ir.Attr{ir.FloatAttr("alpha", 0.3)}},
	{name: "thresholded relu", op: "ThresholdedRelu", inputs: [][]int{{3, 4}}, attrs: []ir.Attr{ir.FloatAttr("alpha", 0.11)}},
	{name: "elu", op: "Elu", inputs: [][]int{{3, 4}}, attrs: []ir.Attr{ir.FloatAttr("alpha", 0.7)}},
	{name: "selu", op: "Selu", inputs: [][]int{{3, 4}}},
	{name: "celu", op: "Celu", inputs: [][]int{{3, 4}}, attrs: []ir.Attr{ir.FloatAttr("alpha", 0.7)}},
	{name: "prelu", op: "PRelu", inputs: [][]int{{2, 3, 4}, {3, 1}}},
	{name: "clip", op: "Clip", inputs: [][]int{{3, 7}}, fixed: []*ir.Tensor{scalar("lo", -0.4), scalar("hi", 0.3)}},
	{name: "clip bounds", op: "Clip", inputs: [][]int{{3, 7}, {}, {}}, change: func(i int, v float32) float32 { return []float32{v, -0.4, 0.3}[i] }},
	{name: "clip old", op: "Clip", opset: 7, inputs: [][]int{{3, 7}}, attrs: []ir.Attr{ir.FloatAttr("min", -0.4), ir.FloatAttr("max", 0.3)}},
	{name: "sigmoid", op: "Sigmoid", inputs: [][]int{{3, 4}}},
	{name: "hard sigmoid", op: "HardSigmoid", inputs: [][]int{{12, 10}}, change: awayFrom(2.5)},
	{name: "hard swish", op: "HardSwish", inputs: [][]int{{12, 10}}},
	{name: "tanh", op: "Tanh", inputs: [][]int{{3, 4}}},
	{name: "erf", op: "Erf", inputs: [][]int{{3, 4}}},
	{name: "gelu", op: "Gelu", opset: 20, inputs: [][]int{{5, 6}}},
	{name: "gelu tanh", op: "Gelu", opset: 20, inputs: [][]int{{5, 6}}, attrs: []ir.Attr{ir.StringAttr("approximate", "tanh")}},
	{name: "exp", op: "Exp", inputs: [][]int{{3, 4}}},
	{name: "log", op: "Log", inputs: [][]int{{3, 4}}, change: positive},
	{name: "sqrt", op: "Sqrt", inputs: [][]int{{3, 4}}, change: positive},
	{name: "abs", op: "Abs", inputs: [][]int{{3, 4}}},
	{name: "neg", op: "Neg", inputs: [][]int{{3, 4}}},
	{name: "reciprocal", op: "Reciprocal", inputs: [][]int{{3, 4}}, change: positive},
	{name: "softplus", op: "Softplus", inputs: [][]int{{3, 4}}},
	{name: "softsign", op: "Softsign", inputs: [][]int{{3, 4}}},
	{name: "add", op: "Add", inputs: [][]int{{2, 3, 4}, {2, 3, 4}}},
	{name: "add broadcast", op: "Add", inputs: [][]int{{2, 3, 4}, {3, 1}}},
	{name: "add both broadcast", op: "Add", inputs: [][]int{{2, 1, 4}, {3, 1}}},
	{name: "sub broadcast", op: "Sub", inputs: [][]int{{4}, {2, 3, 4}}},
	{name: "mul broadcast", op: "Mul", inputs: [][]int{{2, 3, 2, 2}, {2, 3, 1, 1}}},
	{name: "mul scalar", op: "Mul", inputs: [][]int{{2, 3}, {}}},
	{name: "div", op: "Div", inputs: [][]int{{2, 3}, {3}}, change: positive},
	{name: "pow", op: "Pow", inputs: [][]int{{2, 3}, {3}}, change: positive},
	{name: "pow square", op: "Pow", inputs: [][]int{{2, 3}}, fixed: []*ir.Tensor{scalar("two", 2)}},
	{name: "max", op: "Max", inputs: [][]int{{2, 3}, {3}, {2, 1}}},
	{name: "min", op: "Min", inputs: [][]int{{2, 3}, {2, 3}}},
	{name: "sum", op: "Sum", inputs: [][]int{{2, 3}, {3}, {2, 1}}},
	{name: "mean", op: "Mean", inputs: [][]int{{2, 3}, {3}, {2, 1}}},
	{name: "reduce sum", op: "ReduceSum", inputs: [][]int{{2, 3, 4}}, fixed: []*ir.Tensor{ints("axes", 1)}},
	{name: "reduce sum all", op: "ReduceSum", inputs: [][]int{{2, 3, 4}}, attrs: []ir.Attr{ir.IntAttr("keepdims", 0)}},
	{name: "reduce sum nothing", op: "ReduceSum", inputs: [][]int{{2, 3}}, attrs: []ir.Attr{ir.IntAttr("noop_with_empty_axes", 1)}},
	{name: "reduce mean", op: "ReduceMean", inputs: [][]int{{2, 3, 4, 2}}, attrs: []ir.Attr{ir.IntsAttr("axes", -1, -2)}},
	{name: "reduce mean outer", op: "ReduceMean", opset: 18, inputs: [][]int{{2, 3, 4}}, fixed: []*ir.Tensor{ints("axes", 0, 2)}},
	{name: "reduce max", op: "ReduceMax", inputs: [][]int{{2, 3, 4}}, attrs: []ir.Attr{ir.IntsAttr("axes", 1)}},
	{name: "reduce min", op: "ReduceMin", inputs: [][]int{{2, 3, 4}}, attrs: []ir.Attr{ir.IntsAttr("axes", 2), ir.IntAttr("keepdims", 0)}},
	{name: "reduce l1", op: "ReduceL1", inputs: [][]int{{2, 3}}, attrs: []ir.Attr{ir.IntsAttr("axes", 1)}},
	{name: "reduce l2", op: "ReduceL2", inputs: [][]int{{2, 3}}, attrs: []ir.Attr{ir.IntsAttr("axes", 1)}},
	{name: "reduce sum square", op: "ReduceSumSquare", inputs: [][]int{{2, 3}}, attrs: []ir.Attr{ir.IntsAttr("axes", 0)}},
	{name: "identity", op: "Identity", inputs: [][]int{{2, 3}}},
	{name: "dropout", op: "Dropout", inputs: [][]int{{2, 3}}, fixed: []*ir.Tensor{scalar("ratio", 0.5)}},
	{name: "reshape", op: "Reshape", inputs: [][]int{{2, 3, 4}}, fixed: []*ir.Tensor{ints("shape", 0, -1)}},
	{name: "flatten", op: "Flatten", inputs: [][]int{{2, 3, 4}}},
	{name: "squeeze", op: "Squeeze", inputs: [][]int{{2, 1, 4}}, fixed: []*ir.Tensor{ints("axes", 1)}},
	{name: "unsqueeze", op: "Unsqueeze", inputs: [][]int{{2, 4}}, fixed: []*ir.Tensor{ints("axes", 0, -1)}},
	{name: "expand", op: "Expand", inputs: [][]int{{2, 1, 3}}, fixed: []*ir.Tensor{ints("shape", 2, 2, 4, 1)}},
	{name: "transpose", op: "Transpose", inputs: [][]int{{2, 3, 4}}, attrs: []ir.Attr{ir.IntsAttr("perm", 2, 0, 1)}},
	{name: "concat", op: "Concat", inputs: [][]int{{2, 3, 2}, {2, 1, 2}}, attrs: []ir.Attr{ir.IntAttr("axis", 1)}},
	{name: "split", op: "Split", inputs: [][]int{{2, 5}}, fixed: []*ir.Tensor{ints("split", 2, 3)}, outs: 2, attrs: []ir.Attr{ir.IntAttr("axis", 1)}},
	{name: "split uneven", op: "Split", opset: 18, inputs: [][]int{{7, 2}}, outs: 3, attrs: []ir.Attr{ir.IntAttr("num_outputs", 3)}},
	{name: "slice", op: "Slice", inputs: [][]int{{4, 5, 3}}, fixed: []*ir.Tensor{ints("starts", 1, -1), ints("ends", 100, -100), ints("axes", 0, 1), ints("steps", 2, -2)}},
	{name: "gather", op: "Gather", inputs: [][]int{{3, 4, 2}}, fixed: []*ir.Tensor{ir.FromInt64s("rows", []int{2, 2}, []int64{0, -1, 3, 0})}, attrs: []ir.Attr{ir.IntAttr("axis", 1)}},
	{name: "tile", op: "Tile", inputs: [][]int{{2, 3}}, fixed: []*ir.Tensor{ints("repeats", 3, 2)}},
	{name: "depth to space", op: "DepthToSpace", inputs: [][]int{{1, 8, 2, 3}}, attrs: []ir.Attr{ir.IntAttr("blocksize", 2)}},
	{name: "space to depth", op: "SpaceToDepth", inputs: [][]int{{1, 2, 4, 6}}, attrs: []ir.Attr{ir.IntAttr("blocksize", 2)}},
	{name: "pad", op: "Pad", inputs: [][]int{{2, 3, 4}}, fixed: []*ir.Tensor{ints("pads", 0, 1, -1, 1, 0, 2)}},
	{name: "pad constant", op: "Pad", inputs: [][]int{{2, 3, 4}}, fixed: []*ir.Tensor{ints("pads", 0, 1, 1, 1, 0, 2), scalar("value", 0.7)}},
	{name: "pad reflect", op: "Pad", inputs: [][]int{{2, 3, 4}}, fixed: []*ir.Tensor{ints("pads", 0, 1, 2, 0, 2, 3)}, attrs: []ir.Attr{ir.StringAttr("mode", "reflect")}},
	{name: "pad edge", op: "Pad", inputs: [][]int{{2, 3, 4}}, fixed: []*ir.Tensor{ints("pads", 0, 1, 2, 0, 2, 3)}, attrs: []ir.Attr{ir.StringAttr("mode", "edge")}},
	{name: "pad axes", op: "Pad", opset: 18, inputs: [][]int{{2, 3, 4}}, fixed: []*ir.Tensor{ints("pads", 2, 1), nil, ints("axes", 1)}},
	{name: "cast", op: "Cast", inputs: [][]int{{2, 3}}, attrs: []ir.Attr{ir.IntAttr("to", int64(ir.Float32))}},
}

// TestGradients compares gradients with central differences of Σ weight·output for random weights.
func TestGradients(t *testing.T) {
	covered := map[string]bool{"QuantizeLinear": true, "DequantizeLinear": true, "CastLike": true, "Where": true} // tests of their own
	for _, o := range opCases {
		covered[o.op] = true
		t.Run(o.name, func(t *testing.T) { checkGradients(t, o) })
	}
	for _, op := range operators {
		if op.gradient != nil && !covered[op.name] {
			t.Errorf("no case for the gradient of %s", op.name)
		}
	}
}

func checkGradients(t *testing.T, o opCase) {
	ctx := context.Background()
	p, err := Compile(o.model(), Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	in := o.values()
	tape, err := p.Forward(ctx, in, Train)
	if err != nil {
		t.Fatal(err)
	}
	seeds := map[string]*Array{}
	for _, name := range p.OutputNames() {
		y := tape.Value(name)
		if y.DType != ir.Float32 {
			continue
		}
		s := NewArray(ir.Float32, y.Shape...)
		r := rng.New(2, o.name, name)
		for k := range s.Float32s() {
			s.Float32s()[k] = r.Float32() - 0.3
		}
		seeds[name] = s
	}
	var names []string
	for i := range o.inputs {
		if !slices.Contains(o.skip, i) {
			names = append(names, fmt.Sprintf("x%d", i))
		}
	}
	grads, err := tape.Backward(ctx, seeds, names)
	if err != nil {
		t.Fatal(err)
	}
	loss := func() float64 {
		out, err := p.Run(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for name, s := range seeds {
			for k, w := range s.Float32s() {
				sum += float64(w) * float64(out[name].Float32s()[k])
			}
		}
		return sum
	}
	const h = 1.0 / 128
	for _, name := range names {
		x := in[name].Float32s()
		for k := range x {
			old := x[k]
			x[k] = old + h
			up := loss()
			x[k] = old - h
			down := loss()
			x[k] = old
			want := (up - down) / (2 * h)
			if got := float64(grads[name].Float32s()[k]); math.Abs(got-want) > 2e-3*(1+math.Abs(want)) {
				t.Fatalf("d/d%s[%d] is %v; differences say %v", name, k, got, want)
			}
		}
	}
}
