package recipe

import (
	"path"
	"slices"

	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// dataUse is where a data set is used first, by the steps and by the gates.
type dataUse struct{ step, gate *syntax.Node }

// referStep and referGate check the name of a data set that a step or a gate uses.
func (p *parser) referStep(n *syntax.Node, name string, want schema.Format) bool {
	if !p.refer(n, name, want) {
		return false
	}
	if use := p.useOf(name); use.step == nil {
		use.step = n
	}
	return true
}

func (p *parser) referGate(n *syntax.Node, name string, want schema.Format) bool {
	if !p.refer(n, name, want) {
		return false
	}
	if use := p.useOf(name); use.gate == nil {
		use.gate = n
	}
	return true
}

func (p *parser) useOf(name string) *dataUse {
	if p.dataUsed[name] == nil {
		p.dataUsed[name] = new(dataUse)
	}
	return p.dataUsed[name]
}

func (p *parser) refer(n *syntax.Node, name string, want schema.Format) bool {
	if slices.Contains(p.dataNames, name) {
		return p.holds(n, name, want)
	}
	if p.dataBroken || p.recipe.partial {
		return true
	}
	if len(p.dataNames) == 0 {
		p.report.Errorf(n.Span, "unknown-data", "unknown data set %s; the recipe declares none: add data: {%s: …}", quote(name), name)
		return false
	}
	fit := slices.DeleteFunc(slices.Clone(p.dataNames), func(name string) bool { return p.isMatrix(name) != (want == schema.FormatImportance) })
	p.report.Errorf(n.Span, "unknown-data", "unknown data set %s%s", quote(name), diag.Suggest(name, fit))
	p.report.Fix(diag.Rename(n.Span, name, fit))
	return false
}

// isMatrix tells whether a data set is declared as an importance matrix.
func (p *parser) isMatrix(name string) bool {
	return p.recipe.Root.Get("data").Get(name).Get("importance") != nil
}

// holds checks that a declared data set holds what a key wants.
func (p *parser) holds(n *syntax.Node, name string, want schema.Format) bool {
	matrix := p.isMatrix(name)
	switch {
	case matrix && want == schema.FormatData:
		p.report.Errorf(n.Span, "data-of-other-kind", "the data set %s is an importance matrix, and samples are wanted here; name a data set with images", name)
	case !matrix && want == schema.FormatImportance:
		p.report.Errorf(n.Span, "data-of-other-kind", "the data set %s holds samples, and an importance matrix is wanted here; name a data set with importance: the file that llama-imatrix writes", name)
	default:
		return true
	}
	return false
}

// data takes over the declared data sets.
func (p *parser) data(list []schema.Named[Data]) {
	for _, d := range list {
		p.named(d.Key, "a data set's name", d.Name)
		d.Value.Name = d.Name
		p.recipe.Data = append(p.recipe.Data, d.Value)
	}
}

// checkData holds the keys of a data set against each other.
func checkData(d *Data, n *syntax.Node, report *diag.List) {
	switch {
	case d.Importance != "":
		for _, key := range []string{"path", "images", "labels", "skip", "samples", "mean", "std"} {
			if other := n.Get(key); other != nil {
				report.Errorf(n.KeySpan(key), "keys-conflict", "%s is for samples; this data set is an importance matrix, which has none", key)
			}
		}
	case d.Images == "" && d.Path == "":
		report.Errorf(n.Head(), "missing-key", "a data set needs images: the IDX file that its samples are in; or importance: the file of an importance matrix")
	case d.Images != "" && d.Path != "":
		report.Errorf(n.Get("path").Span, "keys-conflict", "the data set has both images and path; write one of them")
	case d.Path != "" && d.Labels != "":
		report.Errorf(n.Get("labels").Span, "keys-conflict", "labels belong to images; this data set has path")
	case d.Mean != nil && d.Std != nil && len(d.Mean) != len(d.Std):
		report.Errorf(n.Get("std").Span, "lengths-differ", "std has %s and mean has %d; each has one number a channel", count(len(d.Std), "number"), len(d.Mean))
	}
}

// overlaps reports gates whose data steps have seen: they would measure memory. It warns of two sets that steps use and
// that share samples under two names. Other overlaps, and files that are equal under two names, show when the data is
// read.
func (p *parser) overlaps() {
	for i := range p.recipe.Data {
		a := &p.recipe.Data[i]
		use := p.dataUsed[a.Name]
		if use == nil {
			continue
		}
		if use.gate != nil && use.step != nil {
			p.report.Add(diag.Diagnostic{Severity: diag.Error, Code: "data-overlap", Span: use.gate.Span,
				Message: "the gate measures on " + a.Name + ", which a step works with; a gate needs data that no step has seen",
				Related: []diag.Related{{Span: use.step.Span, Message: "the step's data"}}})
			continue
		}
		for j := range p.recipe.Data {
			if seen := p.dataUsed[p.recipe.Data[j].Name]; j != i && seen != nil && seen.step != nil && overlap(a, &p.recipe.Data[j]) {
				p.shared(a, &p.recipe.Data[j], use.gate != nil, j < i)
			}
		}
	}
}

// shared reports two data sets that share samples; a step works with b.
func (p *parser) shared(a, b *Data, gate, second bool) {
	d := diag.Diagnostic{Severity: diag.Error, Code: "data-overlap", Span: a.Node.Head(),
		Message: a.Name + " shares samples with " + b.Name + ", which a step works with; a gate needs data that no step has seen: use skip and samples, or another file",
		Related: []diag.Related{{Span: b.Node.Head(), Message: b.Name}}}
	if !gate {
		if !second {
			return // said of the later of the two
		}
		d.Severity = diag.Warning
		d.Message = a.Name + " shares samples with " + b.Name + ", and steps work with both; use skip and samples, or one name for both"
	}
	p.report.Add(d)
}

// overlap tells whether two sets take a sample from the same place of the same file.
func overlap(a, b *Data) bool {
	if a.Importance != "" || b.Importance != "" {
		return false // it has no samples
	}
	if path.Clean(a.Images+a.Path) != path.Clean(b.Images+b.Path) {
		return false
	}
	return (a.Samples == 0 || a.Samples > b.Skip-a.Skip) && (b.Samples == 0 || b.Samples > a.Skip-b.Skip)
}

// unusedData warns of data sets that neither a step nor a gate uses.
func (p *parser) unusedData() {
	n := p.recipe.Root.Get("data")
	for _, d := range p.recipe.Data {
		if key := n.Pair(d.Name).Key; p.dataUsed[d.Name] == nil && p.own(key) {
			p.report.Warningf(key.Span, "unused-data", "neither a step nor a gate uses the data set %s; use it or remove it", d.Name)
		}
	}
}
