package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/lock"
	"github.com/pare-ml/pare/graph/store"
	"github.com/pare-ml/pare/internal/inputs"
	"github.com/pare-ml/pare/recipe/diag"
)

// Exit codes, as docs/recipe.md lists them.
const (
	exitFine      = 0
	exitFindings  = 1 // findings in a recipe
	exitUsage     = 2 // wrong usage
	exitMachine   = 3 // disk, memory, permission; or a bug in pare
	exitGate      = 4 // a gate is not met or undecided
	exitIntegrity = 5 // lock, store, artefact or input do not match what they should be
	exitDamaged   = 6 // a model or data file is damaged or hostile
)

// usageError is a command line that cannot be run.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

// findingsError says that findings, already printed, decide the exit code.
type findingsError struct{}

func (findingsError) Error() string { return "findings in a recipe" }

// gateError says that a gate, already reported, decides the exit code.
type gateError struct{}

func (gateError) Error() string { return "a gate is not met" }

// integrityError says that something is not what it should be.
type integrityError struct{ text string }

func (e integrityError) Error() string { return e.text }

// exit prints what an error has to say, in one line, and returns the exit code.
func (s *session) exit(err error) int {
	var (
		usage    usageError
		signal   stopped
		damaged  *format.Damaged
		changed  *format.Changed
		altered  *inputs.Changed
		lockFile *lock.Damage
		occupied *store.Occupied
		gate     *graph.GateError
	)
	code := exitMachine
	switch {
	case err == nil:
		return exitFine
	case errors.As(err, &findingsError{}):
		return exitFindings
	case errors.As(err, &gateError{}):
		return exitGate
	case errors.Is(err, context.Canceled) && errors.As(context.Cause(s.ctx), &signal):
		code, err = 128+int(signal.signal), fmt.Errorf("stopped; %s", s.standing()) // as shells count
	case errors.As(err, &usage), errors.As(err, &occupied):
		code = exitUsage
	case errors.As(err, &gate):
		code = exitGate
	case errors.As(err, &changed), errors.As(err, &altered), errors.As(err, &integrityError{}), errors.As(err, &lockFile):
		code = exitIntegrity
	case errors.As(err, &damaged):
		code = exitDamaged
	}
	fmt.Fprintf(s.stderr, "pare: %s\n", diag.Printable(strings.ReplaceAll(err.Error(), "\n", "; ")))
	return code
}

// standing tells what a command that was stopped leaves.
func (s *session) standing() string {
	if s.published == "" {
		return "nothing was published"
	}
	return "the result stands in " + s.published
}
