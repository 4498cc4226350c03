// Package passes is the contract of a pass: a transformation of a model that a recipe's step names. A pass is a
// constant record made by Define; the passes there are stand in passes/all.
//
// A pass knows this contract, the model, the executor and the kernels. It does not know the plan, the recipe's text or
// another pass.
package passes

import (
	"context"
	"fmt"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/measure"
	"github.com/pare-ml/pare/internal/dataset"
	"github.com/pare-ml/pare/internal/importance"
	"github.com/pare-ml/pare/internal/rng"
	"github.com/pare-ml/pare/recipe/schema"
)

// Info is what is known of a pass without running it.
type Info struct {
	Name    string // the key of a step: "prune"
	Doc     string // one sentence, then more
	Version int    // raised when the same input would give other bytes; part of every cache key
	Order   []Order

	// Whole marks a pass that treats the model as one thing (distill, fold): overrides are refused, and targets, if
	// given, only narrow where it acts.
	Whole bool

	// Subgraphs tells that the pass can act on layers that stand in subgraphs of nodes (If, Loop, Scan).
	Subgraphs bool

	// Zeroes marks a pass that sets weights to zero. Later passes must leave them so, unless their step says mask: release.
	Zeroes bool

	// Accepts tells whether the pass can act on a layer, and if not, why: "it has no weight matrix". Nil: any layer.
	Accepts func(ir.Layer) (ok bool, why string)
}

// Order is a rule about what must come before or after the pass, with the reason that the user reads.
type Order struct {
	Before string // this pass must stand before that one
	After  string // this pass must stand after that one
	Why    string // "quantized weights no longer rank by size"
}

// Problem is a parameter that cannot work on a layer, found before any weight is read.
type Problem struct {
	Code    string // "group-size-does-not-divide"
	Field   string // path of the parameter: "weights.group_size"
	Message string
	Warning bool
}

// Refused is an error of Foresee or Run: parameters that cannot work on layers, which took more than their headers to find.
// Findings point at the parameters.
type Refused []LayerProblem

// LayerProblem is what is wrong with the parameters of a layer.
type LayerProblem struct {
	Layer string
	Problem
}

func (r Refused) Error() string {
	more := ""
	if n := len(r) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d layers more)", n)
	}
	return "layer " + r[0].Layer + ": " + r[0].Message + more
}

// Treated is a layer with the parameters that hold for it.
type Treated[P any] struct {
	ir.Layer
	Params *P
}

// Unit is what one action treats: layers that cannot be decided apart. Params are the step's own, without overrides.
type Unit[P any] struct {
	Params *P
	Layers []Treated[P]
}

// Effect says what happened, or will happen, to one layer.
type Effect struct {
	Layer    string // empty: the model as a whole
	Did      string // "8 of 32 filters removed", "int8 per channel, activations int8"; empty with Why: nothing
	Why      string // the reason for doing nothing or something else
	From, To State
	Carried  []string // layers whose shape or values had to follow

	// Rounding is how far the layer's weight moved, if the pass saw it while it computed the new one; nil: not known.
	Rounding *measure.Rounding

	// Finish completes the effect of a pass that left tensors to be computed when they are written: it is called once,
	// after all of them were. Nil: the effect is complete.
	Finish func(e *Effect)
}

// State of a layer before or after a pass.
type State struct {
	DType  ir.DType
	Shape  []int // of the weight
	Params int   // elements
	Zeros  int   // weights that are zero; in a foreseen effect an estimate
	Bytes  int64 // in the artefact
	Gone   bool  // the layer is no longer in the model
}

// Spec is the behaviour of a pass with parameters of type P. All but Fields and Run may be nil.
type Spec[P any] struct {
	// Fields describes the parameters and binds them to p.
	Fields func(p *P) schema.Object

	// Check finds parameters that cannot work on a layer; called once for each layer selected.
	Check func(p *P, l ir.Layer) []Problem

	// Needs lists the measurements to make on the step's input model before it runs.
	Needs func(p *P) []measure.Need

	// Uses lists the names of data sets that the pass reads itself.
	Uses func(p *P) []string

	// Weighs names the data set that holds the importance matrix which the pass looks into; empty: none. It is at hand in
	// Foresee already (Site.Importance), and what a unit gives may depend on it though units are Local. Nil: never.
	Weighs func(p *P) string

	// Load tells how often the pass runs the model by itself, for estimates of memory and work. Nil: never.
	Load func(p *P) Load

	// Draws tells whether Run draws random numbers (Site.Rand): only then does the result depend on the recipe's seed, and only
	// then does Site have it. Nil: never.
	Draws func(p *P) bool

	// Join groups the layers (given by index) that must be treated together. Nil: each alone; for a Whole pass: all.
	Join func(m *ir.Model, layers []Treated[P]) ([][]int, error)

	// Foresee does to a model without weights (ir.Model.Header) what Run will do to its structure, shapes and types, and
	// says what each layer will become. Nil: nothing changes shape or type.
	Foresee func(s *Site, u Unit[P]) ([]Effect, error)

	// Apart tells whether Foresee, and Run where it Streams, may be given these layers at once though they are of several
	// units: nothing that is done to one unit bears on another, and of parameters only the layers' own are asked. It saves
	// rewriting a large graph layer by layer. Nil: one unit at a time.
	Apart func(layers []Treated[P]) bool

	// Local tells whether Run treats these layers, which are all that the step treats, unit by unit and each unit by itself:
	// of the model's tensors it reads those of the unit's layers and what a header keeps (ir.Tensor.InHeader), of data only
	// measurements that Needs lists; what it names anew is named after the layers. Such units are worked on beside each other,
	// each on the model as the step finds it, and what one gave stands as long as its layers, their parameters and the
	// structure of the model are the same. Unit.Params are those of its first layer then. Nil: units run one after another, and
	// depend on all that came before.
	Local func(layers []Treated[P]) bool

	// Streams tells whether what Run gives for these layers is computed when it is written, from the model's tensors alone, in
	// less than about ten times the time that it would take to write it to a store and to read it back from there. Of large
	// models such results are not kept. Nil: never.
	Streams func(layers []Treated[P]) bool

	// Run does the work on s.Model.
	Run func(ctx context.Context, s *Site, u Unit[P]) ([]Effect, error)
}

// Load says how often a pass runs the model, beside the measurements that it asks for.
type Load struct {
	Batch    int    // samples at a time
	Samples  int    // in all
	Backward bool   // gradients are taken
	State    int    // numbers that the optimizer keeps for each parameter
	Teacher  string // a second model that sees the same samples: input, or a path; empty: none
}

// Site is where a pass works. The engine fills it; a pass changes nothing but Model.
type Site struct {
	Step  string    // the step's id
	Model *ir.Model // the model as the steps before left it; change its structure in place, replace its tensors
	Input *ir.Model // the model as it came into the recipe: `teacher: input`. Never changed

	Workers int
	Seed    uint64 // the recipe's; 0 for a pass that does not say that it draws
	Stream  string // names the step's random numbers: its pass, and which of that pass's steps it is. A renamed step draws the same

	Open       func(path string) (*ir.Model, error)                               // another model, path as in the recipe
	Data       func(name string) (dataset.Set, error)                             // a data set of the recipe
	Importance func(name string) (*importance.Matrix, error)                      // the importance matrix of a data set that Weighs names. In Foresee it may be nil, or give nil: the file is not there
	Measure    func(ctx context.Context, n measure.Need) (*measure.Result, error) // made once, shared
	Progress   func(done, total int, note string)                                 // may be nil

	Checkpoint Checkpointer // where a long Run keeps how far it has come; nil: nowhere
}

// Checkpointer keeps the state of one Run, until it has ended, for the case that the process does not live so long. A pass
// that goes on from a state must give the same bytes as one that was never stopped.
type Checkpointer interface {
	// Load returns the state kept last, if there is one.
	Load() (state []byte, ok bool)
	// Save keeps a state in place of the one before. at says how far Run has come: "step 250 of 450".
	Save(state []byte, at string) error
}

// Rand returns the generator that belongs to this step and some names, usually a layer's.
func (s *Site) Rand(names ...string) *rng.Rand {
	return rng.New(s.Seed, append([]string{s.Stream}, names...)...)
}
