package measure

import (
	"context"
	"fmt"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/dataset"
)

// Make measures what n asks for on the model m with samples of set. The result is the same for any number of workers.
func Make(ctx context.Context, m *ir.Model, set dataset.Set, n Need, workers int) (*Result, error) {
	switch n.Kind {
	case "range":
		return Ranges(ctx, m, set, n, workers)
	case "taylor":
		return Gradients(ctx, m, set, n, workers)
	case "activation":
		return Activations(ctx, m, set, n, workers)
	}
	return nil, fmt.Errorf("there is no measurement of kind %q", n.Kind)
}
