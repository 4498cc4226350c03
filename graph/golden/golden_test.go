package golden

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"hash"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/passes/passtest"
)

var (
	update = flag.Bool("update", false, "write testdata/digests.txt anew")
	once   = flag.Bool("once", false, "compute each case in one way alone, for slow machines")
)

// how says in which way a case is computed; no digest depends on it.
type how struct {
	workers int
	shuffle uint64 // seed of the order in which a step's units run; 0: the plan's
}

func (h how) String() string {
	if h.shuffle != 0 {
		return fmt.Sprintf("%d workers, units in order %d", h.workers, h.shuffle)
	}
	return fmt.Sprintf("%d workers", h.workers)
}

// result is what a case gives: named parts, each with a digest of its own.
type result map[string]string

// testCase is one thing to compute. Its parts are called by its name and theirs.
type testCase struct {
	name    string
	builds  bool // runs units, whose order may change
	compute func(t *testing.T, h how) result
}

// TestDigests computes each case in every way and holds what it gives to the digests committed.
func TestDigests(t *testing.T) {
	committed := readDigests(t)
	got := map[string]string{}
	for _, c := range slices.Concat(executorCases(), measureCases(), weightsCases(), buildCases()) {
		ways := []how{{workers: 1}, {workers: 2}, {workers: 7}}
		if c.builds {
			ways[1].shuffle, ways[2].shuffle = 1, 2
		}
		if *once {
			ways = ways[1:2]
		}
		t.Run(c.name, func(t *testing.T) {
			first := c.compute(t, ways[0])
			for part, digest := range first {
				name := strings.TrimSuffix(c.name+": "+part, ": ")
				got[name] = digest
				if !*update && committed[name] != digest {
					t.Errorf("%s is %s; want %q", name, digest, committed[name])
				}
			}
			for _, h := range ways[1:] {
				if again := c.compute(t, h); !maps.Equal(first, again) {
					t.Errorf("with %v:\n%v\nwith %v:\n%v", h, again, ways[0], first)
				}
			}
		})
	}
	if t.Failed() {
		return
	}
	if *update {
		writeDigests(t, got)
		return
	}
	for name := range committed {
		if got[name] == "" && !filtered() {
			t.Errorf("%s is in %s and no case gives it: run with -update", name, digests)
		}
	}
}

// filtered tells whether only some cases run.
func filtered() bool { return strings.Contains(flag.Lookup("test.run").Value.String(), "/") }

var digests = filepath.Join("testdata", "digests.txt")

// readDigests reads lines of a digest and a name.
func readDigests(t *testing.T) map[string]string {
	text, err := os.ReadFile(digests)
	if err != nil && !*update {
		t.Fatal(err)
	}
	all := map[string]string{}
	for line := range strings.Lines(string(text)) {
		digest, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		all[name] = digest
	}
	return all
}

func writeDigests(t *testing.T, all map[string]string) {
	if filtered() {
		t.Fatal("-update needs all cases")
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "%s %s\n", all[name], name)
	}
	if err := os.WriteFile(digests, []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
}

func sum(write func(h hash.Hash)) string {
	h := sha256.New()
	write(h)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// ofArrays is the digest of values by name. A NaN counts as NaN, whatever its bits.
func ofArrays(arrays map[string]*exec.Array) string {
	return sum(func(h hash.Hash) {
		for _, name := range slices.Sorted(maps.Keys(arrays)) {
			a := arrays[name]
			fmt.Fprintln(h, name, a.DType, a.Shape)
			if a.DType == ir.Float32 {
				a = a.Clone()
				for i, v := range a.Float32s() {
					if v != v {
						a.Float32s()[i] = math.Float32frombits(0x7fc00000)
					}
				}
			}
			h.Write(a.Data)
		}
	})
}

// ofModel is the digest of a model's structure, attributes and tensors, without what a file holds besides.
func ofModel(t *testing.T, m *ir.Model) string {
	return sum(func(h hash.Hash) {
		fmt.Fprint(h, passtest.Text(m))
		for _, n := range m.Graph.Nodes {
			for _, a := range n.Attrs {
				fmt.Fprintln(h, a.Name, a.Kind, a.Int, math.Float32bits(float32(a.Float)), a.String, a.Ints, a.Floats, a.Strings)
			}
		}
		for _, c := range m.Graph.Constants() {
			data, err := c.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			h.Write(data)
		}
	})
}

// ofReport is the digest of the numbers of a report: scores, sample by sample, their intervals and comparisons, and the
// gates' decisions.
func ofReport(r *evaluate.Report) string {
	return sum(func(h hash.Hash) {
		bits := func(what string, values ...float64) {
			fmt.Fprint(h, what)
			for _, v := range values {
				fmt.Fprintf(h, " %x", math.Float64bits(v))
			}
			fmt.Fprintln(h)
		}
		interval := func(i *evaluate.Interval) {
			if i != nil {
				bits(i.Method, i.Low, i.High, i.Confidence)
			}
		}
		for _, row := range r.Metrics {
			for _, s := range []*evaluate.Score{row.Score, row.Baseline} {
				if s != nil && s.Metric.Name != "bytes" && s.Metric.Name != "bits_per_weight" { // of the file, which may hold more
					bits(s.Label(), s.Value)
					bits("items", s.Items...)
					interval(s.Interval)
				}
			}
			interval(row.Interval)
		}
		for _, d := range r.Gates {
			bits(d.Gate.Name+" "+string(d.Outcome), d.Value, d.Limit, float64(d.Needed))
			interval(d.Interval)
		}
		for _, l := range r.Layers {
			bits(l.Name, l.SQNR, float64(l.To.Zeros), float64(l.To.Bytes))
			for _, s := range l.Steps {
				fmt.Fprintln(h, s.Step, s.Did, s.Why)
			}
		}
		for _, s := range r.Steps {
			fmt.Fprintln(h, s.ID, s.Did, s.LeftOut)
		}
	})
}
