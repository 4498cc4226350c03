// Package recipe is the language: the types of a recipe, its parser, selectors, and the findings about its text. It
// knows no model and no pass; what passes, metrics, formats and facts there are comes in as a Language.
package recipe

import (
	"strings"

	"github.com/pare-ml/pare/recipe/condition"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// Language is what a recipe may speak of.
type Language struct {
	Passes  []PassWord
	Metrics []Word
	Formats []Word
	Types   []Word // layer types, for `type:`
	Roles   []Word // layer roles, for `role:`
	Targets []Word // device profiles that are built in, for `target:`
	Env     condition.Env

	Migrations []Migration // from older versions of the language
	Checks     []Check     // what is found by others: by who compiles recipes, by passes
}

// Word is a name with its documentation.
type Word struct {
	Name, Doc string

	Unit       string   // of a metric: share, so that limits are written 0.01 or 1%; bytes: 90MB; others: a number
	NoData     bool     // of a metric: it is not measured on a data set
	Extensions []string // of a format: ".onnx"; without a `format:` the path's extension decides
}

// PassWord is what the language must know of a pass.
type PassWord struct {
	Name, Doc string
	Whole     bool // overrides are refused
	Order     []Order
	Fields    func() schema.Object // bound to fresh variables each time
}

// Order is a rule about the place of a step, with its reason.
type Order struct{ Before, After, Why string }

// Recipe is a parsed recipe.
type Recipe struct {
	Source      *diag.Source
	Root        *syntax.Node // with what the imports bring in; without the key imports
	Imports     []*Import    // files taken in, in the order in which they count: a later one wins
	Name        string
	Description string
	Vars        []Var
	Model       Model
	Target      Target
	Data        []Data
	Seed        uint64
	Steps       []*Step
	Gates       []*Gate
	Outputs     []Output

	lang    *Language
	broken  []string                // variables declared with a default that cannot be used
	partial bool                    // an import could not be read, so what is not declared may be declared there
	dirs    map[*diag.Source]string // the folders of imports, relative to the recipe's
	folder  string                  // the recipe's folder relative to the repository's root; empty: not known
}

// Var is a declared variable. Its type is that of its default.
type Var struct {
	Name  string
	Value any         // int64, float64, string or bool, after --set
	Kind  schema.Kind // int, number, ratio, size, string or bool; a size is an int64, a ratio a float64
	Node  *syntax.Node

	key *syntax.Node
}

// Model names the model that goes in.
type Model struct {
	Path     string // relative to the recipe, or the address hf://org/name@revision
	Manifest string // its header as a file, for when the model is not at hand; relative to the recipe; may be empty
	Node     *syntax.Node
}

// Remote tells whether the model is no file but stands at an address.
func (m Model) Remote() bool { return strings.HasPrefix(m.Path, schema.RemoteScheme) }

// Target names the device profile that the result is for. The zero Target: none.
type Target struct {
	Name string // of a profile that is built in
	Path string // else: of a file with a profile, relative to the recipe
	Node *syntax.Node
}

// Data is a named data set.
type Data struct {
	Name   string
	Path   string // a file of another kind, relative to the recipe; kept for the kinds to come
	Images string // IDX file, gzipped or not, relative to the recipe
	Labels string // IDX file

	// Importance is the file of an importance matrix, GGUF or the older binary form, relative to the recipe: of a data set
	// that holds no samples.
	Importance string

	Skip    int // samples left out at the start
	Samples int // 0: all that follow
	Mean    []float64
	Std     []float64
	Node    *syntax.Node
}

// Step is one entry of passes.
type Step struct {
	ID        string
	Pass      string
	Params    *syntax.Node // the mapping behind the pass's name, possibly nil; ${{ }} not yet filled in
	Targets   []*Selector  // empty: every layer that the pass accepts
	Ignore    []*Selector
	When      *condition.Condition // over vars, model, target and metrics facts; nil: always
	WhenAtRun bool                 // When asks for a metric, so it is decided while the build runs
	Overrides []*Override
	Expect    Expect
	Gates     []*Gate      // what the model must meet after this step
	Node      *syntax.Node // the whole entry
}

// Override changes parameters for some of a step's layers. The last match wins, parameter by parameter.
type Override struct {
	Targets []*Selector
	When    *condition.Condition // over layer facts
	Set     *syntax.Node
	Node    *syntax.Node
}

// Expect is a reviewer's tripwire on the number of layers a step's selectors match. Nil: not asked.
type Expect struct {
	Matches, Min, Max *int
	Node              *syntax.Node
}

// Gate is a condition that the result must meet: a metric with one limit, or an expression.
type Gate struct {
	Name       string // "top1 on test", or the expression
	Metric     string
	Data       string
	At         string // p50, p90, p95, p99, max: of single samples; empty: the metric as it is
	Limit      GateLimit
	Value      float64 // of the limit; ratios as 0.01
	Confidence float64 // 0: not asked, the point estimate decides
	Expr       *condition.Condition
	OnFail     string // error, warn
	Node       *syntax.Node
}

// GateLimit says what a gate's value limits.
type GateLimit string

const (
	Threshold             GateLimit = "threshold"               // the metric itself: at least, or at most, by the metric's direction
	MaxDegradation        GateLimit = "max_degradation"         // the drop from the baseline, in the metric's unit
	PercentMaxDegradation GateLimit = "percent_max_degradation" // the drop as a share of the baseline
)

// Output is a file to write.
type Output struct {
	Format string
	Path   string // relative to --out, else to the recipe
	GGUF   GGUFOutput
	Node   *syntax.Node
}

// GGUFOutput is how a GGUF file is written: in several files, in the words of llama-gguf-split. At most one of the limits is set.
type GGUFOutput struct {
	Compatible         bool  // without what pare says of the model's origin: the bytes of llama.cpp's own tools
	SplitMaxSize       int64 // bytes of the tensors of a file; 0: no limit
	SplitMaxTensors    int   // 0: no limit
	NoTensorFirstSplit bool
}

// splits reports whether there may be several files.
func (g GGUFOutput) splits() bool { return g.SplitMaxSize > 0 || g.SplitMaxTensors > 0 }
