package graph

import (
	"context"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/store"
)

// predict lets a model predict a data set, or finds in the store what it said.
func (r *Runner) predict(ctx context.Context, m *ir.Model, key store.Digest, data string, progress func(done, total int)) (*evaluate.Predictions, bool, error) {
	return keep(ctx, r, key, keptPredictions(data), func() (*evaluate.Predictions, error) {
		set, err := r.Data(data)
		if err != nil {
			return nil, err
		}
		preds, err := evaluate.Predict(ctx, m, set, evaluate.PredictOptions{Workers: r.Workers, Progress: progress})
		if err != nil {
			return nil, explain(err)
		}
		return preds, nil
	})
}

// cached is the note of what was found.
func cached(found bool) string {
	if found {
		return "cached"
	}
	return ""
}
