package evaluate_test

import (
	"math"
	"os"
	"strings"
	"testing"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/evaluate/classification"
	"github.com/pare-ml/pare/evaluate/fidelity"
	"github.com/pare-ml/pare/evaluate/size"
	"github.com/pare-ml/pare/internal/rng"
)

func one(s *evaluate.Score) *evaluate.Result {
	return &evaluate.Result{Scores: []*evaluate.Score{s}}
}

// flips returns top-1 results of n samples, half of them right at first.
func flips(n, losses, gains int) (model, baseline *evaluate.Result) {
	return one(score(classification.Top1, "test", outcomes(n, n/2, losses, gains))),
		one(score(classification.Top1, "test", outcomes(n, n/2, 0, 0)))
}

func TestDecideDrop(t *testing.T) {
	for _, c := range []struct {
		name             string
		n, losses, gains int
		limit            evaluate.Limit
		value            float64
		confidence       float64
		want             evaluate.Outcome
		needed           int
		message          string
	}{
		{"met", 5000, 61, 40, evaluate.MaxDegradation, 0.01, 0.95, evaluate.Met, 0,
			"top1 on test fell by 0.42 points (0.09 to 0.75 at 95%); the gate allows 1.00"},
		{"not met", 5000, 400, 100, evaluate.MaxDegradation, 0.01, 0.95, evaluate.NotMet, 0,
			"top1 on test fell by 6.00 points (5.28 to 6.72 at 95%); the gate allows 1.00"},
		{"undecided", 5000, 140, 100, evaluate.MaxDegradation, 0.01, 0.95, evaluate.Undecided, 74100,
			"undecided: 5,000 samples cannot tell whether top1 on test fell by less than 1.00 points (0.80; 0.29 to 1.31 at 95%); about 74,100 would"},
		{"undecided above", 5000, 160, 100, evaluate.MaxDegradation, 0.01, 0.95, evaluate.Undecided, 80200,
			"undecided: 5,000 samples cannot tell whether top1 on test fell by less than 1.00 points (1.20; 0.67 to 1.73 at 95%); about 80,200 would"},
		{"hopeless", 5000, 150, 100, evaluate.MaxDegradation, 0.01, 0.95, evaluate.Undecided, 0,
			"undecided: 5,000 samples cannot tell whether top1 on test fell by less than 1.00 points (1.00; 0.48 to 1.52 at 95%); that is so close to the limit that no number of samples will do"},
		{"better", 5000, 40, 61, evaluate.MaxDegradation, 0.01, 0.95, evaluate.Met, 0,
			"top1 on test rose by 0.42 points (0.09 to 0.75 at 95%); the gate allows 1.00"},
		{"a little better", 5000, 50, 52, evaluate.MaxDegradation, 0.01, 0.95, evaluate.Met, 0,
			"top1 on test rose by 0.04 points (from 0.29 worse to 0.37 better at 95%); the gate allows 1.00"},
		{"no flip, many samples", 5000, 0, 0, evaluate.MaxDegradation, 0.01, 0.95, evaluate.Met, 0,
			"top1 on test did not change (from 0.06 worse to 0.06 better at 95%); the gate allows 1.00"},
		{"no flip, few samples", 100, 0, 0, evaluate.MaxDegradation, 0.01, 0.95, evaluate.Undecided, 299,
			"undecided: 100 samples cannot tell whether top1 on test fell by less than 1.00 points (0.00; -2.95 to 2.95 at 95%); about 299 would"},
		{"299 samples", 299, 0, 0, evaluate.MaxDegradation, 0.01, 0.95, evaluate.Met, 0,
			"top1 on test did not change (from 1.00 worse to 1.00 better at 95%); the gate allows 1.00"},
		{"point", 5000, 61, 40, evaluate.MaxDegradation, 0.01, 0, evaluate.Met, 0,
			"top1 on test fell by 0.42 points; the gate allows 1.00 (no confidence asked, so the value itself decides)"},
		{"point at the limit", 5000, 50, 0, evaluate.MaxDegradation, 0.01, 0, evaluate.Met, 0,
			"top1 on test fell by 1.00 points; the gate allows 1.00 (no confidence asked, so the value itself decides)"},
		{"point just over", 50000, 501, 0, evaluate.MaxDegradation, 0.01, 0, evaluate.NotMet, 0,
			"top1 on test fell by 1.002 points; the gate allows 1.000 (no confidence asked, so the value itself decides)"},
		{"share met", 5000, 40, 20, evaluate.PercentMaxDegradation, 0.02, 0.95, evaluate.Met, 0,
			"top1 on test fell by 0.80% of the baseline's 50.00% (0.27% to 1.35% at 95%); the gate allows 2.00%"},
		{"share undecided", 5000, 61, 40, evaluate.PercentMaxDegradation, 0.01, 0.95, evaluate.Undecided, 195000,
			"undecided: 5,000 samples cannot tell whether top1 on test fell by less than 1.00% of the baseline's 50.00% (0.84%; 0.18% to 1.50% at 95%); about 195,000 would"},
		{"share undecided, no flip", 100, 0, 0, evaluate.PercentMaxDegradation, 0.01, 0.95, evaluate.Undecided, 598,
			"undecided: 100 samples cannot tell whether top1 on test fell by less than 1.00% of the baseline's 50.00% (0.00%; -5.90% to 5.90% at 95%); about 598 would"},
	} {
		t.Run(c.name, func(t *testing.T) {
			model, baseline := flips(c.n, c.losses, c.gains)
			d := evaluate.Decide(evaluate.GateSpec{Metric: "top1", Data: "test", Limit: c.limit, Value: c.value, Confidence: c.confidence}, model, baseline)
			if d.Outcome != c.want || d.Needed != c.needed || d.Message != c.message {
				t.Errorf("%s, needed %d, %q\nwant %s, needed %d, %q", d.Outcome, d.Needed, d.Message, c.want, c.needed, c.message)
			}
			if d.Gate.Name != "top1 on test" {
				t.Errorf("the gate is called %q", d.Gate.Name)
			}
		})
	}
}

// The page shows what a gate says.
func TestGatesPage(t *testing.T) {
	page, err := os.ReadFile("../docs/gates.md")
	if err != nil {
		t.Fatal(err)
	}
	model, baseline := flips(5000, 140, 100)
	g := evaluate.GateSpec{Metric: "top1", Data: "test", Limit: evaluate.MaxDegradation, Value: 0.01, Confidence: 0.95}
	if d := evaluate.Decide(g, model, baseline); !strings.Contains(string(page), "\n    "+d.Message+"\n") {
		t.Errorf("docs/gates.md does not show %q", d.Message)
	}
}

func TestDecideThreshold(t *testing.T) {
	top1 := func(n, wrong int) *evaluate.Score {
		return score(classification.Top1, "test", outcomes(n, n-wrong, 0, 0))
	}
	nan := entropies(100, 0)
	nan[3] = math.NaN()
	broken := evaluate.MeanOf(nan)
	broken.Note = "1 of 100 samples gave logits that are not finite"
	same := figure(fidelity.SQNR, "test", math.Inf(1))
	for _, c := range []struct {
		name       string
		s          *evaluate.Score
		value      float64
		confidence float64
		want       evaluate.Outcome
		message    string
	}{
		{"rate", top1(5000, 400), 0.91, 0.95, evaluate.Met,
			"top1 on test is 92.00% (91.35% to 92.61% at 95%); the gate asks for at least 91.00%"},
		{"rate, missed", top1(5000, 400), 0.93, 0.95, evaluate.NotMet,
			"top1 on test is 92.00% (91.35% to 92.61% at 95%); the gate asks for at least 93.00%"},
		{"rate, undecided", top1(5000, 400), 0.915, 0.95, evaluate.Undecided,
			"undecided: 5,000 samples cannot tell whether top1 on test is at least 91.50% (92.00%; 91.35% to 92.61% at 95%); about 18,300 would"},
		{"all right, few", top1(100, 0), 0.99, 0.95, evaluate.Undecided,
			"undecided: 100 samples cannot tell whether top1 on test is at least 99.00% (100.00%; 97.05% to 100.00% at 95%); about 299 would"},
		{"all right, enough", top1(299, 0), 0.99, 0.95, evaluate.Met,
			"top1 on test is 100.00% (99.00% to 100.00% at 95%); the gate asks for at least 99.00%"},
		{"point", top1(1000, 99), 0.90, 0, evaluate.Met,
			"top1 on test is 90.10%; the gate asks for at least 90.00% (no confidence asked, so the value itself decides)"},
		{"mean", score(fidelity.KLDivergence, "test", entropies(500, 0)), 0.25, 0.95, evaluate.Met,
			"kl_divergence on test is 0.2230 nats (0.2079 to 0.2384 at 95%); the gate allows at most 0.2500 nats"},
		{"mean, few", score(fidelity.KLDivergence, "test", entropies(63, 0)), 0.25, 0.95, evaluate.Undecided,
			"undecided: 63 samples are too few to state a confidence for kl_divergence on test; it takes 64 or more"},
		{"bytes", figure(size.Bytes, "", 271098), 300_000, 0, evaluate.Met, "bytes is 271.1 kB; the gate allows at most 300.0 kB"},
		{"bytes, one over", figure(size.Bytes, "", 300_001), 300_000, 0, evaluate.NotMet,
			"bytes is 300,001 bytes; the gate allows at most 300,000 bytes"},
		{"identical", same, 40, 0, evaluate.Met, "sqnr on test is infinite; the gate asks for at least 40.0 dB"},
		{"no number", finish(classification.CrossEntropy, "test", broken), 5, 0.95, evaluate.NotMet,
			"cross_entropy on test is not a number: 1 of 100 samples gave logits that are not finite"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := evaluate.GateSpec{Metric: c.s.Metric.Name, Data: c.s.Data, Limit: evaluate.Threshold, Value: c.value, Confidence: c.confidence}
			d := evaluate.Decide(g, one(c.s), nil)
			if d.Outcome != c.want || d.Message != c.message {
				t.Errorf("%s, %q\nwant %s, %q", d.Outcome, d.Message, c.want, c.message)
			}
		})
	}
}

func TestDecideMeans(t *testing.T) {
	model := one(score(classification.CrossEntropy, "test", entropies(500, 0.02)))
	baseline := one(score(classification.CrossEntropy, "test", entropies(500, 0)))
	g := evaluate.GateSpec{Metric: "cross_entropy", Data: "test", Limit: evaluate.PercentMaxDegradation, Value: 0.05, Confidence: 0.95}
	d := evaluate.Decide(g, model, baseline)
	want := "cross_entropy on test rose by 4.11% of the baseline's 0.2230 nats (3.76% to 4.45% at 95%); the gate allows 5.00%"
	if d.Outcome != evaluate.Met || d.Message != want {
		t.Errorf("%s, %q\nwant %q", d.Outcome, d.Message, want)
	}
	if again := evaluate.Decide(g, model, baseline); *again.Interval != *d.Interval {
		t.Errorf("%+v, then %+v", d.Interval, again.Interval)
	}
}

// What a gate says when there is nothing to decide by.
func TestDecideWithout(t *testing.T) {
	model, baseline := flips(100, 3, 1)
	zero := one(score(classification.CrossEntropy, "test", make([]float64, 100)))
	other, _ := flips(50, 0, 0)
	for _, c := range []struct {
		name            string
		g               evaluate.GateSpec
		model, baseline *evaluate.Result
		want            string
	}{
		{"metric", evaluate.GateSpec{Metric: "top5", Data: "test", Limit: evaluate.Threshold}, model, baseline, "top5 on test was not measured"},
		{"confidence", evaluate.GateSpec{Metric: "top1", Data: "test", Limit: evaluate.Threshold, Confidence: 0.05}, model, baseline,
			"confidence is 5%; it must lie between 50% and 99.99%"},
		{"data", evaluate.GateSpec{Metric: "top1", Data: "valid", Limit: evaluate.Threshold}, model, baseline, "top1 on valid was not measured"},
		{"baseline", evaluate.GateSpec{Metric: "top1", Data: "test", Limit: evaluate.MaxDegradation}, model, nil,
			"top1 on test of the baseline was not measured, so there is nothing to compare with"},
		{"samples", evaluate.GateSpec{Metric: "top1", Data: "test", Limit: evaluate.MaxDegradation}, model, other,
			"top1 on test: the model saw 100 samples and the baseline 50"},
		{"share of nothing", evaluate.GateSpec{Metric: "cross_entropy", Data: "test", Limit: evaluate.PercentMaxDegradation}, zero, zero,
			"cross_entropy on test of the baseline is 0.0000 nats; a share of that says nothing, so give the gate max_degradation"},
	} {
		if d := evaluate.Decide(c.g, c.model, c.baseline); d.Outcome != evaluate.Undecided || d.Message != c.want {
			t.Errorf("%s: %s, %q, want %q", c.name, d.Outcome, d.Message, c.want)
		}
	}
}

func TestDecideExpect(t *testing.T) {
	used := []evaluate.Used{{Name: "artifact.bytes", Value: 91_234_567, Unit: evaluate.Bytes}, {Name: "metrics.top1", Value: 0.9168, Unit: evaluate.Share}}
	d := evaluate.DecideExpect("artifact.bytes <= 90MB && metrics.top1 > 0.9", "error", false, used)
	if want := "it does not hold: artifact.bytes is 91.2 MB, metrics.top1 is 91.68%"; d.Outcome != evaluate.NotMet || d.Message != want {
		t.Errorf("%s, %q, want %q", d.Outcome, d.Message, want)
	}
}

func TestGateCheck(t *testing.T) {
	for _, c := range []struct {
		m    *evaluate.Metric
		g    evaluate.GateSpec
		want string
	}{
		{classification.Top1, evaluate.GateSpec{Limit: evaluate.MaxDegradation, Confidence: 0.95}, ""},
		{fidelity.Agreement, evaluate.GateSpec{Limit: evaluate.MaxDegradation},
			"agreement compares with the baseline by itself; give it a threshold instead of max_degradation"},
		{fidelity.SQNR, evaluate.GateSpec{Limit: evaluate.Threshold, Confidence: 0.95},
			"sqnr has no interval, so no confidence can be asked; leave it out and the value itself decides"},
		{size.Bytes, evaluate.GateSpec{Limit: evaluate.Threshold, Confidence: 0.95}, "bytes is exact, so confidence has no meaning; leave it out"},
		{classification.Top1, evaluate.GateSpec{Limit: evaluate.Threshold, Confidence: 0.05}, "confidence is 5%; it must lie between 50% and 99.99%"},
		{size.BitsPerWeight, evaluate.GateSpec{Limit: evaluate.PercentMaxDegradation}, ""},
	} {
		got := ""
		if err := c.g.Check(c.m); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// A gate at 95 % lets through at most 5 % of the models that are exactly at its limit.
func TestGateErrors(t *testing.T) {
	r := rng.New(11, "gates")
	const n, limit, trials = 600, 0.01, 1500
	for _, c := range []struct{ losses, gains float64 }{{0.01, 0}, {0.02, 0.01}, {0.06, 0.05}} {
		met, seen := 0, map[[2]int]evaluate.Outcome{}
		for range trials {
			lost, gained := 0, 0
			for range n {
				switch u := r.Float64(); {
				case u < c.losses:
					lost++
				case u < c.losses+c.gains:
					gained++
				}
			}
			outcome, ok := seen[[2]int{lost, gained}]
			if !ok {
				g := evaluate.GateSpec{Metric: "top1", Data: "test", Limit: evaluate.MaxDegradation, Value: limit, Confidence: 0.95}
				model, baseline := flips(n, lost, gained)
				outcome = evaluate.Decide(g, model, baseline).Outcome
				seen[[2]int{lost, gained}] = outcome
			}
			if outcome == evaluate.Met {
				met++
			}
		}
		t.Logf("losses %v, gains %v: met in %.1f %%", c.losses, c.gains, 100*float64(met)/trials)
		if met > 6*trials/100 {
			t.Errorf("losses %v, gains %v: %d of %d models at the limit pass", c.losses, c.gains, met, trials)
		}
	}
}
