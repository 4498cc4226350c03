package exec

import (
	"sync"

	"github.com/pare-ml/pare/graph/ir"
)

// operators lists what the executor can run, all of ONNX's own domain. One line an operator; what is not here is
// refused by name.
//
// Not here, on purpose: random numbers (RandomNormal, Bernoulli, Dropout in training), whose bits another runtime would
// not give; control flow, sequences, maps and strings, which no pass here treats.
var operators = []operator{
	// op_conv.go
	{name: "Conv", since: 1, minIn: 2, maxIn: 3, half: true, forward: convForward, gradient: convGradient, readsIn: 0b11},
	{name: "ConvTranspose", since: 1, minIn: 2, maxIn: 3, half: true, forward: convTransposeForward, gradient: convTransposeGradient, readsIn: 0b11},

	// op_pool.go
	{name: "MaxPool", since: 1, minIn: 1, maxIn: 1, half: true, forward: maxPoolForward, gradient: maxPoolGradient},
	{name: "AveragePool", minIn: 1, maxIn: 1, half: true, forward: averagePoolForward, gradient: averagePoolGradient},
	{name: "GlobalAveragePool", since: 1, minIn: 1, maxIn: 1, half: true, forward: globalAverageForward, gradient: globalAverageGradient},
	{name: "GlobalMaxPool", since: 1, minIn: 1, maxIn: 1, half: true, forward: globalMaxForward, gradient: globalMaxGradient, readsIn: first, readsOut: first},

	// op_norm.go
	{name: "BatchNormalization", minIn: 5, maxIn: 5, half: true, forward: batchNormForward, gradient: batchNormGradient, readsIn: first, settings: 0b11000, check: checkBatchNorm},
	{name: "InstanceNormalization", since: 6, minIn: 3, maxIn: 3, half: true, forward: instanceNormForward},
	{name: "LayerNormalization", minIn: 2, maxIn: 3, half: true, forward: layerNormForward},

	// op_matmul.go
	{name: "Gemm", minIn: 2, maxIn: 3, half: true, forward: gemmForward, gradient: gemmGradient, readsIn: 0b11},
	{name: "MatMul", minIn: 2, maxIn: 2, half: true, forward: matMulForward, gradient: matMulGradient, readsIn: 0b11},

	// op_softmax.go
	{name: "Softmax", since: 1, minIn: 1, maxIn: 1, half: true, forward: softmaxForward(false), gradient: softmaxGradient(false), readsOut: first},
	{name: "LogSoftmax", since: 1, minIn: 1, maxIn: 1, half: true, forward: softmaxForward(true), gradient: softmaxGradient(true), readsOut: first},

	// op_elementwise.go
	elementwise("Relu", relu, 0, first),
	elementwise("LeakyRelu", leakyRelu, first, 0),
	elementwise("ThresholdedRelu", thresholdedRelu, first, 0),
	elementwise("Elu", elu(eluShape), first, 0),
	elementwise("Selu", elu(seluShape), first, 0),
	elementwise("Celu", elu(celuShape), first, 0),
	elementwise("Sigmoid", sigmoid, 0, first),
	elementwise("HardSigmoid", hardSigmoid, first, 0),
	elementwise("HardSwish", hardSwish, first, 0),
	elementwise("Tanh", tanh, 0, first),
	elementwise("Erf", erf, first, 0),
	elementwise("Gelu", gelu, first, 0),
	elementwise("Exp", exponential, 0, first),
	elementwise("Log", logarithm, first, 0),
	elementwise("Sqrt", squareRoot, 0, first),
	elementwise("Abs", absolute, first, 0),
	elementwise("Neg", negative, 0, 0),
	elementwise("Reciprocal", reciprocal, 0, first),
	elementwise("Softplus", softplus, first, 0),
	elementwise("Softsign", softsign, first, 0),
	elementwise("Floor", floor, 0, 0),
	elementwise("Ceil", ceil, 0, 0),
	elementwise("Round", round, 0, 0),
	elementwise("Sign", sign, 0, 0),
	{name: "Clip", since: 6, minIn: 1, maxIn: 3, half: true, forward: clipForward, gradient: clipGradient, readsIn: 0b111, settings: 0b110},

	// op_binary.go
	{name: "Add", minIn: 2, maxIn: 2, half: true, forward: addition.forward, gradient: addGradient},
	{name: "Sub", minIn: 2, maxIn: 2, half: true, forward: subtraction.forward, gradient: subGradient},
	{name: "Mul", minIn: 2, maxIn: 2, half: true, forward: multiplication.forward, gradient: mulGradient, readsIn: 0b11},
	{name: "Div", minIn: 2, maxIn: 2, half: true, forward: division.forward, gradient: divGradient, readsIn: 0b11},
	{name: "Pow", minIn: 2, maxIn: 2, half: true, forward: powForward, gradient: powGradient, readsIn: 0b11, settings: 0b10},
	{name: "PRelu", minIn: 2, maxIn: 2, half: true, forward: preluForward, gradient: preluGradient, readsIn: 0b11},
	{name: "Max", minIn: 1, maxIn: -1, half: true, forward: variadic(maximum, false), gradient: extremeGradient, readsIn: all, readsOut: first},
	{name: "Min", minIn: 1, maxIn: -1, half: true, forward: variadic(minimum, false), gradient: extremeGradient, readsIn: all, readsOut: first},
	{name: "Sum", minIn: 1, maxIn: -1, half: true, forward: variadic(addition, false), gradient: sumGradient(func(int) float32 { return 1 })},
	{name: "Mean", minIn: 1, maxIn: -1, half: true, forward: variadic(addition, true), gradient: sumGradient(func(n int) float32 { return float32(1 / float64(n)) })},
	{name: "Mod", minIn: 2, maxIn: 2, half: true, forward: modForward},

	// op_reduce.go
	reduce("ReduceSum", 0, 0),
	reduce("ReduceMean", 0, 0),
	reduce("ReduceMax", first, first),
	reduce("ReduceMin", first, first),
	reduce("ReduceL1", first, 0),
	reduce("ReduceL2", first, first),
	reduce("ReduceSumSquare", first, 0),
	{name: "ReduceProd", minIn: 1, maxIn: 2, half: true, forward: reduceForward},
	{name: "ArgMax", minIn: 1, maxIn: 1, half: true, forward: argForward, flat: true},
	{name: "ArgMin", minIn: 1, maxIn: 1, half: true, forward: argForward, flat: true},

	// op_shape.go
	{name: "Identity", since: 1, minIn: 1, maxIn: 1, forward: identityForward, gradient: reshapeGradient},
	{name: "Dropout", minIn: 1, maxIn: 3, forward: dropoutForward, gradient: reshapeGradient, settings: 0b110},
	{name: "Reshape", minIn: 2, maxIn: 2, forward: reshapeForward, gradient: reshapeGradient},
	{name: "Flatten", since: 1, minIn: 1, maxIn: 1, forward: flattenForward, gradient: reshapeGradient},
	{name: "Squeeze", minIn: 1, maxIn: 2, forward: squeezeForward, gradient: reshapeGradient},
	{name: "Unsqueeze", minIn: 1, maxIn: 2, forward: unsqueezeForward, gradient: reshapeGradient},
	{name: "Expand", minIn: 2, maxIn: 2, forward: expandForward, gradient: expandGradient},
	{name: "Shape", minIn: 1, maxIn: 1, forward: shapeForward, flat: true},
	{name: "Size", minIn: 1, maxIn: 1, forward: sizeForward, flat: true},
	{name: "ConstantOfShape", minIn: 1, maxIn: 1, forward: constantOfShapeForward, flat: true},
	{name: "Range", minIn: 3, maxIn: 3, forward: rangeForward},

	// op_move.go, op_pad.go
	{name: "Transpose", since: 1, minIn: 1, maxIn: 1, forward: transposeForward, gradient: transposeGradient},
	{name: "Concat", minIn: 1, maxIn: -1, forward: concatForward, gradient: concatGradient},
	{name: "Split", minIn: 1, maxIn: 2, forward: splitForward, gradient: splitGradient, readsIn: 0b10},
	{name: "Slice", minIn: 1, maxIn: 5, forward: sliceForward, gradient: sliceGradient, readsIn: 0b11110},
	{name: "Gather", since: 1, minIn: 2, maxIn: 2, forward: gatherForward, gradient: gatherGradient, readsIn: 0b10},
	{name: "Tile", minIn: 2, maxIn: 2, forward: tileForward, gradient: tileGradient},
	{name: "DepthToSpace", minIn: 1, maxIn: 1, forward: blocksForward, gradient: blocksGradient},
	{name: "SpaceToDepth", minIn: 1, maxIn: 1, forward: blocksForward, gradient: blocksGradient},
	{name: "Pad", minIn: 1, maxIn: 4, forward: padForward, gradient: padGradient, readsIn: 0b1010, settings: 0b1110},

	// op_cast.go
	{name: "Cast", minIn: 1, maxIn: 1, forward: castForward, gradient: castGradient},
	{name: "CastLike", minIn: 2, maxIn: 2, forward: castForward, gradient: castGradient},

	// op_quant.go
	{name: "QuantizeLinear", minIn: 2, maxIn: 3, half: true, forward: quantizeForward, gradient: quantizeGradient, readsIn: 0b111, settings: 0b110, check: checkQuantize},
	{name: "DequantizeLinear", minIn: 2, maxIn: 3, half: true, forward: dequantizeForward, gradient: dequantizeGradient, readsIn: 0b111, settings: 0b110, check: checkQuantize},

	// op_logic.go
	{name: "Equal", minIn: 2, maxIn: 2, forward: compareForward, flat: true},
	{name: "Greater", minIn: 2, maxIn: 2, forward: compareForward, flat: true},
	{name: "GreaterOrEqual", minIn: 2, maxIn: 2, forward: compareForward, flat: true},
	{name: "Less", minIn: 2, maxIn: 2, forward: compareForward, flat: true},
	{name: "LessOrEqual", minIn: 2, maxIn: 2, forward: compareForward, flat: true},
	{name: "And", minIn: 2, maxIn: 2, forward: logicForward, flat: true},
	{name: "Or", minIn: 2, maxIn: 2, forward: logicForward, flat: true},
	{name: "Xor", minIn: 2, maxIn: 2, forward: logicForward, flat: true},
	{name: "Not", since: 1, minIn: 1, maxIn: 1, forward: notForward, flat: true},
	{name: "IsNaN", minIn: 1, maxIn: 1, forward: testForward, flat: true},
	{name: "IsInf", minIn: 1, maxIn: 1, forward: testForward, flat: true},
	{name: "Where", minIn: 3, maxIn: 3, forward: whereForward, gradient: whereGradient, readsIn: first},
}

// elementwise makes the record of a unary operator. Without a gradient it is flat: a step function.
func elementwise(name string, u unary, readsIn, readsOut uint64) operator {
	o := operator{name: name, since: 1, minIn: 1, maxIn: 1, half: true, forward: u.forward, flat: u.back == nil, readsIn: readsIn, readsOut: readsOut}
	if u.back != nil {
		o.gradient = u.gradient
	}
	return o
}

func reduce(name string, readsIn, readsOut uint64) operator {
	return operator{name: name, minIn: 1, maxIn: 2, half: true, forward: reduceForward, gradient: reduceGradient, readsIn: readsIn | 0b10, readsOut: readsOut}
}

var operatorIndex = sync.OnceValue(func() map[[2]string]*operator {
	index := map[[2]string]*operator{}
	for i := range operators {
		o := &operators[i]
		index[[2]string{o.domain, o.name}] = o
	}
	return index
})

func lookup(domain, name string) *operator { return operatorIndex()[[2]string{domain, name}] }

// Supported reports whether there is an operator of that name, and whether it has a gradient (one of zeros included).
func Supported(domain, op string) (forward, gradient bool) {
	o := lookup(ownDomain(domain), op)
	return o != nil, o != nil && (o.gradient != nil || o.flat)
}

func checkBatchNorm(n *ir.Node, opset int64) string {
	if n.Int("spatial", 1) == 0 {
		return "spatial is 0, which normalizes every position alone"
	}
	return ""
}

func checkQuantize(n *ir.Node, opset int64) string {
	if p := n.Int("precision", 0); p != 0 && ir.DType(p) != ir.Float32 {
		return "precision is " + ir.DType(p).String()
	}
	return ""
}
