package cli

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/parallel"
)

// A fault of pare itself ends a command with 3 and one line, in whichever goroutine it happens, and never with a trace.
func TestInternalError(t *testing.T) {
	fall := func() { panic("a bug\x1b[31m\nand its stack") }
	faults := map[string]func(){
		"here":        fall,
		"in a worker": func() { parallel.For(4, 100, func(i int) { fall() }) },
		"alone":       func() { parallel.For(1, 1, func(i int) { fall() }) },
		"as a tensor is written": func() {
			tensor := ir.LazyTensor("w", ir.Float32, []int{4}, func() ([]byte, error) { fall(); return nil, nil })
			_ = format.Stream{Workers: 2}.Write(context.Background(), io.Discard, format.File{Parts: []format.Part{{Tensor: tensor}}})
		},
		"with an error": func() { var list []int; _ = list[len(faulty)] },
	}
	old := verbs
	defer func() { verbs = old }()
	for name, do := range faults {
		verb := &verb{name: "fall", setup: func(*pflag.FlagSet) func(*session, []string) error {
			return func(*session, []string) error { do(); return nil }
		}}
		verbs = append(slices.Clone(old), verb)
		var out, errs bytes.Buffer
		code := MainOn(nil, []string{"fall"}, &out, &errs)
		said := errs.String()
		if code != exitMachine || strings.Count(said, "\n") != 1 || !strings.HasPrefix(said, "pare: internal error: ") || !strings.Contains(said, "this is a bug in pare") || strings.Contains(said, "\x1b") {
			t.Errorf("%s: exit code %d, and it says\n%s", name, code, said)
		}
	}
}

// faulty is an index that a compiler cannot see to be out of range.
var faulty = "x"

// A result that will not fit is refused with both numbers.
func TestFits(t *testing.T) {
	if err := fits(1000, 1000, "dist/x"); err != nil {
		t.Error(err)
	}
	err := fits(2_500_000, 1_048_576, "dist/x")
	if want := "dist/x has no room for the result: it will take about 2.5 MB (2500000 bytes) and 1.0 MB are free (1048576 bytes); make room, or name another folder with --out"; err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}
