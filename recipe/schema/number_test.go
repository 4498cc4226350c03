package schema

import (
	"regexp"
	"testing"
)

// FuzzPlainNumber holds plainNumber to the expressions that its comment gives.
func FuzzPlainNumber(f *testing.F) {
	whole := regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)$`)
	any := regexp.MustCompile(`^[-+]?((0|[1-9][0-9]*)(\.[0-9]+)?|\.[0-9]+)([eE][-+]?[0-9]+)?$`)
	for _, s := range []string{"", "0", "-0", "+12", "007", "00.5", "0.5", ".5", "5.", ".", "-", "1e", "1e5", "1e+", "-.5E-07", "1_000", "0x1F", "1 ", "1\n", "e5", "..5", "1.2.3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want := notNumber
		switch {
		case whole.MatchString(s):
			want = plainInt
		case any.MatchString(s):
			want = plainFloat
		}
		if got := plainNumber(s); got != want {
			t.Errorf("%q is taken for form %d; it has form %d", s, got, want)
		}
	})
}
