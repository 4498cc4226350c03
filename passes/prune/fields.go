package prune

import (
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// Params of the pass; doc.md says more of each.
type Params struct {
	Sparsity  float64
	Criterion string
	Structure string
	N, M      int
	Scope     string
	Remove    bool
	RoundTo   int
	Data      string
	Samples   int
	Batch     int
}

func fields(p *Params) schema.Object {
	return schema.Object{
		Doc: "Zeroes or removes the least important weights.",
		Fields: []*schema.Field{
			schema.Ratio(&p.Sparsity, "sparsity", 0, "share of the weights set to zero, or of the filters removed; 0 leaves a layer alone").
				Between(0, 1).Below(1).Usual(0.01, 0.99).Require(),
			schema.Enum(&p.Criterion, "criterion", "magnitude", "what ranks weights or filters; the lowest go",
				schema.Choice{Name: "magnitude", Doc: "absolute value; of a filter, the sum of absolute values"},
				schema.Choice{Name: "l2", Doc: "Euclidean norm of a filter; of a single weight the same as magnitude"},
				schema.Choice{Name: "taylor", Doc: "squared product of weight and gradient of the loss: the change of the loss to first order; needs data with labels"},
				schema.Choice{Name: "apoz", Doc: "share of zeros after the activation function, highest first; filters behind a ReLU only; needs data"},
				schema.Choice{Name: "mean_activation", Doc: "mean absolute output of a filter; filters only; needs data"},
				schema.Choice{Name: "bn_scale", Doc: "absolute scale of the batch normalization behind a filter; filters only"},
				schema.Choice{Name: "random", Doc: "seeded chance: the baseline that every criterion must beat"}),
			schema.Enum(&p.Structure, "structure", "unstructured", "what is pruned as one piece",
				schema.Choice{Name: "unstructured", Doc: "single weights"},
				schema.Choice{Name: "n_m", Doc: "of every m weights along the input dimension, all but the best n"},
				schema.Choice{Name: "filter", Doc: "output channels of a convolution, rows of a linear layer, with everything that depends on them"}),
			schema.Int(&p.N, "n", 2, "structure n_m: weights kept of every m").AtLeast(1),
			schema.Int(&p.M, "m", 4, "structure n_m: length of a group").AtLeast(2),
			schema.Enum(&p.Scope, "scope", "layer", "what is ranked together",
				schema.Choice{Name: "layer", Doc: "each layer reaches the sparsity by itself"},
				schema.Choice{Name: "row", Doc: "each output row reaches it by itself; unstructured only"},
				schema.Choice{Name: "global", Doc: "all layers of the step together"}),
			schema.Bool(&p.Remove, "remove", true, "structure filter: take filters out of the model (true), or set them to zero"),
			schema.Int(&p.RoundTo, "round_to", 1, "structure filter: the number of filters kept is rounded up to a multiple of this; 8 or 16 suits kernels").AtLeast(1),
			schema.Data(&p.Data, "data", "", "data set for taylor, apoz and mean_activation"),
			schema.Int(&p.Samples, "samples", 512, "samples of data to measure on, from the first; 0: all").AtLeast(0).In("samples"),
			schema.Int(&p.Batch, "batch", 32, "samples in one pass over the model; for taylor, gradients are averaged over them before they are squared").AtLeast(1).In("samples"),
		},
		Check: func(n *syntax.Node, report *diag.List) { relate(p, n, report) },
	}
}

// fromData tells whether a criterion is measured on data.
func fromData(criterion string) bool {
	return criterion == "taylor" || criterion == "apoz" || criterion == "mean_activation"
}

// relate checks the parameters against each other.
func relate(p *Params, n *syntax.Node, report *diag.List) {
	at := func(key string) diag.Span {
		if x := n.Get(key); x != nil {
			return x.Span
		}
		if n != nil {
			return n.Span
		}
		return diag.Span{}
	}
	given := func(key string) bool { return n.Get(key) != nil }
	filter := p.Structure == "filter"
	switch p.Criterion {
	case "apoz", "mean_activation", "bn_scale":
		if !filter {
			report.Errorf(at("criterion"), "criterion-needs-filters",
				"criterion %s ranks whole filters; it needs structure: filter, not %s", p.Criterion, p.Structure)
		}
	}
	if fromData(p.Criterion) && p.Data == "" && p.Sparsity > 0 {
		report.Errorf(at("criterion"), "criterion-needs-data",
			"criterion %s is measured on data; add data: with the name of a data set", p.Criterion)
	}
	if !fromData(p.Criterion) {
		for _, key := range []string{"data", "samples", "batch"} {
			if given(key) {
				report.Warningf(at(key), "parameter-unused", "criterion %s needs no data; %s has no effect", p.Criterion, key)
			}
		}
	}
	if p.Structure == "n_m" {
		relateNM(p, at, report)
	}
	for _, c := range []struct{ key, structure string }{{"n", "n_m"}, {"m", "n_m"}, {"remove", "filter"}, {"round_to", "filter"}} {
		if given(c.key) && p.Structure != c.structure {
			report.Warningf(at(c.key), "parameter-unused", "%s belongs to structure: %s; with %s it has no effect", c.key, c.structure, p.Structure)
		}
	}
	switch {
	case p.Scope == "row" && p.Structure != "unstructured":
		report.Errorf(at("scope"), "scope-does-not-fit", "scope row ranks the single weights of a row; structure %s takes layer%s",
			p.Structure, map[bool]string{true: " or, without removal, global"}[filter])
	case p.Scope == "global" && p.Structure == "n_m":
		report.Errorf(at("scope"), "scope-does-not-fit", "structure n_m decides group by group; scope must be layer")
	case p.Scope == "global" && filter && p.Remove:
		report.Errorf(at("scope"), "scope-does-not-fit", "scope global with removal would leave the shapes unknown until the weights "+
			"are read, and a plan must know them; write remove: false, or a sparsity for each layer by overrides")
	}
}

func relateNM(p *Params, at func(string) diag.Span, report *diag.List) {
	switch share := 1 - float64(p.N)/float64(p.M); {
	case p.N >= p.M:
		report.Errorf(at("n"), "n-m-order", "n is %d and m is %d; n weights of every m are kept, so n must be smaller", p.N, p.M)
	case p.M > 1024:
		report.Errorf(at("m"), "n-m-order", "m is %d; groups longer than 1024 are not offered", p.M)
	case p.Sparsity != 0 && (p.Sparsity > share+1e-6 || p.Sparsity < share-1e-6):
		report.Errorf(at("sparsity"), "n-m-sparsity", "keeping %d of every %d weights is a sparsity of %.4g; sparsity says %.4g",
			p.N, p.M, share, p.Sparsity)
	}
}
