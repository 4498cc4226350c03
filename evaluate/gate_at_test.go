package evaluate_test

import (
	"math"
	"testing"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/evaluate/classification"
	"github.com/pare-ml/pare/evaluate/fidelity"
	"github.com/pare-ml/pare/evaluate/size"
)

// ramp returns n values, 1/n … 1.
func ramp(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(i+1) / float64(n)
	}
	return x
}

func TestDecideThresholdAt(t *testing.T) {
	higher := &evaluate.Metric{Name: "closeness", Unit: evaluate.Nats, Kind: evaluate.Mean, Higher: true, Needs: evaluate.Needs{Data: true}}
	for _, c := range []struct {
		name       string
		s          *evaluate.Score
		at         string
		value      float64
		confidence float64
		want       evaluate.Outcome
		needed     int
		message    string
	}{
		{"met", score(fidelity.KLDivergence, "test", ramp(1000)), "p99", 0.999, 0, evaluate.Met, 0,
			"kl_divergence on test at p99 is 0.9900 nats; the gate allows at most 0.9990 nats (no confidence asked, so the value itself decides)"},
		{"not met", score(fidelity.KLDivergence, "test", ramp(1000)), "p99", 0.5, 0, evaluate.NotMet, 0,
			"kl_divergence on test at p99 is 0.9900 nats; the gate allows at most 0.5000 nats (no confidence asked, so the value itself decides)"},
		{"met with confidence", score(fidelity.KLDivergence, "test", ramp(1000)), "p90", 0.93, 0.95, evaluate.Met, 0,
			"kl_divergence on test at p90 is 0.9000 nats (0.8840 to 0.9160 at 95%); the gate allows at most 0.9300 nats"},
		{"undecided", score(fidelity.KLDivergence, "test", ramp(1000)), "p90", 0.91, 0.95, evaluate.Undecided, 5070,
			"undecided: 1,000 samples cannot tell whether kl_divergence on test at p90 is at most 0.9100 nats (0.9000 nats; 0.8840 to 0.9160 at 95%); about 5,070 would"},
		{"too few", score(fidelity.KLDivergence, "test", ramp(298)), "p99", 5, 0.95, evaluate.Undecided, 299,
			"undecided: 298 samples are too few to tell kl_divergence on test at p99; it takes 299 or more"},
		{"just enough", score(fidelity.KLDivergence, "test", ramp(299)), "p99", 5, 0.95, evaluate.Met, 0,
			"kl_divergence on test at p99 is 0.9933 nats (0.9799 to 1.0000 at 95%); the gate allows at most 5.0000 nats"},
		{"too few, and not met all the same", score(fidelity.KLDivergence, "test", ramp(100)), "p99", 0.5, 0.95, evaluate.NotMet, 0,
			"kl_divergence on test at p99 is 0.9900 nats (0.9700 to infinite at 95%); the gate allows at most 0.5000 nats"},
		{"too few for any p99", score(fidelity.KLDivergence, "test", ramp(99)), "p99", 5, 0, evaluate.Undecided, 100,
			"undecided: 99 samples are too few to tell kl_divergence on test at p99; it takes 100 or more"},
		{"max", score(fidelity.KLDivergence, "test", ramp(3)), "max", 1, 0, evaluate.Met, 0,
			"kl_divergence on test at max is 1.0000 nats; the gate allows at most 1.0000 nats (no confidence asked, so the value itself decides)"},
		{"more is better", score(higher, "test", ramp(1000)), "p99", 0.001, 0.95, evaluate.Met, 0,
			"closeness on test at p99 is 0.0110 nats (0.0050 to 0.0160 at 95%); the gate asks for at least 0.0010 nats"},
	} {
		g := evaluate.GateSpec{Metric: c.s.Metric.Name, Data: "test", At: c.at, Limit: evaluate.Threshold, Value: c.value, Confidence: c.confidence}
		d := evaluate.Decide(g, one(c.s), nil)
		if d.Outcome != c.want || d.Needed != c.needed || d.Message != c.message {
			t.Errorf("%s: %s, %d, %q\nwant %s, %d, %q", c.name, d.Outcome, d.Needed, d.Message, c.want, c.needed, c.message)
		}
	}
}

func TestDecideDropAt(t *testing.T) {
	base := make([]float64, 1000)
	better := make([]float64, 1000)
	for i := range base {
		base[i], better[i] = 2, 1-float64(i)/2000
	}
	gone := ramp(1000)
	gone[7], base[7] = math.Inf(1), math.Inf(1)
	for i, x := range gone {
		gone[i] = x + base[i]
	}
	b := one(score(classification.CrossEntropy, "test", base))
	for _, c := range []struct {
		name       string
		items      []float64
		at         string
		value      float64
		confidence float64
		want       evaluate.Outcome
		message    string
	}{
		{"met", gone, "p50", 0.6, 0.95, evaluate.Met,
			"cross_entropy on test at p50: 50% of samples rose by at most 0.5000 nats (0.4740 to 0.5270 at 95%); the gate allows 0.6000"},
		{"not met", gone, "p50", 0.4, 0.95, evaluate.NotMet,
			"cross_entropy on test at p50: 50% of samples rose by at most 0.5000 nats (0.4740 to 0.5270 at 95%); the gate allows 0.4000"},
		{"undecided", gone, "p50", 0.51, 0.95, evaluate.Undecided,
			"undecided: 1,000 samples cannot tell whether cross_entropy on test at p50: 50% of samples rose by less than 0.5100 nats (0.5000; 0.4740 to 0.5270 at 95%); about 15,500 would"},
		{"max", gone, "max", 0.5, 0, evaluate.NotMet,
			"cross_entropy on test at max: every sample rose by at most 1.0000 nats; the gate allows 0.5000 (no confidence asked, so the value itself decides)"},
		{"better", better, "p90", 0, 0, evaluate.Met,
			"cross_entropy on test at p90: 90% of samples fell by at least 1.0505 nats; the gate allows 0.0000 (no confidence asked, so the value itself decides)"},
	} {
		g := evaluate.GateSpec{Metric: "cross_entropy", Data: "test", At: c.at, Limit: evaluate.MaxDegradation, Value: c.value, Confidence: c.confidence}
		d := evaluate.Decide(g, one(score(classification.CrossEntropy, "test", c.items)), b)
		if d.Outcome != c.want || d.Message != c.message {
			t.Errorf("%s: %s, %q\nwant %s, %q", c.name, d.Outcome, d.Message, c.want, c.message)
		}
	}
}

func TestGateAtCheck(t *testing.T) {
	for _, c := range []struct {
		m    *evaluate.Metric
		g    evaluate.GateSpec
		want string
	}{
		{fidelity.KLDivergence, evaluate.GateSpec{At: "p99", Limit: evaluate.Threshold, Confidence: 0.95}, ""},
		{classification.CrossEntropy, evaluate.GateSpec{At: "max", Limit: evaluate.MaxDegradation}, ""},
		{classification.CrossEntropy, evaluate.GateSpec{At: "p98", Limit: evaluate.Threshold}, `at is "p98"; it must be p50, p90, p95, p99 or max`},
		{classification.CrossEntropy, evaluate.GateSpec{At: "max", Limit: evaluate.Threshold, Confidence: 0.95},
			"the largest value is that of these samples alone, so no confidence can be asked; leave it out, or write at: p99"},
		{classification.CrossEntropy, evaluate.GateSpec{At: "p99", Limit: evaluate.PercentMaxDegradation},
			"at looks at single samples, and the share of one sample's value says little; give the gate max_degradation or threshold"},
		{classification.Top1, evaluate.GateSpec{At: "p99", Limit: evaluate.Threshold},
			"a sample counts for top1 or does not, so p99 of the samples says nothing; leave at out"},
		{size.Bytes, evaluate.GateSpec{At: "p99", Limit: evaluate.Threshold}, "bytes is one number and has no p99; leave at out"},
		{fidelity.SQNR, evaluate.GateSpec{At: "p99", Limit: evaluate.Threshold}, "sqnr is one number for all samples and has no p99; leave at out"},
	} {
		got := ""
		if err := c.g.Check(c.m); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
		d := evaluate.Decide(c.g, one(&evaluate.Score{Metric: c.m, Value: 1, N: 3, Items: []float64{1, 1, 1}}), nil)
		if c.want != "" && (d.Outcome != evaluate.Undecided) {
			t.Errorf("%+v: %s, %s", c.g, d.Outcome, d.Message)
		}
	}
}

func TestRuleAt(t *testing.T) {
	for _, c := range []struct {
		g    evaluate.GateSpec
		want string
	}{
		{evaluate.GateSpec{At: "p99", Limit: evaluate.Threshold, Value: 0.5, Confidence: 0.95},
			"cross_entropy on test at p99 is at most 0.5000 nats, at 95% confidence"},
		{evaluate.GateSpec{At: "p99", Limit: evaluate.MaxDegradation, Value: 0.1}, "cross_entropy on test rises by at most 0.1000 nats in 99% of the samples"},
		{evaluate.GateSpec{At: "max", Limit: evaluate.MaxDegradation, Value: 0.1}, "cross_entropy on test rises by at most 0.1000 nats in every sample"},
	} {
		c.g.Metric, c.g.Data = "cross_entropy", "test"
		if got := c.g.Rule(classification.CrossEntropy); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
