package recipetest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// bound is what a number must be: equal to a value, or on one side of it.
type bound struct {
	op    string
	value float64
}

// parseBound reads 10, 300kB, <= 10 or < 300kB; problem is empty if it could.
func parseBound(n *syntax.Node) (b bound, problem string) {
	text := strings.TrimSpace(n.Text)
	if n.Kind != syntax.Scalar || text == "" {
		return b, fmt.Sprintf("%s is no number; write 10, 300kB, or a bound such as <= 10", n.Kind)
	}
	b.op = "=="
	for _, op := range []string{"<=", ">=", "==", "<", ">"} {
		if rest, ok := strings.CutPrefix(text, op); ok {
			b.op, text = op, strings.TrimSpace(rest)
			break
		}
	}
	if v, err := strconv.ParseFloat(strings.ReplaceAll(text, ",", ""), 64); err == nil {
		b.value = v
		return b, ""
	}
	var size int64
	var report diag.List
	d := &schema.Decoder{Report: &report}
	value := &syntax.Node{Kind: syntax.Scalar, Text: strings.ReplaceAll(text, " ", ""), Plain: true, Span: n.Span}
	if !d.DecodeValue(value, schema.Bytes(&size, "it", 0, "").AtLeast(0)) {
		return b, fmt.Sprintf("%q is no number; write 10, 300kB, or a bound such as <= 10", n.Text)
	}
	b.value = float64(size)
	return b, ""
}

func (b bound) holds(v float64) bool {
	switch b.op {
	case "<=":
		return v <= b.value
	case ">=":
		return v >= b.value
	case "<":
		return v < b.value
	case ">":
		return v > b.value
	}
	return v == b.value
}
