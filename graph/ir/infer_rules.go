package ir

import "sync"

// rules holds the shape rule of every operator that inference knows, whatever the opset; a rule looks at the opset where
// versions differ.
var rules = sync.OnceValue(func() map[string]func(*call) error {
	rules := map[string]func(*call) error{
		"Conv": inferConv, "ConvInteger": inferConv, "QLinearConv": inferConv, "ConvTranspose": inferConvTranspose,
		"MaxPool": inferPool, "AveragePool": inferPool, "LpPool": inferPool,
		"GlobalAveragePool": inferGlobalPool, "GlobalMaxPool": inferGlobalPool, "GlobalLpPool": inferGlobalPool,
		"Gemm": inferGemm, "MatMul": inferMatMul, "MatMulInteger": inferMatMul, "QLinearMatMul": inferMatMul,
		"BatchNormalization": inferBatchNorm, "LayerNormalization": inferLayerNorm, "PRelu": inferPRelu, "Dropout": inferDropout,

		"Pad": inferPad, "Flatten": inferFlatten, "Reshape": inferReshape, "Transpose": inferTranspose, "Concat": inferConcat,
		"Split": inferSplit, "Slice": inferSlice, "Squeeze": inferSqueeze, "Unsqueeze": inferUnsqueeze, "Shape": inferShape,
		"Size": inferSize, "Gather": inferGather, "GatherElements": inferGatherElements, "Cast": inferCast,
		"CastLike": inferCastLike, "Constant": inferConstant, "ConstantOfShape": inferConstantOfShape, "Expand": inferExpand,
		"Tile": inferTile, "Where": inferWhere, "Range": inferRange, "Identity": inferIdentity,
		"DepthToSpace": inferDepthToSpace, "SpaceToDepth": inferSpaceToDepth, "Resize": inferResize, "Upsample": inferResize,
		"ArgMax": inferArg, "ArgMin": inferArg, "TopK": inferTopK,

		"QuantizeLinear": inferQuantize, "DequantizeLinear": inferDequantize, "DynamicQuantizeLinear": inferDynamicQuantize,

		"Attention": inferAttention,

		"LSTM": inferRecurrent, "GRU": inferRecurrent, "RNN": inferRecurrent,
	}
	for _, op := range []string{"Relu", "LeakyRelu", "Clip", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "Softmax", "LogSoftmax",
		"Hardmax", "Sqrt", "Exp", "Log", "Neg", "Abs", "Floor", "Ceil", "Round", "Erf", "Reciprocal", "Elu", "Selu", "Celu", "Gelu",
		"Mish", "Swish", "Softplus", "Softsign", "ThresholdedRelu", "Shrink", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh",
		"Cosh", "Asinh", "Acosh", "Atanh", "Sign", "CumSum", "LRN", "LpNormalization", "MeanVarianceNormalization", "Not",
		"BitwiseNot", "InstanceNormalization", "GroupNormalization", "RMSNormalization", "RotaryEmbedding", "Trilu"} {
		rules[op] = inferSame
	}
	for _, op := range []string{"IsNaN", "IsInf"} {
		rules[op] = inferSameBool
	}
	for _, op := range []string{"Add", "Sub", "Mul", "Div", "Pow", "Mod", "Max", "Min", "Sum", "Mean", "And", "Or", "Xor", "BitShift",
		"BitwiseAnd", "BitwiseOr", "BitwiseXor"} {
		rules[op] = inferBroadcast
	}
	for _, op := range []string{"Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"} {
		rules[op] = inferCompare
	}
	for _, op := range []string{"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
		"ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"} {
		rules[op] = inferReduce
	}
	return rules
})
