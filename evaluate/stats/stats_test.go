package stats

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/pare-ml/pare/internal/rng"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestNormal(t *testing.T) {
	// Values of Abramowitz and Stegun, table 26.1 and 26.5, and of any statistics package.
	for _, c := range []struct{ x, p float64 }{
		{0, 0.5}, {1, 0.8413447460685429}, {1.6448536269514722, 0.95}, {1.959963984540054, 0.975},
		{2.3263478740408408, 0.99}, {0.8416212335729143, 0.8}, {1.2815515655446004, 0.9}, {3.719016485455709, 0.9999},
		{-1.6448536269514722, 0.05},
	} {
		near(t, fmt.Sprintf("NormalCDF(%v)", c.x), NormalCDF(c.x), c.p, 1e-14)
		near(t, fmt.Sprintf("NormalQuantile(%v)", c.p), NormalQuantile(c.p), c.x, 1e-11)
	}
	for _, p := range []float64{0, 1, -1, 2, math.NaN()} {
		if !math.IsNaN(NormalQuantile(p)) {
			t.Errorf("NormalQuantile(%v) is a number", p)
		}
	}
}

// The bits themselves, which must not differ between machines.
func TestBits(t *testing.T) {
	for what, c := range map[string][2]uint64{
		"NormalQuantile(0.95)": {math.Float64bits(NormalQuantile(0.95)), 0x3ffa515209676ab4},
		"UpperCount":           {math.Float64bits(UpperCount(3, 5000, 0.95)), 0x3f596525af617cef},
		"Bootstrap":            {math.Float64bits(Bootstrap(skewed(rng.New(1, "bits"), 200), 0.95, "bits").High), 0x3ff3093c69cf7d14},
	} {
		if c[0] != c[1] {
			t.Errorf("%s has the bits %#x, want %#x", what, c[0], c[1])
		}
	}
}

func TestBinomial(t *testing.T) {
	for _, c := range []struct {
		n, k        int
		p           float64
		less, equal float64
	}{
		{4, 2, 0.5, 5.0 / 16, 6.0 / 16},
		{4, 0, 0.5, 0, 1.0 / 16},
		{4, 4, 0.5, 15.0 / 16, 1.0 / 16},
		{3, 1, 0.2, 0.512, 0.384},
		{50000, 25000, 0.5, 0.498215884804, 0.003568230391},
		{299, 0, 0.01, 0, 0.04953625663},
	} {
		less, equal := binomial(c.n, c.k, c.p)
		near(t, fmt.Sprintf("P(X<%d) of %d at %v", c.k, c.n, c.p), less, c.less, 1e-8)
		near(t, fmt.Sprintf("P(X=%d) of %d at %v", c.k, c.n, c.p), equal, c.equal, 1e-8)
	}
}

func TestMcNemar(t *testing.T) {
	near(t, "no flip", McNemar(0, 0), 0.5, 0)
	near(t, "one loss", McNemar(1, 0), 0.25, 1e-15)           // ½·P(X=1)
	near(t, "5 against 1", McNemar(5, 1), 4.0/64, 1e-15)      // 1/64 + ½·6/64
	near(t, "1 against 5", McNemar(1, 5), 1-4.0/64, 1e-15)    // the mirror
	near(t, "even", McNemar(40, 40), 0.5, 1e-14)              // symmetric
	near(t, "60 against 40", McNemar(60, 40), 0.0230, 0.0001) // 0.02844 − ½·0.01084
	near(t, "many", McNemar(5000, 4700), 1-NormalCDF(300/math.Sqrt(9700)), 1e-4)
}

func TestExactBounds(t *testing.T) {
	// "No failure in 299 items proves a rate below 1 % at 95 %"; 298 do not.
	if u := UpperCount(0, 299, 0.95); u >= 0.01 {
		t.Errorf("no failure in 299 leaves %v", u)
	}
	if u := UpperCount(0, 298, 0.95); u <= 0.01 {
		t.Errorf("no failure in 298 leaves only %v", u)
	}
	near(t, "none of 100", UpperCount(0, 100, 0.95), 1-math.Pow(0.05, 0.01), 1e-14)
	// Two-sided 95 % Clopper-Pearson of 7 in 20: 0.1539 to 0.5922.
	near(t, "upper of 7 in 20", UpperCount(7, 20, 0.975), 0.5922, 5e-5)
	near(t, "lower of 7 in 20", LowerCount(7, 20, 0.975), 0.1539, 5e-5)
	near(t, "all", UpperCount(5, 5, 0.95), 1, 0)
	near(t, "none", LowerCount(0, 5, 0.95), 0, 0)
	for _, c := range []struct {
		rate, confidence float64
		want             int
	}{{0.01, 0.95, 299}, {0.05, 0.95, 59}, {0.001, 0.95, 2995}, {0.01, 0.99, 459}, {1, 0.95, 1}, {0.96, 0.95, 1}} {
		if n := ZeroFailures(c.rate, c.confidence); n != c.want {
			t.Errorf("ZeroFailures(%v, %v) is %d, want %d", c.rate, c.confidence, n, c.want)
		}
	}
}

func TestWilson(t *testing.T) {
	// Newcombe 1998, table I: 81 of 263, two-sided 95 %: 0.2553 to 0.3662.
	b := Rate(81, 263, 0.975)
	near(t, "low", b.Low, 0.2553, 5e-5)
	near(t, "high", b.High, 0.3662, 5e-5)
	if b.Method != "wilson" {
		t.Errorf("method %s", b.Method)
	}
	if b := Rate(299, 299, 0.95); b.Method != "exact" || b.High != 1 || b.Low < 0.99 || b.Low > 0.9901 {
		t.Errorf("299 of 299: %+v", b)
	}
	if b := Rate(0, 0, 0.95); b.Low != 0 || b.High != 1 {
		t.Errorf("0 of 0: %+v", b)
	}
}

func TestPairedDrop(t *testing.T) {
	// methods.md 5: D̂ ± z·√((d−D̂²)/n) with 150 flips of 5000.
	b := PairedDrop(90, 60, 5000, 0.95)
	half := 1.6448536269514722 * math.Sqrt((0.03-0.006*0.006)/5000)
	near(t, "low", b.Low, 0.006-half, 1e-12)
	near(t, "high", b.High, 0.006+half, 1e-12)

	// No flip at all is no certainty.
	b = PairedDrop(0, 0, 299, 0.95)
	near(t, "no flip, high", b.High, UpperCount(0, 299, 0.95), 1e-15)
	near(t, "no flip, low", b.Low, -UpperCount(0, 299, 0.95), 1e-15)
	// Losses alone leave their exact bound.
	near(t, "losses alone", PairedDrop(3, 0, 1000, 0.95).High, UpperCount(3, 1000, 0.95), 1e-15)
	// Where the methods meet they differ little.
	few, many := PairedDrop(50, 49, 5000, 0.95), PairedDrop(50, 50, 5000, 0.95)
	if few.Method != "exact" || many.Method != "normal" || few.High/many.High > 1.15 || few.High/many.High < 0.95 {
		t.Errorf("99 flips: %+v; 100: %+v", few, many)
	}
	if b := PairedDrop(5, 0, 5, 0.95); b.High != 1 || b.Low >= 1 {
		t.Errorf("all lost: %+v", b)
	}
}

// The table of methods.md and docs/gates.md follows from the formula.
func TestNeeded(t *testing.T) {
	for _, c := range []struct {
		drop, variance, limit, confidence float64
		want                              int
	}{
		{0, 0.005, 0.01, 0.95, 310},
		{0.005, 0.10 - 0.005*0.005, 0.01, 0.95, 24725},
		{0.01, 0.02, 0.01, 0.95, TooMany},
		{0.01, 0, 0.01, 0.95, TooMany},
		{0.00999999, 0.02, 0.01, 0.95, TooMany},
		{0, 0, 0.01, 0.95, 1},
	} {
		if n := Needed(c.drop, c.variance, c.limit, c.confidence); n != c.want {
			t.Errorf("Needed(%v, %v, %v) is %d, want %d", c.drop, c.variance, c.limit, n, c.want)
		}
	}
}

// The table of docs/gates.md is what the formula gives.
func TestNeededTable(t *testing.T) {
	page, err := os.ReadFile("../../docs/gates.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, line := range strings.Split(string(page), "\n") {
		var d float64
		var got [3]int
		numbers := strings.NewReplacer("|", "", "%", "", ",", "").Replace(line)
		if n, _ := fmt.Sscan(numbers, &d, &got[0], &got[1], &got[2]); n != 4 {
			continue
		}
		rows++
		d /= 100
		want := [3]int{needed(0, d, 0.01, 0.95, 0.8), needed(0, d, 0.01, 0.95, 0.9), needed(0.005, d-0.005*0.005, 0.01, 0.95, 0.8)}
		if got != want {
			t.Errorf("%s: the formula gives %v", line, want)
		}
	}
	if rows != 5 {
		t.Errorf("%d rows found in docs/gates.md, want 5", rows)
	}
}

// A bound that promises 95 % must hold in 94 % of simulated cases or more, with few flips and with many.
func TestPairedDropCoverage(t *testing.T) {
	r := rng.New(7, "coverage")
	for _, c := range []struct {
		n            int
		losses, gain float64 // true shares
	}{
		{300, 0.004, 0.001}, {1000, 0.004, 0.004}, {1000, 0.01, 0}, {5000, 0.004, 0.002}, {2000, 0.02, 0.02}, {2000, 0.05, 0.03},
		{5000, 0.02, 0},
	} {
		const trials = 4000
		up, down := 0, 0
		memo := map[[2]int]Bounds{}
		for range trials {
			var flips [2]int
			for range c.n {
				switch u := r.Float64(); {
				case u < c.losses:
					flips[0]++
				case u < c.losses+c.gain:
					flips[1]++
				}
			}
			b, ok := memo[flips]
			if !ok {
				b = PairedDrop(flips[0], flips[1], c.n, 0.95)
				memo[flips] = b
			}
			if c.losses-c.gain < b.High {
				up++
			}
			if c.losses-c.gain > b.Low {
				down++
			}
		}
		t.Logf("n %d, losses %v, gains %v: upper bound holds in %.2f %%, lower in %.2f %%", c.n, c.losses, c.gain,
			100*float64(up)/trials, 100*float64(down)/trials)
		if up < 94*trials/100 || down < 94*trials/100 {
			t.Errorf("n %d, losses %v, gains %v: the 95 %% bounds hold in %.2f %% and %.2f %%", c.n, c.losses, c.gain,
				100*float64(up)/trials, 100*float64(down)/trials)
		}
	}
}

func TestRateCoverage(t *testing.T) {
	r := rng.New(8, "coverage")
	for _, c := range []struct {
		n int
		p float64 // of failure: gates are about rates near 1
	}{{100, 0.02}, {500, 0.01}, {1000, 0.02}, {1000, 0.08}, {5000, 0.08}} {
		const trials = 4000
		held, memo := 0, map[int]Bounds{}
		for range trials {
			fails := 0
			for range c.n {
				if r.Float64() < c.p {
					fails++
				}
			}
			b, ok := memo[fails]
			if !ok {
				b = Rate(c.n-fails, c.n, 0.95)
				memo[fails] = b
			}
			if 1-c.p > b.Low {
				held++
			}
		}
		t.Logf("n %d, failures %v: lower bound holds in %.2f %%", c.n, c.p, 100*float64(held)/trials)
		if held < 94*trials/100 {
			t.Errorf("n %d, failures %v: the 95 %% bound holds in %.2f %%", c.n, c.p, 100*float64(held)/trials)
		}
	}
}

// skewed draws items like KL divergences: mostly small, some large.
func skewed(r *rng.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		u := r.Normal()
		x[i] = u * u
	}
	return x
}

func TestBootstrapCoverage(t *testing.T) {
	r := rng.New(9, "coverage")
	const trials, n = 300, 100
	up, down := 0, 0
	for i := range trials {
		b := Bootstrap(skewed(r, n), 0.95, fmt.Sprint(i)) // the mean of squares is 1
		if b.High > 1 {
			up++
		}
		if b.Low < 1 {
			down++
		}
	}
	t.Logf("upper bound holds in %.1f %%, lower in %.1f %%", 100*float64(up)/trials, 100*float64(down)/trials)
	if up < 93*trials/100 || down < 92*trials/100 { // 300 trials have a standard error of 1.3 points
		t.Errorf("the 95 %% bounds hold in %d and %d of %d cases", up, down, trials)
	}
}

func TestBootstrap(t *testing.T) {
	x := make([]float64, 1000)
	r := rng.New(3, "items")
	for i := range x {
		x[i] = 2 + r.Normal()
	}
	b, n := Bootstrap(x, 0.95, "a"), NormalMean(x, 0.95)
	near(t, "low", b.Low, n.Low, 0.004) // items that are normal: the two agree
	near(t, "high", b.High, n.High, 0.004)
	if again := Bootstrap(x, 0.95, "a"); again != b {
		t.Errorf("%+v, then %+v", b, again)
	}
	if b := Bootstrap([]float64{1, 1, 1}, 0.95, "a"); b.Low != 1 || b.High != 1 {
		t.Errorf("equal items: %+v", b)
	}
	// One item of many carries the mean: many resamples miss it, so no upper bound can be stated.
	rare := make([]float64, 200)
	rare[17] = 1
	if b := Bootstrap(rare, 0.95, "a"); !math.IsInf(b.High, 1) || b.Low < -0.01 {
		t.Errorf("one rare item: %+v", b)
	}
}

func BenchmarkBootstrap(b *testing.B) {
	x := skewed(rng.New(1, "bench"), 5000)
	for b.Loop() {
		Bootstrap(x, 0.95, "bench")
	}
}
