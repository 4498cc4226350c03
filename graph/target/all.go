package target

import "slices"

// What ONNX Runtime 1.30 executes on CPUs, tested on generated models: DequantizeLinear for these types, with one scale,
// one a channel, or one a block; float4 has no kernel. Opsets above 26 are refused.
var (
	ortOpset   = Range{Min: 7, Max: 26}
	ortWeights = []Numbers{
		{Types: []string{"float32", "float16", "float64"}},
		{Types: []string{"int8", "uint8", "int4", "uint4", "int2", "uint2", "int16", "uint16", "int32", "fp8_e4m3", "fp8_e5m2"},
			Granularity: []string{"tensor", "channel", "group"}},
	}
	ortActivations = []Numbers{
		{Types: []string{"float32", "float16", "float64"}},
		{Types: []string{"int8", "uint8", "int16", "uint16", "fp8_e4m3", "fp8_e5m2"}, Granularity: []string{"tensor"}},
	}
	ortDomains = []string{"com.microsoft", "ai.onnx.ml"}
)

// ggmlTypes are the types of blocks that llama.cpp computes with.
var ggmlTypes = []string{"q8_0", "q6_k", "q5_k", "q5_1", "q5_0", "q4_k", "q4_1", "q4_0", "q3_k", "q2_k", "iq4_nl", "iq4_xs", "ggml_mxfp4",
	"ggml_nvfp4", "tq1_0", "tq2_0"}

// builtin is the list: one record a profile.
var builtin = []*Target{
	{
		Name: "onnx-portable",
		Doc: "Any runtime that reads ONNX. What the oldest runtimes in use accept: opsets up to 17, int8 and uint8 with one scale " +
			"a tensor or a channel.",
		Formats: []string{"onnx"}, Opset: Range{Min: 7, Max: 17}, Domains: []string{"ai.onnx.ml"}, Apart: true,
		Weights: []Numbers{{Types: []string{"float32", "float16"}},
			{Types: []string{"int8", "uint8"}, Granularity: []string{"tensor", "channel"}}},
		Activations: []Numbers{{Types: []string{"float32", "float16"}}, {Types: []string{"int8", "uint8"}, Granularity: []string{"tensor"}}},
	},
	{
		Name: "onnxruntime-cpu-x86-avx2",
		Doc: "ONNX Runtime on x86 processors without VNNI. Its integer kernels add pairs of uint8 times int8 products in 16 bits, " +
			"which saturate when both are large and have cost 8 to 18 points of accuracy: use uint8 weights with uint8 activations.",
		Runtime: "onnxruntime", ISA: "x86-64-avx2", Formats: []string{"onnx"}, Opset: ortOpset, Domains: ortDomains,
		Weights: ortWeights, Activations: ortActivations, Saturates: true, Apart: true,
	},
	{
		Name:    "onnxruntime-cpu-x86-vnni",
		Doc:     "ONNX Runtime on x86 processors with VNNI (AVX512-VNNI or AVX-VNNI), whose integer products do not saturate.",
		Runtime: "onnxruntime", ISA: "x86-64-vnni", Formats: []string{"onnx"}, Opset: ortOpset, Domains: ortDomains,
		Weights: ortWeights, Activations: ortActivations, Apart: true,
	},
	{
		Name:    "onnxruntime-cpu-arm64",
		Doc:     "ONNX Runtime on 64-bit ARM processors. Integer products do not saturate.",
		Runtime: "onnxruntime", ISA: "arm64", Formats: []string{"onnx"}, Opset: ortOpset, Domains: ortDomains,
		Weights: ortWeights, Activations: ortActivations, Apart: true,
	},
	{
		Name: "arm64-phone-4gb",
		Doc: "A phone with 4 GB of memory, of which system and other programs leave about half to one model. The runtime is open: " +
			"ONNX Runtime, llama.cpp or one that reads compressed-tensors.",
		ISA: "arm64", Cores: 8, Memory: 2 << 30,
		Formats: []string{"onnx", "gguf", "safetensors"}, Opset: ortOpset, Domains: ortDomains,
		Weights: []Numbers{{Types: []string{"float32", "float16", "bfloat16"}}, {Types: ggmlTypes},
			{Types: []string{"int8", "uint8"}, Granularity: []string{"tensor", "channel", "group"}},
			{Types: []string{"int4", "uint4"}, Granularity: []string{"group", "channel"}, Groups: []int{32, 64, 128}}},
		Activations: []Numbers{{Types: []string{"float32", "float16", "bfloat16"}}, {Types: []string{"int8", "uint8"}}},
	},
	{
		Name: "llama.cpp-cpu",
		Doc: "llama.cpp on a CPU, which reads GGUF files and computes with ggml's blocks. Activations become 8-bit blocks as it runs, " +
			"so a recipe leaves them alone.",
		Runtime: "llama.cpp", Formats: []string{"gguf"}, Apart: true,
		Weights:     []Numbers{{Types: []string{"float32", "float16", "bfloat16"}}, {Types: ggmlTypes}},
		Activations: []Numbers{{Types: []string{"float32", "float16", "bfloat16"}}},
	},
	{
		Name: "vllm-gpu",
		Doc: "vLLM on a GPU, which reads compressed-tensors in safetensors files. Layers that it fuses, q with k and v, gate with up, " +
			"must share a scheme.",
		Runtime: "vllm", ISA: "cuda", Formats: []string{"safetensors"},
		Weights: []Numbers{{Types: []string{"float32", "float16", "bfloat16"}},
			{Types: []string{"int4", "int8"}, Granularity: []string{"group", "channel"}, Groups: []int{32, 64, 128}},
			{Types: []string{"int8"}, Granularity: []string{"tensor"}, Symmetric: true},
			{Types: []string{"fp8_e4m3"}, Granularity: []string{"tensor", "channel", "block"}},
			{Types: []string{"nvfp4", "mxfp4"}}},
		Activations: []Numbers{{Types: []string{"float32", "float16", "bfloat16"}}, {Types: []string{"int8"}, Symmetric: true},
			{Types: []string{"fp8_e4m3", "nvfp4"}, Granularity: []string{"tensor", "token"}}},
	},
}

// All lists the profiles that are built in.
func All() []*Target { return slices.Clone(builtin) }
