package graph

import (
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/measure"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
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
}

// Totals of a model's layers.
type Totals struct {
	Layers int   `json:"layers"`
	Params int64 `json:"params"`
	Zeros  int64 `json:"zeros"` // weights that are zero
	Bytes  int64 `json:"bytes"` // of all layers' tensors
	Work   int64 `json:"work"`  // multiply-adds for one sample; 0 if shapes are not known
}

// Step is a step of the recipe with its selections resolved.
type Step struct {
	Step    *recipe.Step
	Pass    *passes.Pass
	Params  *passes.Params // the step's own
	Skipped string         // why the step is left out; empty if it runs
	Needs   []measure.Need
	Did     string         // what it does to the model as a whole, as far as it says so
	Layers  []*Treatment   // in model order
	Units   [][]*Treatment // layers that the pass must treat together
}

// Treatment is what one step does to one layer.
type Treatment struct {
	Layer  ir.Layer       // as the step finds it
	Params *passes.Params // effective; nil for a pass that treats the model as a whole
	Rules  []diag.Span    // where it was decided: the step, then the overrides that matched, in order
	Effect passes.Effect  // foreseen
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
}
