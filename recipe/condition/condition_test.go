package condition

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
)

func at(f float64) *float64 { return &f }

var testEnv = Env{
	{Name: "layer", Facts: []Fact{
		{Name: "name", Type: String, Price: Header, Doc: "its name"},
		{Name: "type", Type: String, Values: []string{"conv", "linear", "norm"}},
		{Name: "role", Type: String},
		{Name: "index", Type: Int, Min: at(0)},
		{Name: "params", Type: Int},
		{Name: "shape", Type: Ints},
		{Name: "sparsity", Type: Number, Min: at(0), Max: at(1), Price: Weights, Doc: "share of zeros"},
		{Name: "kurtosis", Type: Number},
		{Name: "tied", Type: Bool},
	}},
	{Name: "vars", Facts: []Fact{{Name: "ratio", Type: Number}}},
	{Name: "model", Facts: []Fact{{Name: "params", Type: Int}}},
	{Name: "target"},
}

// scalar returns the scalar node that holds text, written as a literal block under a key.
func scalar(t testing.TB, text string) *syntax.Node {
	t.Helper()
	src := &diag.Source{Name: "r.yaml", Text: []byte("when: |-\n  " + strings.ReplaceAll(text, "\n", "\n  "))}
	var list diag.List
	n := syntax.Parse(src, &list).Get("when")
	if n == nil || n.Text != text {
		t.Fatalf("cannot write %q as a block: %v", text, list)
	}
	return n
}

// compileText compiles text and returns the findings as "[marked text] severity code: message".
func compileText(t testing.TB, text string, want Type) (*Condition, string) {
	t.Helper()
	var list diag.List
	c := Compile(scalar(t, text), testEnv, want, &list)
	list.Sort()
	var b strings.Builder
	for _, d := range list {
		fmt.Fprintf(&b, "[%s] %s %s: %s\n", d.Span.Text(), d.Severity, d.Code, d.Message)
	}
	return c, b.String()
}

func TestFindings(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		// unknown facts
		{`layer.bit > 4`, `[layer.bit] error unknown-fact: layer has no fact "bit"; it has index, kurtosis, name, params, role, shape, sparsity, tied, type`},
		{`layer.parms > 4`, `[layer.parms] error unknown-fact: layer has no fact "parms"; did you mean "params"?`},
		{`vars.rato > 4`, `[vars.rato] error unknown-fact: vars has no variable "rato"; did you mean "ratio"?`},
		{`target.x > 4`, `[target.x] error unknown-fact: target has no fact "x"; it has none`},
		{`layr.params > 4`, `[layr] error unknown-fact: layr is not known; did you mean "layer"?`},
		{`env.HOME == "x"`, `[env] error unknown-fact: env is not known here; known are layer, vars, model, target`},
		{`what > 3`, `[what] error unknown-fact: what is not known here; known are layer, vars, model, target; a text is written in quotes`},
		{`params > 3`, `[params] error unknown-fact: params stands alone; write layer.params or model.params`},
		{`layer.type == conv`, `[conv] error unknown-fact: conv is not known; if a text is meant, put it in quotes: "conv"`},
		{`layer.größe > 1`, `[layer.größe] error unknown-fact: layer has no fact "größe"; it has index, kurtosis, name, params, role, shape, sparsity, tied, type`},
		{`"ü" == layer.name && layer.bit`, `[layer.bit] error unknown-fact: layer has no fact "bit"; it has index, kurtosis, name, params, role, shape, sparsity, tied, type`},
		{"layer.tied &&\nlayer.bit", `[layer.bit] error unknown-fact: layer has no fact "bit"; it has index, kurtosis, name, params, role, shape, sparsity, tied, type`},
		{`layer.bit > 4 && layer.bat > layer.parms`, `[layer.bit] error unknown-fact: layer has no fact "bit"; it has index, kurtosis, name, params, role, shape, sparsity, tied, type
[layer.bat] error unknown-fact: layer has no fact "bat"; it has index, kurtosis, name, params, role, shape, sparsity, tied, type
[layer.parms] error unknown-fact: layer has no fact "parms"; did you mean "params"?`},

		// types
		{`layer`, `[layer] error condition-type: layer is a group of facts, not a value; write one of its facts: layer.index, layer.kurtosis, layer.name, layer.params, layer.role, layer.shape, layer.sparsity, layer.tied, layer.type`},
		{`target == 3`, `[target] error condition-type: target is a group of facts, not a value`},
		{`layer.params`, `[layer.params] error condition-type: layer.params is an int; a condition must be true or false, so compare it with something`},
		{`layer.type == 4`, `[layer.type == 4] error condition-type: layer.type is a string and 4 is an int; they are never equal`},
		{`layer.tied != "yes"`, `[layer.tied != "yes"] error condition-type: layer.tied is a bool and "yes" is a string; they are always unequal`},
		{`layer.params && layer.tied`, `[layer.params] error condition-type: && joins conditions, and layer.params is an int; compare it with something`},
		{`layer.name < "b"`, `[layer.name] error condition-type: < compares numbers, and layer.name is a string`},
		{`not layer.type == "conv"`, `[layer.type] error condition-type: not turns a condition round, and layer.type is a string; for a comparison write !=, or put the comparison in parentheses: not (…)`},
		{`-layer.name == "x"`, `[layer.name] error condition-type: - needs a number, and layer.name is a string`},
		{`layer.name * 2 > 1`, `[layer.name] error condition-type: * works on numbers, and layer.name is a string`},
		{`layer.sparsity % 2 == 0`, `[layer.sparsity] error condition-type: % works on whole numbers, and layer.sparsity is a number; for percent write the sign behind a number and nothing after it: 4%`},
		{`layer.params contains "x"`, `[layer.params] error condition-type: contains needs strings, and layer.params is an int`},
		{`"x" in layer.name`, `[layer.name] error condition-type: right of in must stand a list, and layer.name is a string; for a part of a string write contains`},
		{`layer.index in [0, "a"]`, `["a"] error condition-type: "a" is a string and layer.index is an int; they are never equal`},
		{`"a" in layer.shape`, `["a"] error condition-type: layer.shape is a list of int, and "a" is a string`},
		{`layer.shape == 3`, `[layer.shape == 3] error condition-type: a list is not compared as a whole; compare its items: layer.shape[0] == 64, or 64 in layer.shape`},
		{`layer.shape.foo == 1`, `[layer.shape.foo] error condition-type: layer.shape is a list of int and has no parts, so it has no "foo"`},
		{`layer.name[0] == "c"`, `[layer.name[0]] error condition-type: layer.name is a string; only a list has items`},
		{`layer.params ? true : false`, `[layer.params] error condition-type: before ? must stand a condition, and layer.params is an int`},
		{`layer.tied ? 1 : "x"`, `[layer.tied ? 1 : "x"] error condition-type: the two sides of : are an int and a string; they must be of one type`},
		{`min(layer.name) > 2`, `[layer.name] error condition-type: min takes numbers, and layer.name is a string`},
		{`min() > 2`, `[min()] error condition-type: min takes one number or more, not 0`},
		{`abs (1, 3) > 2`, `[abs (1, 3)] error condition-type: abs takes one number, not 2`},

		// syntax
		{``, `[|-] error condition-syntax: the condition is empty`},
		{`layer.type = "conv"`, `[=] error condition-syntax: = does not compare; write ==`},
		{`layer.type === "conv"`, `[===] error condition-syntax: === is no operator; write ==`},
		{`layer.type <> "conv"`, `[<>] error condition-syntax: <> is no operator; write !=`},
		{`layer.params => 4`, `[=>] error condition-syntax: => is no operator; write >=`},
		{`layer.tied & layer.tied`, `[&] error condition-syntax: & is no operator; write && or and`},
		{`layer.tied AND layer.tied`, `[AND] error condition-syntax: AND is no operator; write && or and`},
		{`layer.type is "conv"`, `[is] error condition-syntax: "is" is no operator; write ==`},
		{`layer.tied &&`, `[] error condition-syntax: the condition ends here, but something must follow &&`},
		{`(layer.tied`, `[(] error condition-syntax: ( is not closed`},
		{`layer.tied)`, `[)] error condition-syntax: ) closes nothing`},
		{`(layer.shape[0)] > 1`, `[)] error condition-syntax: ) stands where [ is still open; close that first`},
		{`layer.name == "x`, `["x] error condition-syntax: the string is not closed; it ends with "`},
		{`layer.name matches "conv\d"`, `[\d] error condition-syntax: \d is no escape of a string; for a backslash write \\`},
		{`5 layer.params`, `[layer] error condition-syntax: layer cannot stand here; after 5 may follow an operator such as ==, > or &&`},
		{`layer.params > * 3`, `[*] error condition-syntax: * cannot stand here; after > must follow a fact or a value`},
		{`* 3`, `[*] error condition-syntax: * cannot stand here; first comes a fact or a value`},
		{`layer. > 3`, `[.] error condition-syntax: after the dot must follow the name of a fact, as in layer.params`},
		{`@ > 3`, `[@] error condition-syntax: @ has no meaning here`},
		{`layer.params > 90Mb`, `[90Mb] error condition-syntax: unit "Mb" is not known; did you mean "MB"?`},
		{`layer.params > 9parsecs`, `[9parsecs] error condition-syntax: unit "parsecs" is not known; there are B, kB, MB, GB, TB, KiB, MiB, GiB, TiB, %, us, ms, s, min, h`},
		{`layer.params > 1_000`, `[1_000] error condition-syntax: number 1_000 has an underscore; write 1000`},
		{`layer.params > 0x10`, `[0x10] error condition-syntax: number 0x10 is not decimal; write it in decimal`},
		{`layer.params > 017`, `[017] error condition-syntax: number 017 begins with 0; write it without`},
		{`layer.params > 0.5B`, `[0.5B] error condition-syntax: 0.5B is not a whole number of bytes`},
		{`layer.params > 99999999999999999999`, `[99999999999999999999] error condition-syntax: number 99999999999999999999 is too large`},
		{`layer.params > 1e999`, `[1e999] error condition-syntax: number 1e999 is too large`},
		{`layer.params > 1e999999999MB`, `[1e999999999MB] error condition-syntax: number 1e999999999MB is out of range`},
		{`layer.name matches "("`, "[\"(\"] error condition-pattern: the pattern is not RE2: missing closing ): `(`"},
		{`layer.name matches "(.{1000}){1000}"`, "[\"(.{1000}){1000}\"] error condition-pattern: the pattern is not RE2: invalid repeat count: `{1000}`"},

		{"layer.name matches `" + strings.Repeat("x{1000}", 9) + "`", "[`" + strings.Repeat("x{1000}", 9) + "`] error condition-pattern: the pattern counts too far; it stands for more than 2000 steps"},

		// not allowed
		{`now() > 3`, `[now()] error condition-not-allowed: there is no function now; the functions are abs, max, min`},
		{`len(layer.name) > 3`, `[len(layer.name)] error condition-not-allowed: there is no function len; the functions are abs, max, min`},
		{`all([1, 2], # > 1)`, `[all([1, 2], # > 1)] error condition-not-allowed: all is a loop, which is not allowed; the functions are abs, max, min`},
		{`reduce(1..30, {#acc + #acc}, "aaaaaaaa") == ""`, `[reduce(1..30, {#acc + #acc}, "aaaaaaaa")] error condition-not-allowed: reduce is a loop, which is not allowed; the functions are abs, max, min`},
		{`layer.params | max(3) > 1`, `[max(3)] error condition-not-allowed: there are no pipes here; write what goes in between the parentheses: max(a, b)`},
		{`::max(3) > 1`, `[::] error condition-not-allowed: :: has no use here; call a function by its name`},
		{`layer.name.upper() == "X"`, `[layer.name.upper()] error condition-not-allowed: a fact has no methods; call min, max or abs on it: max(layer.in_features, 64)`},
		{`1..1e9`, `[1..1e9] error condition-not-allowed: there are no ranges here; write a list, x in [1, 2, 3], or two comparisons, x >= 1 && x <= 3`},
		{`layer.index in 1..3`, `[1..3] error condition-not-allowed: there are no ranges here; write a list, x in [1, 2, 3], or two comparisons, x >= 1 && x <= 3`},
		{`layer.index ** 2 > 3`, `[layer.index ** 2] error condition-not-allowed: there are no powers here; multiply`},
		{`layer.name ?? "x" == "x"`, `[??] error condition-not-allowed: every fact has a value, so ?? has no use`},
		{`layer?.index > 1`, `[?.] error condition-not-allowed: every fact has a value, so write . for ?.`},
		{`let x = 1; x > 2`, `[x = 1; x > 2] error condition-not-allowed: no variable can be set here; declare one under vars, or write the value`},
		{`layer.tied; layer.tied`, `[layer.tied; layer.tied] error condition-not-allowed: one expression stands here; join parts with &&, not with ;`},
		{`layer.tied == nil`, `[nil] error condition-not-allowed: nil is no value here; every fact has one`},
		{`layer.shape[0:2] == 1`, `[layer.shape[0:2]] error condition-not-allowed: there are no slices here; ask for one item: layer.shape[0]`},
		{`layer.shape[layer.index] > 1`, `[layer.index] error condition-not-allowed: an item is asked for by a whole number written out: layer.shape[0]`},
		{`layer[layer.name] > 1`, `[layer.name] error condition-not-allowed: a fact is named outright, as in layer.index`},
		{`{"a": 1}.a > 1`, `[{"a": 1}] error condition-not-allowed: there are no mappings here; compare facts one by one`},
		{`[1, 2] == 3`, `[[1, 2]] error condition-not-allowed: a list stands only to the right of in, and holds only values: layer.index in [0, 1, 29]`},
		{`layer.index in [layer.params]`, `[layer.params] error condition-not-allowed: a list holds values written out; compare layer.params with == instead`},
		{`layer.name + "x" == "y"`, `[layer.name + "x"] error condition-not-allowed: strings are not put together here; compare the parts one by one`},
		{`layer.name matches layer.role`, `[layer.role] error condition-not-allowed: the pattern of matches must be written out as a string; for a part of a name use contains`},
		{`layer.params % layer.index == 1`, `[layer.index] error condition-not-allowed: right of % must stand a number written out, so that it cannot be zero`},
		{`layer.tied ?: layer.tied`, `[layer.tied ?: layer.tied] error condition-not-allowed: write all three parts: condition ? value : other value`},
		{`if layer.tied { true } else { false }`, `[layer.tied { true } else { false] error condition-not-allowed: there is no if here; write condition ? value : other value`},
		{`layer.params > 3 // many`, `[//] error condition-not-allowed: no comment can stand here; put it behind # in the recipe`},
		{`b"x" == "x"`, `[b"x"] error condition-not-allowed: there are no byte strings here; write "…"`},
		{`1 < (1 < layer.index < 3) < 3`, `[1 < layer.index < 3] error condition-not-allowed: between two comparisons may stand a fact or a value; join longer ones with &&`},

		// division and constants
		{`layer.params / 0 > 1`, `[0] error condition-division: nothing can be divided by 0`},
		{`layer.params % 0 > 1`, `[0] error condition-division: nothing can be divided by 0`},
		{`layer.params / (3 - 3) > 1`, `[3 - 3] error condition-division: nothing can be divided by 3 - 3, which is 0`},
		{`true`, `[true] warning condition-constant: the condition is always true`},
		{`1 < 2`, `[1 < 2] warning condition-constant: the condition is always true`},
		{`layer.tied || true`, `[true] warning condition-constant: with true here, the condition is always true`},
		{`layer.tied && 4% > 1`, `[4% > 1] warning condition-constant: with 4% > 1 here, the condition is always false`},
		{`layer.index == layer.index`, `[layer.index == layer.index] warning condition-constant: both sides are layer.index, so this is always true`},
		{`layer.shape[0] < layer.shape[0]`, `[layer.shape[0] < layer.shape[0]] warning condition-constant: both sides are layer.shape[0], so this is always false`},
		{`layer.type == "convv"`, `["convv"] error condition-constant: layer.type is never "convv"; did you mean "conv"?`},
		{`"attention" != layer.type`, `["attention"] error condition-constant: layer.type is always other than "attention"; it is one of conv, linear, norm`},
		{`layer.type in ["conv", "lin"]`, `["lin"] error condition-constant: layer.type is never "lin"; did you mean "linear"?`},
		{`layer.index in []`, `[[]] error condition-constant: the list is empty, so nothing is in it`},
		{`layer.sparsity > 50`, `[layer.sparsity > 50] error condition-constant: this is never true: layer.sparsity lies between 0 and 1`},
		{`0 <= layer.index`, `[0 <= layer.index] error condition-constant: this is always true: layer.index is at least 0`},
		{`layer.type == "conv" && layer.type == "linear"`, `[layer.type == "linear"] error condition-constant: together with layer.type == "conv" this is never true; did you mean ||?`},
		{`layer.type != "conv" || layer.tied || layer.type != "linear"`, `[layer.type != "linear"] error condition-constant: together with layer.type != "conv" this is always true; did you mean &&?`},
		{`layer.params > 5 && layer.tied && 3 > layer.params`, `[3 > layer.params] error condition-constant: together with layer.params > 5 this is never true; did you mean ||?`},
		{`layer.params > 5 && (layer.params <= 5 || layer.tied)`, ``},
		{`layer.params >= 5 && layer.params <= 5`, ``},
		{`layer.params < 5 || layer.params >= 5`, `[layer.params >= 5] error condition-constant: together with layer.params < 5 this is always true; did you mean &&?`},
		{`layer.params == 5 && layer.params > 6`, `[layer.params > 6] error condition-constant: together with layer.params == 5 this is never true; did you mean ||?`},
		{`layer.type == "conv" || layer.type == "linear"`, ``},
		{`layer.index == 2.5`, `[layer.index == 2.5] error condition-constant: this is never true: layer.index is a whole number`},
	} {
		got, findings := compileText(t, c.text, Bool)
		if strings.TrimSuffix(findings, "\n") != c.want {
			t.Errorf("%s\n got  %s want %s\n", c.text, findings, c.want)
		}
		if (got == nil) != strings.Contains(findings, " error ") {
			t.Errorf("%s: condition is %v beside findings %s", c.text, got, findings)
		}
	}
}

func TestTooLong(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("(", 5000) + "layer.tied" + strings.Repeat(")", 5000),
		strings.Repeat("x", 1_000_000),
	} {
		var list diag.List
		src := &diag.Source{Name: "r", Text: []byte("when: " + text[:min(len(text), 1<<20-10)])}
		if c := Compile(syntax.Parse(src, &list).Get("when"), testEnv, Bool, &list); c != nil || len(list) != 1 || list[0].Code != "condition-too-long" {
			t.Errorf("%.20s…: %v, %v", text, c, list)
		}
	}
}

var testFacts = Facts{
	"layer": {
		"name": "block1.conv2", "type": "conv", "role": "ffn", "index": int64(3), "params": int64(9_007_199_254_740_993),
		"shape": []int64{64, 3, 3, 3}, "sparsity": 0.25, "kurtosis": math.Inf(1), "tied": false,
	},
	"vars":  {"ratio": 0.5},
	"model": {"params": 1_000_000},
}

func TestValues(t *testing.T) {
	for _, c := range []struct {
		text string
		want any
	}{
		{`layer.index`, int64(3)},
		{`layer["index"]`, int64(3)},
		{`model.params`, int64(1_000_000)},
		{`vars.ratio`, 0.5},
		{`layer.type`, "conv"},
		{`layer.index + 2 * 3`, int64(9)},
		{`(layer.index + 2) * 3`, int64(15)},
		{`layer.index / 2`, 1.5},
		{`-layer.index % 2`, int64(-1)},
		{`7 % 2`, int64(1)},
		{`7%2`, int64(1)},
		{`90MB`, int64(90_000_000)},
		{`1.1MB`, int64(1_100_000)},
		{`64MiB`, int64(64 << 20)},
		{`3KB + 1B`, int64(3001)},
		{`4%`, 0.04},
		{`4% + 1`, 1.04},
		{`2ms`, 0.002},
		{`2µs`, 2e-6},
		{`1.5h`, 5400.0},
		{`1e3`, 1000.0},
		{`.5`, 0.5},
		{`+3`, int64(3)},
		{`min(3, 1, 2)`, int64(1)},
		{`max(3, 1.5)`, 3.0},
		{`abs(-3)`, int64(3)},
		{`abs(-3.5)`, 3.5},
		{`layer.tied ? 8 : 4`, int64(4)},
		{`layer.tied ? 8 : 4.5`, 4.5},
		{`layer.tied ? 8.5 : 4`, 4.0},
		{`layer.shape[0]`, int64(64)},
		{`layer.shape[-1]`, int64(3)},
		{`64 in layer.shape`, true},
		{`64.0 in layer.shape`, true},
		{`65 not in layer.shape`, true},
		{`layer.index in [-1, 3.0]`, true},
		{`layer.role not in ["ffn"]`, false},
		{`layer.name contains "conv"`, true},
		{`layer.name startsWith "block" and layer.name endsWith "2"`, true},
		{"layer.name matches `conv\\d$`", true},
		{"layer.name matches `^(?i)((BLOCK)|x)(\\d+)\\.(?P<kind>[a-z]{2,})(2|3)?$`", true},
		{"layer.name matches `^(block|x)+$`", false},
		{`layer.name matches "conv\\d$"`, true},
		{`not layer.tied`, true},
		{`!layer.tied`, true},
		{`layer.tied == false`, true},
		{`layer.tied || layer.type == 'conv'`, true},
		{`layer.tied && layer.params / 0.0001 > 1`, false},
		{`0.1 < layer.sparsity < 0.5`, true},
		{`0.3 <= layer.sparsity <= 0.5`, false},
		{`1 < layer.index < 4 < 5`, true},
		{`layer.params > 9007199254740992.0`, true}, // 2^53+1 is not rounded to the float
		{`layer.params != 9007199254740992`, true},
		{`layer.kurtosis > 1e300`, true},
		{`"ü" != layer.name && 4% < layer.sparsity`, true},
	} {
		cond, findings := compileText(t, c.text, "")
		if cond == nil {
			t.Errorf("%s: %s", c.text, findings)
			continue
		}
		if got, err := cond.Value(testFacts); err != nil || got != c.want {
			t.Errorf("%s = %v (%T), %v; want %v", c.text, got, got, err, c.want)
		}
	}
}

func TestNoValue(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`layer.shape[4] > 1`, "layer.shape[4] is not there: the list has 4 items"},
		{`layer.shape[-5] > 1`, "layer.shape[-5] is not there: the list has 4 items"},
		{`layer.params * layer.params > 1`, "layer.params * layer.params > 1 gives a whole number of more than 64 bits"},
		{`1 / (layer.index - 3) > 1`, "1 / (layer.index - 3) > 1 divides by zero"},
		{`layer.kurtosis - layer.kurtosis > 1`, "layer.kurtosis - layer.kurtosis > 1 is not a number (NaN)"},
		{`model.params > 1`, "model.params has no value here"},
		{`vars.ratio > 1`, "vars.ratio is not a number (NaN)"},
		{`layer.role == "x"`, "layer.role has a value of another type than declared (string)"},
	} {
		facts := Facts{"layer": map[string]any{}, "vars": {"ratio": math.NaN()}}
		for k, v := range testFacts["layer"] {
			facts["layer"][k] = v
		}
		facts["layer"]["role"] = int64(4)
		cond, findings := compileText(t, c.text, Bool)
		if cond == nil {
			t.Errorf("%s: %s", c.text, findings)
			continue
		}
		if got, err := cond.Bool(facts); err == nil || err.Error() != c.want || got {
			t.Errorf("%s = %v, %v; want %s", c.text, got, err, c.want)
		}
	}
}

func TestWant(t *testing.T) {
	for _, c := range []struct {
		text, want string
		typ        Type
	}{
		{`layer.index`, "", Number},
		{`layer.index`, "", Int},
		{`layer.sparsity`, "[layer.sparsity] error condition-type: layer.sparsity is a number; here must stand an int\n", Int},
		{`layer.index`, "[layer.index] error condition-type: layer.index is an int; here must stand a string\n", String},
		{`layer.shape`, "[layer.shape] error condition-type: layer.shape is a list; take one item of it, as in layer.shape[0]\n", ""},
	} {
		if _, findings := compileText(t, c.text, c.typ); findings != c.want {
			t.Errorf("%s as %q: %s", c.text, c.typ, findings)
		}
	}
}

func TestUses(t *testing.T) {
	c, _ := compileText(t, `layer.type == "conv" && layer.index > vars.ratio && layer.index < 9`, Bool)
	if want := []string{"layer.index", "layer.type", "vars.ratio"}; !reflect.DeepEqual(c.Uses, want) || c.Type != Bool {
		t.Errorf("Uses = %v, Type = %s", c.Uses, c.Type)
	}
}

func TestCompileText(t *testing.T) {
	src := &diag.Source{Name: "r.yaml", Text: []byte(`path: "m\u00fcll-${{ vars.rato }}"`)}
	var list diag.List
	n := syntax.Parse(src, &list).Get("path")
	start := strings.Index(n.Text, "vars")
	end := start + len("vars.rato")
	CompileText(n, start, end, testEnv, "", &list)
	if len(list) != 1 || list[0].Span.String() != "r.yaml:1:22" || list[0].Span.Text() != "vars.rato" {
		t.Errorf("findings %v", list)
	}
	c := CompileText(n, start, end, Env{{Name: "vars", Facts: []Fact{{Name: "rato", Type: Number}}}}, "", nil)
	if c == nil || c.Text != "vars.rato" || c.Type != Number {
		t.Errorf("condition %+v", c)
	}
}

func TestNoScalar(t *testing.T) {
	src := &diag.Source{Name: "r.yaml", Text: []byte("a: [x]\nb:\nc: {d: 1}\n")}
	var list diag.List
	root := syntax.Parse(src, &list)
	for _, p := range root.Pairs {
		Compile(p.Value, testEnv, Bool, &list)
	}
	Compile(nil, testEnv, Bool, &list)
	want := []string{"a list", "nothing", "a mapping", "nothing"}
	if len(list) != len(want) {
		t.Fatalf("findings %v", list)
	}
	for i, w := range want {
		if m := "a condition is written as one line of text; this is " + w; list[i].Message != m {
			t.Errorf("got %q, want %q", list[i].Message, m)
		}
	}
}

func TestMarkdown(t *testing.T) {
	want := "| fact | type | known from | meaning |\n|---|---|---|---|\n" +
		"| `layer.sparsity` | number | weights | share of zeros (lies between 0 and 1) |\n"
	if got := (Env{{Name: "layer", Facts: testEnv[0].Facts[6:7]}}).Markdown(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if f := testEnv.Fact("layer.sparsity"); f == nil || f.Price != Weights {
		t.Errorf("Fact = %v", f)
	}
	if f := testEnv.Fact("layer"); f != nil {
		t.Errorf("Fact of a namespace = %v", f)
	}
}

// TestConcurrent: a condition may be evaluated by many goroutines at once. It says something under -race.
func TestConcurrent(t *testing.T) {
	c, _ := compileText(t, "layer.name matches `conv` && layer.index in [1, 2, 3]", Bool)
	done := make(chan bool)
	for range 4 {
		go func() {
			v, err := c.Bool(testFacts)
			done <- v && err == nil
		}()
	}
	for range 4 {
		if !<-done {
			t.Error("not true")
		}
	}
}
