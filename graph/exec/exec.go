// Package exec runs a model: forward with taps on any value, gradients in reverse, and the optimizers that training
// passes use. Results are the same bits for any number of workers and any machine (docs/architecture.md, "Equal bits").
//
// The words: a value is what a node gives and other nodes take; a slot is its place in a running program; a step is a
// node made ready to run; an operator is the record of how a kind of node is computed (operators.go lists them all); a
// tape is a forward pass kept for its gradients. Arrays are dense and row-major; images are [batch, channel, height,
// width].
package exec

import (
	"fmt"
	"strings"
)

// Options of a program.
type Options struct {
	Workers int      // goroutines; below 1: one for each processor
	Taps    []string // names of inner values wanted besides the outputs
	Memory  int64    // bytes of values alive at once that a run may ask for; 0: 4 GiB
}

// Mode says what a forward pass is for.
type Mode uint8

const (
	Infer     Mode = iota
	Train          // keep what Backward needs; BatchNormalization uses its stored statistics
	TrainNorm      // as Train, and BatchNormalization uses and updates the batch's statistics
)

// Unsupported is the error of a graph with operators, or uses of operators, that the executor lacks. Compile finds
// unknown operators and attributes; what hangs on the types of inputs is found when the node runs.
type Unsupported struct{ Ops []UnsupportedOp }

// UnsupportedOp is one of them: an operator, the first node that uses it, and what of that node cannot be run. An empty
// reason says that the operator as a whole is unknown.
type UnsupportedOp struct{ Op, Domain, Node, Reason string }

func (o UnsupportedOp) String() string {
	s := "operator " + qualified(o.Domain, o.Op)
	if o.Node != "" {
		s += " (node " + o.Node + ")"
	}
	if o.Reason != "" {
		return s + " cannot be run here: " + o.Reason
	}
	return s + " is not one that pare can run"
}

func (u *Unsupported) Error() string {
	texts := make([]string, len(u.Ops))
	for i, o := range u.Ops {
		texts[i] = o.String()
	}
	s := strings.Join(texts, "; ")
	return s + "; lint, plan and passes that need no data still work on this model"
}

// qualified returns the operator's name with its domain before it, unless that is ONNX's own.
func qualified(domain, op string) string {
	if domain == "" {
		return op
	}
	return fmt.Sprintf("%s.%s", domain, op)
}
