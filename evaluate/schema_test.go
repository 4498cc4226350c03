package evaluate_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/evaluate/classification"
)

// schema checks values against the part of JSON Schema that docs/report.schema.json uses. A keyword that it does not
// know is a failure, so that no rule of the file goes unchecked.
type schema struct {
	root   map[string]any
	errors []string
}

func (s *schema) check(path string, rule, v any) {
	fail := func(format string, args ...any) {
		s.errors = append(s.errors, path+": "+fmt.Sprintf(format, args...))
	}
	r := rule.(map[string]any)
	for word, arg := range r {
		switch word {
		case "$schema", "$id", "$defs", "title", "description":
		case "$ref":
			name := strings.TrimPrefix(arg.(string), "#/$defs/")
			s.check(path, s.root["$defs"].(map[string]any)[name], v)
		case "type":
			types, ok := arg.([]any)
			if !ok {
				types = []any{arg}
			}
			if !slices.ContainsFunc(types, func(t any) bool { return isType(v, t.(string)) }) {
				fail("%v is not of type %v", v, arg)
			}
		case "const":
			if v != arg {
				fail("%v is not %v", v, arg)
			}
		case "enum":
			if !slices.Contains(arg.([]any), v) {
				fail("%v is none of %v", v, arg)
			}
		case "minimum":
			if n, ok := v.(float64); ok && n < arg.(float64) {
				fail("%v is below %v", v, arg)
			}
		case "items":
			if list, ok := v.([]any); ok {
				for i, item := range list {
					s.check(fmt.Sprintf("%s[%d]", path, i), arg, item)
				}
			}
		case "oneOf":
			fits := 0
			for _, alternative := range arg.([]any) {
				one := &schema{root: s.root}
				if one.check(path, alternative, v); one.errors == nil {
					fits++
				}
			}
			if fits != 1 {
				fail("%v fits %d alternatives", v, fits)
			}
		case "required":
			if o, ok := v.(map[string]any); ok {
				for _, name := range arg.([]any) {
					if _, ok := o[name.(string)]; !ok {
						fail("no %v", name)
					}
				}
			}
		case "properties", "additionalProperties":
			if o, ok := v.(map[string]any); ok && (word == "properties" || r["properties"] == nil) {
				s.properties(path, r, o)
			}
		default:
			fail("unknown keyword %s", word)
		}
	}
}

func (s *schema) properties(path string, rule, o map[string]any) {
	known, _ := rule["properties"].(map[string]any)
	for name, v := range o {
		switch at := path + "." + name; {
		case known[name] != nil:
			s.check(at, known[name], v)
		case rule["additionalProperties"] == false:
			s.errors = append(s.errors, at+": not in the schema")
		case rule["additionalProperties"] != nil:
			s.check(at, rule["additionalProperties"], v)
		}
	}
}

func isType(v any, name string) bool {
	switch v := v.(type) {
	case nil:
		return name == "null"
	case bool:
		return name == "boolean"
	case string:
		return name == "string"
	case float64:
		return name == "number" || name == "integer" && v == math.Trunc(v)
	case []any:
		return name == "array"
	default:
		return name == "object"
	}
}

func problems(t *testing.T, document []byte) []string {
	t.Helper()
	text, err := os.ReadFile("../docs/report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	s := &schema{}
	if err := json.Unmarshal(text, &s.root); err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(document, &v); err != nil {
		t.Fatal(err)
	}
	s.check("report", s.root, v)
	return s.errors
}

func TestReportFitsSchema(t *testing.T) {
	failed := sample(t)
	failed.Fail(errors.New("disk full"))
	broken := evaluate.FigureOf(math.NaN())
	broken.Metric, broken.Data = classification.Top1, "test"
	infinite := sample(t)
	infinite.Metrics = []evaluate.Row{{Score: broken, Interval: &evaluate.Interval{High: math.Inf(1), Method: "bootstrap"}}}
	infinite.Gates = append(infinite.Gates, evaluate.Decide(
		evaluate.GateSpec{Metric: "top1", Limit: evaluate.Threshold}, &evaluate.Result{}, nil))
	for name, r := range map[string]*evaluate.Report{"sample": sample(t), "failed": failed, "infinite": infinite, "empty": {}} {
		j, err := r.JSON()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if p := problems(t, j); p != nil {
			t.Errorf("%s: %s", name, strings.Join(p, "\n"))
		}
	}
	// The checks see what is wrong.
	for _, edit := range [][2]string{
		{`"version": 1`, `"version": 2`}, {`"outcome": "met"`, `"outcome": "fine"`}, {`"steps": [`, `"stepz": [`}, {`"bytes": 271098`, `"bytes": -1`},
		{`"shape": [32, 1, 3, 3]`, `"shape": [32, 1.5]`}, {`"sqnr": 41.25`, `"sqnr": "41"`}, {`"to": null`, `"to": 3`},
	} {
		j, _ := sample(t).JSON()
		bad := strings.Replace(string(j), edit[0], edit[1], 1)
		if bad == string(j) || problems(t, []byte(bad)) == nil {
			t.Errorf("%s instead of %s passes", edit[1], edit[0])
		}
	}
}
