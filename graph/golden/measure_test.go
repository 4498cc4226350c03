package golden

import (
	"context"
	"fmt"
	"hash"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/measure"
)

// measureCases are what passes ask to know, to the last bit: a pass that ranks by it may hide one.
func measureCases() (cases []testCase) {
	for _, n := range []measure.Need{
		{Kind: "taylor", Batch: 5},
		{Kind: "activation", Batch: 7},
		{Kind: "range", Batch: 5, Observer: measure.Observer{Kind: "minmax", Bits: 8}},
		{Kind: "range", Batch: 5, Observer: measure.Observer{Kind: "ema_minmax", Bits: 8, Symmetric: true}},
		{Kind: "range", Batch: 12, Observer: measure.Observer{Kind: "percentile", Percentile: 99.9, Bits: 8}},
		{Kind: "range", Batch: 12, Observer: measure.Observer{Kind: "mse", Bits: 8}},
		{Kind: "range", Batch: 12, Observer: measure.Observer{Kind: "entropy", Bits: 8}},
	} {
		name := strings.TrimSpace(fmt.Sprintf("resnet, measure %s %s", n.Kind, n.Observer.Kind))
		cases = append(cases, testCase{name: name, compute: func(t *testing.T, h how) result {
			got, err := measure.Make(context.Background(), resnet(), samples(0, 24), n, h.workers)
			if err != nil {
				t.Fatal(err)
			}
			// fmt prints maps by key, and each float64 with as many digits as tell it from others.
			return result{"": sum(func(h hash.Hash) { fmt.Fprintf(h, "%v", *got) })}
		}})
	}
	return cases
}
