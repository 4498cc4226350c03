package condition

import (
	"math"
	"testing"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/types"
)

// exprEnv is the test environment as expr's strict types.
func exprEnv() types.Map {
	env := types.Map{}
	for _, s := range testEnv {
		facts := types.Map{}
		for _, f := range s.Facts {
			facts[f.Name] = map[Type]types.Type{
				Bool: types.Bool, Int: types.Int64, Number: types.Float64, String: types.String, Ints: types.Array(types.Int64),
			}[f.Type]
		}
		env[s.Name] = facts
	}
	return env
}

func exprFacts() map[string]any {
	out := map[string]any{}
	for s, facts := range testFacts {
		m := map[string]any{}
		for k, v := range facts {
			m[k] = v
			if i, ok := v.(int); ok {
				m[k] = int64(i)
			}
		}
		out[s] = m
	}
	return out
}

// agrees compares a condition's value with expr's own machine, for texts without units. Where ours has no value, expr's
// may be anything: it wraps round, and divides by zero.
func agrees(t *testing.T, c *Condition) {
	t.Helper()
	got, err := c.Value(testFacts)
	if err != nil {
		return
	}
	program, err := expr.Compile(c.Text, expr.Env(exprEnv()), expr.DisableAllBuiltins(),
		expr.EnableBuiltin("abs"), expr.EnableBuiltin("min"), expr.EnableBuiltin("max"))
	if err != nil {
		t.Errorf("%s: we take what expr refuses: %v", c.Text, err)
		return
	}
	want, err := expr.Run(program, exprFacts())
	if err != nil {
		t.Errorf("%s is %v, where expr fails: %v", c.Text, got, err)
		return
	}
	if !sameValue(got, want) {
		t.Errorf("%s is %v (%T), expr says %v (%T)", c.Text, got, got, want, want)
	}
}

func sameValue(got, want any) bool {
	number := func(v any) (float64, bool) {
		switch v := v.(type) {
		case int:
			return float64(v), true
		case int64:
			return float64(v), true
		case float64:
			return v, true
		}
		return 0, false
	}
	a, isNumber := number(got)
	b, ok := number(want)
	if isNumber && ok {
		return a == b || math.IsNaN(a) && math.IsNaN(b)
	}
	return got == want
}

// TestLikeExpr holds our machine to expr's: same text, same value.
func TestLikeExpr(t *testing.T) {
	for _, text := range []string{
		`layer.index + 2 * 3 - 1`, `layer.index / 2`, `-layer.index % 2`, `(layer.index + 1) * 2 == 8 and not layer.tied`,
		`layer.index - 1 - 1`, `layer.index / 2 / 2`, `-layer.index + 1`, `- -3`, `min(3, layer.index, 2.5)`, `max(1, 2)`, `abs(-3)`,
		`layer.tied ? 8 : 4`, `layer.tied ? 1 : layer.index > 2 ? 2 : 3`, `layer.tied || true && false`, `!layer.tied && !layer.tied`,
		`layer.shape[0]`, `layer.shape[-1]`, `64 in layer.shape`, `65 not in layer.shape`, `layer.role in ["ffn", "x"]`,
		`layer.index in [1, 2, 3]`, `layer.name contains "conv"`, `layer.name startsWith "b"`, `layer.name endsWith "b"`,
		"layer.name matches `conv\\d`", `layer.name not matches "^conv"`, `0.1 < layer.sparsity < 0.5`, `1 < layer.index < 4 < 5`,
		`layer.type == 'conv' or layer.role != "x"`, `3 == 3.0`, `1e3 > 999`, `.5 < 0.6`, `layer["index"] >= 3`, `vars.ratio * 2 == 1`,
		`not (layer.index == 3)`, `not layer.tied == true`,
	} {
		c, findings := compileText(t, text, "")
		if c == nil {
			t.Errorf("%s: %s", text, findings)
			continue
		}
		agrees(t, c)
	}
}
