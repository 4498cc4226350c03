package cli

import (
	"fmt"
	"runtime/debug"

	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/internal/human"
	"github.com/pare-ml/pare/recipe/schema"
)

// memory is how much a build may hold; 0: as much as there is.
type memory int64

// memoryLimit reads --memory-limit.
func memoryLimit(text string) (memory, error) {
	if text == "" {
		return 0, nil
	}
	n, err := schema.ParseSize(text)
	if err == nil && n <= 0 {
		err = fmt.Errorf("%q leaves no memory", text)
	}
	if err != nil {
		return 0, usageError{fmt.Sprintf("--memory-limit: %v", err)}
	}
	return memory(n), nil
}

// apply refuses a plan whose estimate is above the limit, before any work, and has the heap collected so that it stays
// below. A limit that GOMEMLIMIT sets lower stays.
func (m memory) apply(plan *graph.Plan) error {
	if m == 0 {
		return nil
	}
	if peak, where := plan.Peak(); peak > int64(m) {
		return fmt.Errorf("the build needs about %s of memory, %s, and --memory-limit allows %s; raise it, or make the batches smaller",
			human.Bytes(peak), where, human.Bytes(int64(m)))
	}
	if set := debug.SetMemoryLimit(-1); set > int64(m) {
		debug.SetMemoryLimit(int64(m))
	}
	return nil
}
