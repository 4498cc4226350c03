// Command cmd ends the fashion build badly at every operation that changes a disk, and prints what came of it:
//
//	go run ./internal/crash/cmd FOLDER
//
// It kills the process at each operation and in the midst of writes, cuts the power behind each, and lets some fail in several ways
// (the tests of graph/store let each fail in each way). The folder, which must be empty or absent, is left empty. The recipe is the example with few samples and 60
// steps of training: no operation fewer, in a tenth of the time.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/pare-ml/pare/graph/store/storetest"
	"github.com/pare-ml/pare/internal/crash"
	"github.com/pare-ml/pare/internal/parallel"
)

func main() {
	if len(os.Args) == 5 && os.Args[1] == "kill" {
		os.Exit(crash.Main(os.Args[2:]))
	}
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: cmd FOLDER")
	}
	inputs, earlier, err := fashion()
	if err != nil {
		return err
	}
	begin := time.Now()
	s, err := crash.NewScene(args[0], inputs, earlier)
	if err != nil {
		return err
	}
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	s.Self = []string{exe, "kill"}
	t := &table{scene: s, rows: map[string]*row{}}
	if err := t.sweep(); err != nil {
		return err
	}
	disks, err := s.Cuts(1, 16)
	if err != nil {
		return err
	}
	t.print()
	fmt.Printf("%d operations; %d builds were killed, after %d of them training was resumed; %d failed; power was cut %d times; %s\n",
		len(s.Ops), t.killed, t.resumed, t.failed, disks, time.Since(begin).Round(time.Second))
	switch {
	case t.killed < len(s.Ops):
		return errors.New("not every operation was reached")
	case t.resumed == 0:
		return errors.New("no training was ever resumed")
	}
	return os.RemoveAll(args[0])
}

// edits make the example quick, and let its gates be met by what is then a bad result.
var edits = []string{
	"models/", "", "data/fashion/", "", "steps: 450", "steps: 60", "batch: 64", "batch: 1", "samples: 4500", "samples: 64", "samples: 2000", "samples: 16",
	"    skip: 4500\n", "    skip: 4500\n    samples: 16\n",
	"  test:\n", "  test:\n    samples: 64\n",
	"path: fashion.onnx}", "path: small.onnx}",
	"max_degradation: 1%", "max_degradation: 100%", "threshold: 93%", "threshold: 0%",
}

func fashion() (inputs map[string][]byte, earlier []byte, err error) {
	inputs = map[string][]byte{}
	for _, name := range []string{"models/fashion.onnx", "data/fashion/train-images.idx.gz", "data/fashion/train-labels.idx.gz",
		"data/fashion/test-images.idx.gz", "data/fashion/test-labels.idx.gz", "fashion.yaml"} {
		data, rerr := os.ReadFile(filepath.Join("recipes", filepath.FromSlash(name)))
		if rerr != nil {
			return nil, nil, fmt.Errorf("run it in the folder of pare's source: %w", rerr)
		}
		inputs[filepath.Base(name)] = data
	}
	text := strings.NewReplacer(edits...).Replace(string(inputs["fashion.yaml"]))
	for _, want := range []string{"steps: 60", "samples: 64", "max_degradation: 100%", "sparsity: 0.7"} {
		if !strings.Contains(text, want) {
			return nil, nil, fmt.Errorf("the example has changed: it does not come to hold %q", want)
		}
	}
	delete(inputs, "fashion.yaml")
	inputs["recipe.yaml"] = []byte(text)
	return inputs, []byte(strings.Replace(text, "sparsity: 0.7", "sparsity: 0.6", 1)), nil
}

// row counts what came of ends at one sort of operation.
type row struct{ killed, before, after, failed, bore int }

type table struct {
	scene *crash.Scene
	mu    sync.Mutex
	rows  map[string]*row
	bad   int

	killed, resumed, failed int
}

// sweep ends builds at all operations, two at a time.
func (t *table) sweep() error {
	jobs := []func() error{}
	for n := 1; n <= len(t.scene.Ops); n++ {
		jobs = append(jobs, func() error { return t.kill(n, false) })
		if t.scene.Ops[n-1].Kind == "write" && (n%8 == 0 || t.scene.Label(n) != t.scene.Label(max(n-1, 1))) { // an artefact is many writes
			jobs = append(jobs, func() error { return t.kill(n, true) })
		}
		switch n % 16 {
		case 3:
			jobs = append(jobs, func() error { return t.fail("EIO", n, storetest.Fault{}) })
		case 9:
			jobs = append(jobs, func() error { return t.fail("short", n, storetest.Fault{Short: true}) })
		case 15:
			jobs = append(jobs, func() error { return t.fail("full", n, storetest.Fault{Err: syscall.ENOSPC, Full: true}) })
		}
	}
	parallel.For(2, len(jobs), func(i int) {
		if err := jobs[i](); err != nil {
			t.mu.Lock()
			t.bad++
			t.mu.Unlock()
			fmt.Fprintln(os.Stderr, err)
		}
	})
	if t.bad > 0 {
		return fmt.Errorf("%d builds did not leave what they should", t.bad)
	}
	return nil
}

func (t *table) row(n int) *row {
	l := t.scene.Label(n)
	if t.rows[l] == nil {
		t.rows[l] = &row{}
	}
	return t.rows[l]
}

func (t *table) kill(n int, half bool) error {
	k, err := t.scene.Kill(n, half)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil || k.Ended {
		return err
	}
	t.killed++
	if k.Resumed {
		t.resumed++
	}
	r := t.row(n)
	r.killed++
	if k.Old {
		r.before++
	} else {
		r.after++
	}
	return nil
}

func (t *table) fail(name string, n int, f storetest.Fault) error {
	f.At = n
	code, _, ended, err := t.scene.Fail(name, f)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil || ended {
		return err
	}
	t.failed++
	if r := t.row(n); code == 0 {
		r.bore++
	} else {
		r.failed++
	}
	return nil
}

func (t *table) print() {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "operation\tkilled\told result stands\tnew result stands\tfailures: exit 3\tborne")
	var labels []string
	for l := range t.rows {
		labels = append(labels, l)
	}
	slices.Sort(labels)
	for _, l := range labels {
		r := t.rows[l]
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\n", l, r.killed, r.before, r.after, r.failed, r.bore)
	}
	w.Flush()
}
