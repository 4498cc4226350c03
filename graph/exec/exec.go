// Package exec runs a model: forward with taps on any value, gradients in reverse, and the optimizers that training
// passes use. Results are the same bits for any number of workers and any machine (docs/architecture.md, "Equal bits").
package exec

import (
	"context"

	"github.com/pare-ml/pare/graph/ir"
)

// Array is a dense row-major array with its elements in Data, little endian. Arrays given to or got from a Program may
// be kept; their contents must not be changed by two owners at once.
type Array struct {
	DType ir.DType
	Shape []int
	Data  []byte
}

// Options of a program.
type Options struct {
	Workers int      // goroutines; below 1: one for each processor
	Taps    []string // names of inner values wanted besides the outputs
}

// Program is a model made ready to run. Its parameters are arrays of its own, so that training does not touch the
// model; Store writes them back. A Program serves one goroutine at a time.
type Program struct {
	// filled in by Compile
}

// Unsupported is the error of Compile for a graph with operators that the executor lacks. Its text names each, with a
// node that uses it.
type Unsupported struct{ Ops []UnsupportedOp }

// UnsupportedOp is one of them.
type UnsupportedOp struct{ Op, Domain, Node string }

// Mode says what a forward pass is for.
type Mode uint8

const (
	Infer     Mode = iota
	Train          // keep what Backward needs; BatchNormalization uses its stored statistics
	TrainNorm      // as Train, and BatchNormalization uses and updates the batch's statistics
)

// Tape is a forward pass kept for its gradients.
type Tape struct {
	// filled in by Forward
}

// The functions of this package, by file:
//
//	array.go    NewArray(dtype, shape...) FromFloats(data []float32, shape...) (a) Float32s() []float32 (a view of Data),
//	            Int64s …, Len(), Clone(); FromTensor(*ir.Tensor)
//	compile.go  Compile(m *ir.Model, o Options) (*Program, error)
//	            (p) Params() []string: float initializers in graph order; (p) Param(name) *Array; (p) Store(m *ir.Model)
//	run.go      (p) Run(ctx, inputs map[string]*Array) (map[string]*Array, error): outputs and taps by name
//	            (p) Forward(ctx, inputs, Mode) (*Tape, error)
//	            (t) Value(name) *Array
//	            (t) Backward(ctx, seeds map[string]*Array, params []string) (map[string]*Array, error)
//	optim.go    optimizers, schedules;  loss.go  losses
var _ context.Context
