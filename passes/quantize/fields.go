package quantize

import (
	"slices"

	"github.com/pare-ml/pare/graph/measure"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// Params are the parameters of a step, or of one layer of it.
type Params struct {
	Scheme        string
	Weights       Weights
	Activations   *Activations // nil: they stay as they are
	Algorithm     string
	Data          string
	Importance    string
	Samples       int
	Batch         int
	OnIndivisible string
	OnNonFinite   string
	Mask          string

	mix *mix // of a scheme that gives layers types by what they are, unless a type is written
}

// Weights says how weights become codes.
type Weights struct {
	Type        string
	Granularity string
	GroupSize   int
	Symmetric   bool
	Observer    Observer
	Form        string
}

// Activations says how the values between layers become codes.
type Activations struct {
	Type      string
	Symmetric bool
	Dynamic   bool
	Observer  Observer
}

// Observer says how a range is chosen.
type Observer struct {
	Kind       string
	Percentile float64
}

func fields(p *Params) schema.Object {
	return schema.Object{
		Fields: []*schema.Field{
			schema.Enum(&p.Scheme, "scheme", "", "a preset; what is written besides it holds instead", schemeChoices()...),
			schema.Nested("weights", "how weights become codes", weightFields(&p.Weights)),
			schema.Optional(&p.Activations, "activations", "how the values between layers become codes; none leaves them as they are", activationFields),
			schema.Nested("algorithm", "how codes are chosen", algorithmFields(p)),
			schema.Data(&p.Data, "data", "", "samples that show the ranges of activations"),
			schema.Importance(&p.Importance, "importance", "", "an importance matrix: of ggml's types, errors of columns that matter more weigh more"),
			schema.Int(&p.Samples, "samples", 512, "how many of them, from the first").AtLeast(1).In("samples"),
			schema.Int(&p.Batch, "batch", 32, "samples run at once; ema_minmax moves by one step a batch").AtLeast(1).In("samples"),
			schema.Enum(&p.OnIndivisible, "on_indivisible", "error", "what to do where groups or blocks do not divide a row",
				schema.Choice{Name: "error", Doc: "refuse, naming the sizes that would do"},
				schema.Choice{Name: "fallback", Doc: "take the next smaller group, or the next larger type of smaller blocks; the plan says which"},
				schema.Choice{Name: "pad", Doc: "let the last group of a row be shorter; ggml's blocks cannot"}),
			schema.Enum(&p.OnNonFinite, "on_nonfinite", "error", "what to do with a weight that holds NaN or infinity",
				schema.Choice{Name: "error", Doc: "stop, naming the tensor and how many"},
				schema.Choice{Name: "zero", Doc: "take such numbers for zero"},
				schema.Choice{Name: "keep", Doc: "leave the layer as it is"}),
			schema.Enum(&p.Mask, "mask", "keep", "what becomes of weights that an earlier step set to zero",
				schema.Choice{Name: "keep", Doc: "they stay zero; a type that has no exact zero is refused"},
				schema.Choice{Name: "release", Doc: "each gets the nearest number of its type"}),
		},
		Check: func(n *syntax.Node, report *diag.List) { check(p, n, report) },
	}
}

func algorithmFields(p *Params) schema.Object {
	return schema.Object{Short: "kind", Fields: []*schema.Field{
		schema.Enum(&p.Algorithm, "kind", "nearest", "the algorithm",
			schema.Choice{Name: "nearest", Doc: "each weight to the nearest code; ggml's types as llama.cpp computes them"},
			schema.Choice{Name: "mse", Doc: "scales, and for integers clipped ranges, that give the least squared error"}),
	}}
}

func weightFields(p *Weights) schema.Object {
	return schema.Object{Fields: []*schema.Field{
		schema.Enum(&p.Type, "type", "int8", "type of the codes", choicesOf(func(*numbers) bool { return true })...),
		schema.Enum(&p.Granularity, "granularity", "channel", "what one scale covers",
			schema.Choice{Name: "channel", Doc: "one output channel; of an embedding, one row"},
			schema.Choice{Name: "tensor", Doc: "the whole weight"},
			schema.Choice{Name: "group", Doc: "group_size inputs of one output"},
			schema.Choice{Name: "block", Doc: "a square of group_size inputs and outputs"}),
		schema.Int(&p.GroupSize, "group_size", 128, "inputs that share a scale; of granularity block, outputs too").Between(1, 1<<20).Usual(16, 1024),
		schema.Bool(&p.Symmetric, "symmetric", true, "whether the range lies evenly around zero"),
		schema.Nested("observer", "how the range of a weight is chosen", observerFields(&p.Observer, "minmax",
			schema.Choice{Name: "minmax", Doc: "smallest and largest"},
			schema.Choice{Name: "percentile", Doc: "the range that holds a share of the weights"},
			schema.Choice{Name: "mse", Doc: "the clipped range of least squared error"})),
		schema.Enum(&p.Form, "form", "qdq", "of codes with scales, how an ONNX model holds them",
			schema.Choice{Name: "qdq", Doc: "a DequantizeLinear in front of the layer, which any runtime knows"},
			schema.Choice{Name: "matmul_nbits", Doc: "integers in groups in ONNX Runtime's own MatMulNBits, in any opset; layers other than MatMul stay qdq, and the plan says why"}),
	}}
}

// activationTypes are the types that values between layers can have.
var activationTypes = []string{"int8", "uint8", "fp8_e4m3", "fp8_e5m2"}

func activationFields(p *Activations) schema.Object {
	return schema.Object{Fields: []*schema.Field{
		schema.Enum(&p.Type, "type", "uint8", "type of the codes; ONNX Runtime on x86 fuses uint8 everywhere, int8 not across branches",
			choicesOf(func(t *numbers) bool { return slices.Contains(activationTypes, t.name) })...),
		schema.Bool(&p.Symmetric, "symmetric", false, "whether ranges lie evenly around zero; after a ReLU that wastes half of the codes"),
		schema.Bool(&p.Dynamic, "dynamic", false, "whether ranges are taken as the model runs, of linear layers alone: no samples are needed"),
		schema.Nested("observer", "how ranges are chosen from what the samples show", observerFields(&p.Observer, "mse",
			schema.Choice{Name: "minmax", Doc: "smallest and largest seen"},
			schema.Choice{Name: "ema_minmax", Doc: "moving average of each batch's smallest and largest, momentum 0.99"},
			schema.Choice{Name: "percentile", Doc: "the range that holds a share of the values"},
			schema.Choice{Name: "mse", Doc: "the clipped range of least squared error"},
			schema.Choice{Name: "entropy", Doc: "the range that loses least information (Kullback-Leibler divergence)"})),
	}}
}

func observerFields(p *Observer, kind string, kinds ...schema.Choice) schema.Object {
	return schema.Object{Short: "kind", Fields: []*schema.Field{
		schema.Enum(&p.Kind, "kind", kind, "the rule", kinds...),
		schema.Float(&p.Percentile, "percentile", 99.99, "of percentile: the share of values that stay inside").Between(50, 100).Usual(90, 100).In("%"),
	}}
}

// static tells whether activations get codes with ranges from samples.
func (p *Params) static() bool { return p.Activations != nil && !p.Activations.Dynamic }

// dynamic tells whether the runtime finds the ranges of activations.
func (p *Params) dynamic() bool { return p.Activations != nil && p.Activations.Dynamic }

// need returns the measurement that shows the ranges of activations.
func (p *Params) need() measure.Need {
	a := p.Activations
	n := measure.Need{Kind: "range", Data: p.Data, Samples: p.Samples, Batch: p.Batch,
		Observer: measure.Observer{Kind: a.Observer.Kind, Symmetric: a.Symmetric, Bits: 8}}
	if a.Observer.Kind == "percentile" {
		n.Observer.Percentile = a.Observer.Percentile
	}
	return n
}

// weightObserver returns the rule for the range of weights: algorithm mse is the observer of that name.
func (p *Params) weightObserver() Observer {
	if p.Algorithm == "mse" {
		return Observer{Kind: "mse"}
	}
	return p.Weights.Observer
}
