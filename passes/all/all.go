// Package all lists the passes there are, by hand: one line a pass, in the order in which recipes commonly use them.
package all

import (
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/passes/distill"
	"github.com/pare-ml/pare/passes/fold"
	"github.com/pare-ml/pare/passes/prune"
	"github.com/pare-ml/pare/passes/quantize"
)

// All returns every pass that this build of pare knows.
func All() []*passes.Pass {
	return []*passes.Pass{
		fold.Pass,
		prune.Pass,
		distill.Pass,
		quantize.Pass,
	}
}
