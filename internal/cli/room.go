package cli

import (
	"fmt"

	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/graph/store"
	"github.com/pare-ml/pare/internal/human"
)

// room refuses a plan whose result will not fit on the disk that it is to be written to, before any work. What the plan
// foresees is the bytes of the layers, of each output; the result needs a little more.
func room(plan *graph.Plan, out string) error {
	free, ok := store.Free(out)
	if !ok {
		return nil
	}
	return fits(plan.After.Bytes*int64(len(plan.Recipe.Outputs)), free, out)
}

func fits(need, free int64, out string) error {
	if need <= free {
		return nil
	}
	return fmt.Errorf("%s has no room for the result: it will take about %s (%d bytes) and %s are free (%d bytes); make room, or name another folder with --out",
		out, human.Bytes(need), need, human.Bytes(free), free)
}
