package condition

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
)

// Bounds on what may be allocated in all, whether or not it is collected again meanwhile.
const (
	compileBound = 2 << 20 // by the longest condition there may be, with its findings
	valueBound   = 1 << 20 // by one evaluation
)

// hostile are conditions that bring evaluators of expressions down, and the longest of each kind that is taken.
func hostile() []string {
	long := func(before, part, between, after string) string {
		n := (maxLength - len(before) - len(after)) / (len(part) + len(between))
		return before + strings.Repeat(part+between, n-1) + part + after
	}
	nested := func(open, inner, closing string, depth int) string {
		return strings.Repeat(open, depth) + inner + strings.Repeat(closing, depth)
	}
	list := []string{
		strings.Repeat("x", 1_000_000),
		nested("(", "layer.tied", ")", 5000),
		`1..1e9`, `layer.index in 1..1000000000`, `(1..1e9)[5] > 1`,
		`reduce(1..30, {#acc + #acc}, "aaaaaaaa") == ""`,
		`count(1..1e4, {count(1..1e4, {count(1..1e4, {true}) > 0}) > 0}) > 0`,
		`map(1..1e6, {map(1..1e6, {#})}) == 1`, `repeat("a", 1000000000) == "b"`, `"a" + "b" + layer.name == "c"`,
		`layer.params / 0 > 1`, `1 / (layer.index - 3) > 1`, `layer.params % 0 == 1`, `0 / 0 > 1`,
		`layer.kurtosis - layer.kurtosis > 0`, `1e308 * 1e308 > 1`, `layer.params * layer.params * layer.params > 1`,
		`-9223372036854775808 - 1 > 0`, `layer.params > 1e999999999999`, `layer.params > ` + strings.Repeat("9", maxLength-20),
		`layer.unknown > 1`, `layer.name > 4`, `layer.größe == "ß"`, "layer.\u202ename == \"\u0000\"", `now() > 3`, `env.HOME == "x"`,
		`layer.name matches "(a+)+$"`, `layer.name matches "(.{1000}){1000}"`, "layer.name matches `((((x{9}){9}){9}){9}){9}`",
		`layer.name matches layer.name`, `"\u0041\U0010ffff" == layer.name`,
	}
	for _, c := range []struct{ before, part, between, after string }{
		{"", "layer.tied", "||", ""}, {"", "layer.tied", " && ", ""}, {"1<", "1", "+", ""}, {"", "1", "<", ""},
		{"layer.index in [", "1", ",", "]"}, {"max(", "layer.index", ",", ")>1"}, {`layer.name == "`, "é", "", `"`},
		{"", "!", "", "layer.tied"}, {"1 < ", "-", "", "1"}, {"", "layer.tied?true:", "", "false"}, {"layer", "[0]", "", ""},
		{"layer.name matches `", "(a|b)*", "", "`"}, {"layer.name matches `(", "(a*)*|", "", "b){20}`"}, {"layer.name matches `", "x{9}", "", "`"}, {"layer.name matches `", "x{99}", "", "`"}, {"layer.name matches `", ".*", "", "$`"},
		{"", "layer.nme == 1", "||", ""}, {"", "(", "", ""}, {"", ")", "", ""}, {"", "\"", "", ""}, {"", "now()", ",", ""},
		{"", "layer.index%2==0", "&&", ""}, {"layer.name contains \"", "\\n", "", "\""}, {"1", "MB", "", ""}, {"", "/**/", "", "1"},
	} {
		list = append(list, long(c.before, c.part, c.between, c.after))
	}
	for _, depth := range []int{40, 400} {
		list = append(list, nested("(", "layer.tied", ")", depth), nested("max(1,", "layer.index", ")", depth)+" > 1",
			nested("!(", "layer.tied", ")", depth), nested("[", "1", "]", depth), nested("{", "1", "}", depth))
	}
	return list
}

// allocated returns how many bytes f allocates. Other goroutines count as well, so it says at most too much.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// checkBounded compiles a condition and evaluates it. It returns whether it was taken.
func checkBounded(t *testing.T, n *syntax.Node) bool {
	t.Helper()
	var c *Condition
	var list diag.List
	name := fmt.Sprintf("%.40q… (%d bytes)", n.Text, len(n.Text))
	if got := allocated(func() { c = Compile(n, testEnv, "", &list) }); got > compileBound {
		t.Errorf("%s: to compile it takes %d bytes; the bound is %d", name, got, compileBound)
	}
	if c == nil {
		if !list.HasErrors() {
			t.Errorf("%s is refused without an error", name)
		}
		return false
	}
	var value, again any
	var err error
	if got := allocated(func() { value, err = c.Value(testFacts) }); got > valueBound {
		t.Errorf("%s: to evaluate it takes %d bytes; the bound is %d", name, got, valueBound)
	}
	again, err2 := c.Value(testFacts)
	if value != again || fmt.Sprint(err) != fmt.Sprint(err2) {
		t.Errorf("%s is %v, %v and then %v, %v", name, value, err, again, err2)
	}
	return true
}

// TestHostile: conditions made to exhaust memory are refused, or take little of it.
func TestHostile(t *testing.T) {
	taken := 0
	for _, text := range hostile() {
		n := &syntax.Node{Kind: syntax.Scalar, Text: text, Plain: true}
		if checkBounded(t, n) {
			taken++
		}
	}
	if taken < 5 {
		t.Errorf("only %d were taken, so evaluation is hardly tried", taken)
	}
}

// FuzzMemory: no condition takes more memory than the bounds say, to compile or to evaluate.
func FuzzMemory(f *testing.F) {
	for _, text := range hostile() {
		if len(text) <= maxLength {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if n := plainNode(text); n != nil {
			checkBounded(t, n)
		}
	})
}
