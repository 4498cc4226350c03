package recipe

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"
)

// largestRegex bounds the instructions of a compiled pattern, and so its memory and the time it takes a character.
const largestRegex = 10_000

// compileRegex compiles an RE2 expression that must match a whole name.
func compileRegex(pattern string) (*regexp.Regexp, *globError) {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, regexError(pattern, err)
	}
	if regexSize(tree) > largestRegex {
		return nil, &globError{0, len(pattern), "the expression repeats too much; write smaller counts"}
	}
	re, err := regexp.Compile(`\A(?:` + pattern + `)\z`)
	if err != nil {
		return nil, regexError(pattern, err)
	}
	return re, nil
}

// regexSize estimates the instructions of an expression with its repeats written out. The tree is no deeper than
// regexp/syntax allows, 1000.
func regexSize(re *syntax.Regexp) int {
	size := 1 + len(re.Rune)/2
	for _, sub := range re.Sub {
		size = min(size+regexSize(sub), largestRegex+1)
	}
	if re.Op == syntax.OpRepeat {
		size *= max(re.Min, re.Max, 1)
	}
	return min(size, largestRegex+1)
}

// regexError places an error of the regexp package inside the pattern.
func regexError(pattern string, err error) *globError {
	e := &globError{0, len(pattern), "the expression does not compile: " + err.Error()}
	var se *syntax.Error
	if !errors.As(err, &se) {
		return e
	}
	e.message = "the expression does not compile: " + se.Code.String()
	if i := strings.Index(pattern, se.Expr); i >= 0 && se.Expr != "" {
		e.at, e.end = i, i+len(se.Expr)
	}
	switch se.Code {
	case syntax.ErrInvalidPerlOp:
		e.message = "the expression does not compile: RE2 has no look-around, and no back-references"
	case syntax.ErrInvalidRepeatSize, syntax.ErrLarge, syntax.ErrNestingDepth:
		e.message = "the expression repeats or nests too much; write smaller counts"
	}
	return e
}
