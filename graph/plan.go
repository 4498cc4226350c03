package graph

import (
	"sync"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/measure"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/condition"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
)

// Plan is a compiled recipe: every step with what it will do to every layer, and the actions that do it, in the order
// in which they may run. It is made from the model's header alone.
type Plan struct {
	Recipe  *recipe.Recipe
	Model   *ir.Model // the header it was compiled against
	Steps   []*Step
	Actions []*Action
	Gates   []string // what they ask, in words
	Before  Totals
	After   Totals // foreseen

	Evaluation Cost // of measuring model and baseline on a test set; filled in by Estimate

	rules     map[*recipe.Gate]string // all gates in words, those of steps too
	facts     condition.Facts         // that ${{ }} is filled in from
	leftOut   map[string]string       // steps left out at run, with the reason
	open      Opener
	estimated sync.Once
	first     []ir.Layer // layers of the model that comes in
	output    *ir.Model  // header of the model that the steps leave, as foreseen
	final     []ir.Layer // its layers
}

// Totals of a model's layers.
type Totals struct {
	Layers int   `json:"layers"`
	Params int64 `json:"params"`
	Zeros  int64 `json:"zeros"` // weights that are zero
	Bytes  int64 `json:"bytes"` // of all layers' tensors
	Work   int64 `json:"work"`  // multiply-adds for one sample, filled in by Plan.Estimate; 0 if shapes are not known
}

// Cost is an estimate of what a step asks of the machine. Zero where it cannot be known from the header.
type Cost struct {
	Memory int64 // bytes at the peak: weights held, and activations of the batches in use
	Work   int64 // multiply-adds of all that the step runs the model for
}

// Step is a step of the recipe with its selections resolved.
type Step struct {
	Step    *recipe.Step
	Pass    *passes.Pass
	Params  *passes.Params // the step's own
	Skipped string         // why the step is left out; empty if it runs
	AtRun   string         // the condition that decides at run whether the step is left out; the plan shows it as running
	Needs   []measure.Need
	Did     string         // what it does to the model as a whole, as far as it says so
	Found   []ir.Layer     // the layers that there are when the step begins
	Layers  []*Treatment   // of those that it picks or that must follow, in model order
	Units   [][]*Treatment // layers that the pass must treat together
	Passed  []Passed       // layers that it does not pick, in model order
	Cost    Cost           // filled in by Plan.Estimate

	node     *syntax.Node // what Params were read from
	matrices []string     // data sets whose importance matrices the pass looks into
	stream   string       // names its random numbers: passes.Site.Stream
	local    bool         // its units are worked on beside each other: passes.Spec.Local
	sweeps   bool         // what it gives is not kept, but computed on its way to the file: see sweep
}

// Treatment is what one step does to one layer.
type Treatment struct {
	Layer     ir.Layer           // as the step finds it
	Target    *recipe.Selector   // the first that picks it; nil if the step has no targets
	Overrides []*recipe.Override // those that match, in order
	Params    *passes.Params     // effective; nil for a layer that the pass does not treat
	Rules     []diag.Span        // where it was decided: the step, then the overrides that matched, in order
	Effect    passes.Effect      // foreseen

	node *syntax.Node // what Params were read from; nil: nothing but defaults
	at   int          // place of the layer among the layers of the model that the step finds
}

// Passed is a layer that a step does not pick. Without a reason no target matches it.
type Passed struct {
	Layer   ir.Layer
	Target  *recipe.Selector // the first that matches it
	Ignored *recipe.Selector // the entry of ignore that takes it out again
	Refused string           // why the pass cannot treat it, for a step without targets
}

// Doing is a kind of action.
type Doing string

const (
	Measure  Doing = "measure"  // run the model on data to find something out
	Treat    Doing = "treat"    // apply a pass to layers
	Write    Doing = "write"    // encode the model and put it on disk
	Evaluate Doing = "evaluate" // read the artefact back and measure it
	Decide   Doing = "decide"   // decide the gates
)

// Action is one piece of work, mostly a pass over a layer, or over layers that cannot be decided apart.
type Action struct {
	ID     int
	Do     Doing
	Step   *Step // Measure, Treat
	Layers []*Treatment
	Need   measure.Need   // Measure
	Output *recipe.Output // Write
	Data   string         // Evaluate: the data set
	Inputs []*Action      // what must be done before
	Cached bool           // the store has the result, as far as Plan.Look could tell
}
