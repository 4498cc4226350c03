package quantize

import (
	"github.com/pare-ml/pare/graph/measure"
	"github.com/pare-ml/pare/internal/affine"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// Params are the parameters of a step, or of one layer of it.
type Params struct {
	Scheme      string
	Weights     Weights
	Activations *Activations // nil: they stay float32
	Algorithm   string
	Data        string
	Samples     int
	Batch       int
	OnNonFinite string
}

// Weights says how weights become codes.
type Weights struct {
	Type        string
	Granularity string
	Symmetric   bool
	Observer    Observer
}

// Activations says how the values between layers become codes.
type Activations struct {
	Type      string
	Symmetric bool
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
			schema.Enum(&p.Scheme, "scheme", "", "a preset; what is written besides it holds instead",
				schema.Choice{Name: "W8A8", Doc: "int8 weights per channel, 8-bit activations with ranges from samples, one scale a tensor"},
				schema.Choice{Name: "W8A16", Doc: "int8 weights per channel; activations stay as they are"}),
			schema.Nested("weights", "how weights become codes", weightFields(&p.Weights)),
			schema.Optional(&p.Activations, "activations", "how the values between layers become codes; none leaves them float32", activationFields),
			schema.Nested("algorithm", "how codes are chosen", algorithmFields(p)),
			schema.Data(&p.Data, "data", "", "samples that show the ranges of activations"),
			schema.Int(&p.Samples, "samples", 512, "how many of them, from the first").AtLeast(1).In("samples"),
			schema.Int(&p.Batch, "batch", 32, "samples run at once; ema_minmax moves by one step a batch").AtLeast(1).In("samples"),
			schema.Enum(&p.OnNonFinite, "on_nonfinite", "error", "what to do with a weight that holds NaN or infinity",
				schema.Choice{Name: "error", Doc: "stop, naming the tensor and how many"},
				schema.Choice{Name: "zero", Doc: "take such numbers for zero"},
				schema.Choice{Name: "keep", Doc: "leave the layer as it is"}),
		},
		Check: func(n *syntax.Node, report *diag.List) { check(p, n, report) },
	}
}

func algorithmFields(p *Params) schema.Object {
	return schema.Object{Short: "kind", Fields: []*schema.Field{
		schema.Enum(&p.Algorithm, "kind", "nearest", "the algorithm",
			schema.Choice{Name: "nearest", Doc: "each weight to the nearest code"},
			schema.Choice{Name: "mse", Doc: "nearest, in the clipped range that gives the least squared error"}),
	}}
}

func typeField(p *string, def, doc string) *schema.Field {
	return schema.Enum(p, "type", def, doc,
		schema.Choice{Name: "int8", Doc: "codes from -128 to 127; symmetric from -127"},
		schema.Choice{Name: "uint8", Doc: "codes from 0 to 255; symmetric from 1 around 128"})
}

func weightFields(p *Weights) schema.Object {
	return schema.Object{Fields: []*schema.Field{
		typeField(&p.Type, "int8", "type of the codes"),
		schema.Enum(&p.Granularity, "granularity", "channel", "what one scale covers",
			schema.Choice{Name: "channel", Doc: "one output channel"},
			schema.Choice{Name: "tensor", Doc: "the whole weight"}),
		schema.Bool(&p.Symmetric, "symmetric", true, "whether the range lies evenly around zero"),
		schema.Nested("observer", "how the range of a weight is chosen", observerFields(&p.Observer, "minmax",
			schema.Choice{Name: "minmax", Doc: "smallest and largest"},
			schema.Choice{Name: "percentile", Doc: "the range that holds a share of the weights"},
			schema.Choice{Name: "mse", Doc: "the clipped range of least squared error"})),
	}}
}

func activationFields(p *Activations) schema.Object {
	return schema.Object{Fields: []*schema.Field{
		typeField(&p.Type, "uint8", "type of the codes; ONNX Runtime on x86 fuses uint8 everywhere, int8 not across branches"),
		schema.Bool(&p.Symmetric, "symmetric", false, "whether ranges lie evenly around zero; after a ReLU that wastes half of the codes"),
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

// check completes the parameters by the scheme and finds what cannot go together.
func check(p *Params, n *syntax.Node, report *diag.List) {
	if p.Scheme == "W8A8" && n.Get("activations") == nil {
		p.Activations = new(Activations)
		activationFields(p.Activations)
	}
	if p.Activations != nil && p.Data == "" {
		report.Errorf(n.At("activations").Span, "missing-data", "the ranges of activations come from samples; name a data set: `data: calibration`")
	}
	if p.Algorithm == "mse" && p.Weights.Observer.Kind == "percentile" {
		report.Errorf(n.At("algorithm").Span, "observer-conflict", "algorithm mse searches the range itself; observer percentile of the weights chooses another")
	}
	if p.Activations != nil && p.Activations.Type == "int8" && p.Weights.Type == "uint8" {
		report.Warningf(n.At("weights.type").Span, "slow-type-pair",
			"runtimes have no integer kernel for int8 activations with uint8 weights and will compute in float; use int8 weights, or uint8 for both")
	}
}

// codes returns the type of codes by its name in a recipe.
func codes(name string) affine.Type {
	if name == "uint8" {
		return affine.Uint8
	}
	return affine.Int8
}

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
