package condition

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

// maxSteps bounds the machine that a pattern becomes, and with it what matching takes: a quarter of a megabyte. Counts
// multiply: x{1000} alone is a thousand steps.
const maxSteps = 2000

// pattern compiles the right side of matches.
func (c *compiler) pattern(right *node) *regexp.Regexp {
	text := right.value.(string)
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err == nil && steps(parsed) > maxSteps {
		c.fail(right.start, right.end, "condition-pattern", "the pattern counts too far; it stands for more than %d steps", maxSteps)
		return nil
	}
	var re *regexp.Regexp
	if err == nil {
		re, err = regexp.Compile(withoutGroups(parsed).String())
	}
	if err != nil {
		why := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		c.fail(right.start, right.end, "condition-pattern", "the pattern is not RE2: %s", why)
		return nil
	}
	return re
}

// steps estimates how large a pattern becomes when its counts are written out. The parser bounds nesting and the
// product of nested counts, so neither the walk nor the number runs away.
func steps(re *syntax.Regexp) int {
	n := 1 + len(re.Rune)
	for _, sub := range re.Sub {
		n += steps(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return n
}

// withoutGroups drops what parentheses remember, which nobody asks for: the machine keeps it for each of its steps, and
// (a|b)*(a|b)*… would take megabytes.
func withoutGroups(re *syntax.Regexp) *syntax.Regexp {
	for re.Op == syntax.OpCapture {
		re = re.Sub[0]
	}
	for i, sub := range re.Sub {
		re.Sub[i] = withoutGroups(sub)
	}
	return re
}
