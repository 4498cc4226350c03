package recipe

import (
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// document is a recipe's text decoded by its top-level records; what needs more than a record stays a node.
type document struct {
	Version     int
	Name        string
	Description string
	Imports     []string
	Vars        *syntax.Node
	Model       Model
	Target      string
	Data        []schema.Named[Data]
	Seed        int
	Passes      *syntax.Node
	Gates       []gateText
	Outputs     []Output
}

// Fields returns the records of a whole recipe in this language, for documentation and schemas.
func (l *Language) Fields() schema.Object { return documentFields(new(document), l) }

// StepFields returns the records of one entry of passes: the keys every step may have and one key a pass.
func (l *Language) StepFields() schema.Object { return stepFields(new(stepText), l, nil, "") }

func documentFields(d *document, l *Language) schema.Object {
	return schema.Object{
		Name: "a recipe",
		Doc:  "A recipe: which model goes in, which passes run over it, and what the result must still be able to do.",
		Fields: []*schema.Field{
			// The version has been checked before the rest is read, missing or not.
			schema.Int(&d.Version, "version", Version, "version of the recipe language"),
			schema.String(&d.Name, "name", "", "name of the result"),
			schema.String(&d.Description, "description", "", "what the result is for"),
			// The imports have been read before the rest, and are no longer in the text that is decoded.
			schema.Paths(&d.Imports, "imports", "recipe fragments that are taken in, relative to this file; a later one wins, this file over all"),
			schema.Node(&d.Vars, "vars", "variables with their defaults, which --set may change; a default decides the type").As(schema.FormatVars),
			schema.Nested("model", "the model that goes in", modelFields(&d.Model)).Require(),
			schema.String(&d.Target, "target", "", "the device that the result is for: a profile that is built in, or the path of a file with one").As(schema.FormatTarget),
			schema.Map(&d.Data, "data", "data sets by name", dataFields),
			schema.Int(&d.Seed, "seed", 0, "where all random numbers start").AtLeast(0),
			schema.Node(&d.Passes, "passes", "the steps, in the order in which they run; without any the model is written as it is, in the format of each output").As(schema.FormatSteps),
			schema.List(&d.Gates, "gates", "conditions that the result must meet", func(g *gateText) schema.Object { return gateFields(g, l) }),
			schema.List(&d.Outputs, "outputs", "files to write", func(o *Output) schema.Object { return outputFields(o, l) }),
		},
	}
}

func modelFields(m *Model) schema.Object {
	return schema.Object{
		Doc:  "The model that goes in.",
		Node: &m.Node,
		Fields: []*schema.Field{
			schema.Model(&m.Path, "path", "the model file, relative to the recipe, or hf://org/name@revision").Require(),
			schema.Path(&m.Manifest, "manifest", "", "the model's header as pare manifest writes it, for work without the model"),
		},
		Check: func(n *syntax.Node, report *diag.List) { checkModel(m, n, report) },
	}
}

func dataFields(d *Data) schema.Object {
	return schema.Object{
		Doc:  "A data set.",
		Node: &d.Node,
		Fields: []*schema.Field{
			schema.Path(&d.Path, "path", "", "a data file, relative to the recipe"),
			schema.Path(&d.Images, "images", "", "images in an IDX file, gzipped or not, relative to the recipe"),
			schema.Path(&d.Labels, "labels", "", "their labels in an IDX file"),
			schema.Path(&d.Importance, "importance", "", "an importance matrix instead of samples, as llama-imatrix writes it: how much each column of a weight matters"),
			schema.Int(&d.Skip, "skip", 0, "samples left out at the start").AtLeast(0).In("samples"),
			schema.Int(&d.Samples, "samples", 0, "samples taken after those; 0: all that follow").AtLeast(0).In("samples"),
			schema.Floats(&d.Mean, "mean", nil, "mean of each channel, subtracted after pixels are scaled to 0 … 1").Usual(0, 1),
			schema.Floats(&d.Std, "std", nil, "standard deviation of each channel, divided by").Above(0).Usual(0, 1),
		},
		Check: func(n *syntax.Node, report *diag.List) { checkData(d, n, report) },
	}
}

// gateText is a gate as it is written. The limits are decoded once the metric's unit is known.
type gateText struct {
	Gate
	threshold, maxDegradation, percent *syntax.Node
	expect                             *syntax.Node
}

func gateFields(g *gateText, l *Language) schema.Object {
	return schema.Object{
		Name: "a gate",
		Doc:  "A condition that the result must meet: a metric with one limit, or an expression.",
		Node: &g.Node,
		Fields: []*schema.Field{
			schema.Enum(&g.Metric, "metric", "", "what is measured", choices(l.Metrics)...),
			schema.Data(&g.Data, "data", "", "the data set that it is measured on"),
			schema.Enum(&g.At, "at", "", "what so many of the samples keep to, instead of the mean of all",
				schema.Choice{Name: "p50", Doc: "half of the samples"}, schema.Choice{Name: "p90", Doc: "90% of them"},
				schema.Choice{Name: "p95", Doc: "95% of them"}, schema.Choice{Name: "p99", Doc: "99% of them"},
				schema.Choice{Name: "max", Doc: "every sample that was measured"}),
			schema.Node(&g.threshold, "threshold", "limit on the metric itself: at least, or at most, by the metric's direction"),
			schema.Node(&g.maxDegradation, "max_degradation", "limit on the drop from the baseline, in the metric's unit"),
			schema.Node(&g.percent, "percent_max_degradation", "limit on the drop as a share of the baseline's value"),
			schema.Ratio(&g.Confidence, "confidence", 0, "how sure the decision must be; left out: the point estimate decides").Above(0).Below(1),
			schema.Enum(&g.OnFail, "on_fail", "error", "what a gate that is not met does",
				schema.Choice{Name: "error", Doc: "the build fails"}, schema.Choice{Name: "warn", Doc: "the report says so"}),
			schema.String(&g.Name, "name", "", "what the report calls the gate; default: the metric and its data, or the expression"),
			schema.Node(&g.expect, "expect", "an expression over artifact, metrics and baseline, instead of a metric").As(schema.FormatCondition),
		},
	}
}

func outputFields(o *Output, l *Language) schema.Object {
	return schema.Object{
		Name: "an output",
		Doc:  "A file to write.",
		Node: &o.Node,
		Fields: []*schema.Field{
			schema.Enum(&o.Format, "format", "", "format of the file; default: by the extension of path", choices(l.Formats)...),
			schema.OutputPath(&o.Path, "path", "", "the file, relative to --out, else to the recipe").Require(),
			schema.Nested("gguf", "how a GGUF file is written", ggufFields(&o.GGUF)),
		},
	}
}

func ggufFields(g *GGUFOutput) schema.Object {
	return schema.Object{
		Name: "gguf",
		Doc: "How a GGUF file is written, and whether as several, as llama-gguf-split makes them: of path model.gguf " +
			"model-00001-of-00003.gguf and so on.",
		Fields: []*schema.Field{
			schema.Bool(&g.Compatible, "compatible", false, "byte for byte what llama.cpp's own tools write: without the keys that say what the model was made from"),
			schema.Bytes(&g.SplitMaxSize, "split_max_size", 0, "most bytes of the tensors of one file; left out: no limit").AtLeast(1),
			schema.Int(&g.SplitMaxTensors, "split_max_tensors", 0, "most tensors of one file; left out: no limit").AtLeast(1),
			schema.Bool(&g.NoTensorFirstSplit, "no_tensor_first_split", false, "the first of several files holds the metadata alone"),
		},
	}
}

// stepText is a step as it is written.
type stepText struct {
	ID              string
	Targets, Ignore *syntax.Node
	When            *syntax.Node
	Expect          Expect
	Gates           []gateText
	Overrides       []overrideText
	Params          *syntax.Node
}

type overrideText struct {
	Targets, When, Set, Node *syntax.Node
}

// stepFields are the keys of a step: its own, and those of the passes. w is the step's pass, as far as it is known;
// extra is one more key that is let through, for a pass that is unknown and has been reported.
func stepFields(s *stepText, l *Language, w *PassWord, extra string) schema.Object {
	o := schema.Object{
		Name: "a step",
		Doc:  "A step: a pass, where it applies, with which parameters.",
		Fields: []*schema.Field{
			schema.String(&s.ID, "id", "", "name of the step; default: the pass's name"),
			schema.Node(&s.Targets, "targets", "which layers; default: every layer that the pass can treat").As(schema.FormatSelectors),
			schema.Node(&s.Ignore, "ignore", "which layers not; wins over targets").As(schema.FormatSelectors),
			schema.List(&s.Overrides, "overrides", "other parameters for some of the layers; the last that matches wins",
				func(o *overrideText) schema.Object { return overrideFields(o, w) }),
			schema.Node(&s.When, "when", "condition over the model and metrics; the step is left out if it does not hold").As(schema.FormatCondition),
			schema.Nested("expect", "how many layers the step must match", expectFields(&s.Expect)),
			schema.List(&s.Gates, "gates", "conditions that the model must meet after this step", func(g *gateText) schema.Object { return gateFields(g, l) }),
		},
	}
	for _, w := range l.Passes {
		f := schema.Node(&s.Params, w.Name, w.Doc)
		if w.Fields != nil {
			fields := w.Fields()
			f.Fields = &fields
		}
		o.Fields = append(o.Fields, f)
	}
	if extra != "" {
		o.Fields = append(o.Fields, schema.Node(&s.Params, extra, ""))
	}
	return o
}

// overrideFields are the keys of an override of a step whose pass is w, if that is known.
func overrideFields(o *overrideText, w *PassWord) schema.Object {
	set := schema.Node(&o.Set, "set", "the parameters that change").As(schema.FormatSet).Require()
	if w != nil {
		fields := w.fields()
		set.Fields = &fields
	}
	return schema.Object{
		Name: "an override",
		Doc:  "Other parameters for some of a step's layers.",
		Node: &o.Node,
		Fields: []*schema.Field{
			schema.Node(&o.Targets, "targets", "which of the step's layers").As(schema.FormatSelectors),
			schema.Node(&o.When, "when", "condition over the layer").As(schema.FormatCondition),
			set,
		},
	}
}

func expectFields(e *Expect) schema.Object {
	return schema.Object{
		Doc:   "A reviewer's tripwire on the number of layers that a step matches.",
		Short: "matches",
		Node:  &e.Node,
		Fields: []*schema.Field{
			schema.OptionalInt(&e.Matches, "matches", "exactly so many layers").AtLeast(0).In("layers"),
			schema.OptionalInt(&e.Min, "min", "at least so many").AtLeast(0).In("layers"),
			schema.OptionalInt(&e.Max, "max", "at most so many").AtLeast(0).In("layers"),
		},
		Check: func(n *syntax.Node, report *diag.List) { checkExpect(e, n, report) },
	}
}

func checkExpect(e *Expect, n *syntax.Node, report *diag.List) {
	switch {
	case e.Matches == nil && e.Min == nil && e.Max == nil:
		report.Errorf(n.Head(), "empty-value", "expect asks for nothing; write matches, min or max")
	case e.Matches != nil && (e.Min != nil || e.Max != nil):
		report.Errorf(n.Get("matches").Span, "keys-conflict", "expect asks for exactly %d and for bounds too; write one of them", *e.Matches)
	case e.Min != nil && e.Max != nil && *e.Min > *e.Max:
		report.Errorf(n.Get("max").Span, "out-of-range", "max is %d, below min, which is %d; no number of layers will do", *e.Max, *e.Min)
	}
}

func choices(words []Word) []schema.Choice {
	out := make([]schema.Choice, len(words))
	for i, w := range words {
		out[i] = schema.Choice{Name: w.Name, Doc: w.Doc}
	}
	return out
}
