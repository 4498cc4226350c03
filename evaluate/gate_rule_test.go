package evaluate_test

import (
	"testing"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/evaluate/classification"
	"github.com/pare-ml/pare/evaluate/size"
)

func TestRule(t *testing.T) {
	for _, c := range []struct {
		g    evaluate.GateSpec
		m    *evaluate.Metric
		want string
	}{
		{evaluate.GateSpec{Metric: "top1", Data: "test", Limit: evaluate.MaxDegradation, Value: 0.01, Confidence: 0.95}, classification.Top1,
			"top1 on test falls by at most 1.00 points, at 95% confidence"},
		{evaluate.GateSpec{Metric: "cross_entropy", Data: "test", Limit: evaluate.PercentMaxDegradation, Value: 0.05}, classification.CrossEntropy,
			"cross_entropy on test rises by at most 5% of the baseline's"},
		{evaluate.GateSpec{Metric: "bytes", Limit: evaluate.Threshold, Value: 300_000, OnFail: "warn"}, size.Bytes, "bytes is at most 300.0 kB (warns only)"},
		{evaluate.GateSpec{Name: "artifact.bytes < 3MB"}, nil, "artifact.bytes < 3MB"},
	} {
		if got := c.g.Rule(c.m); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
