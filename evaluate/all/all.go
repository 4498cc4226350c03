// Package all lists the metrics there are.
package all

import (
	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/evaluate/classification"
	"github.com/pare-ml/pare/evaluate/fidelity"
	"github.com/pare-ml/pare/evaluate/size"
)

// Metrics returns them in the order in which reports show them.
func Metrics() []*evaluate.Metric {
	return []*evaluate.Metric{
		classification.Top1,
		classification.Top5,
		classification.CrossEntropy,

		fidelity.Agreement,
		fidelity.KLDivergence,
		fidelity.SQNR,
		fidelity.WeightSQNR,
		fidelity.WeightCosine,
		fidelity.WeightMeanError,
		fidelity.WeightMaxError,

		size.Bytes,
		size.BitsPerWeight,
		size.Params,
	}
}
