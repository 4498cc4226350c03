package condition

import (
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/pare-ml/pare/recipe/diag"
)

// maxLength is the size of the longest condition, in bytes. It bounds the work of everything that follows.
const maxLength = 1024

// literal is a number as the user wrote it.
type literal struct {
	text  string
	value any // int64 or float64
}

// unit is a suffix of a number.
type unit struct {
	name  string
	scale *big.Rat
	whole bool // the value must be a whole number of bytes
}

// units in the order in which messages list them.
var units = []unit{
	{"B", rat(1), true}, {"kB", rat(1e3), true}, {"MB", rat(1e6), true}, {"GB", rat(1e9), true}, {"TB", rat(1e12), true},
	{"KiB", rat(1 << 10), true}, {"MiB", rat(1 << 20), true}, {"GiB", rat(1 << 30), true}, {"TiB", rat(1 << 40), true},
	{"%", big.NewRat(1, 100), false},
	{"us", big.NewRat(1, 1e6), false}, {"ms", big.NewRat(1, 1e3), false}, {"s", rat(1), false}, {"min", rat(60), false},
	{"h", rat(3600), false},
}

func rat(n int64) *big.Rat { return big.NewRat(n, 1) }

func unitNames() []string {
	names := make([]string, len(units))
	for i, u := range units {
		names[i] = u.name
	}
	return names
}

// prepare reads the text once before the parser does: it finds strings and brackets that are not closed, comments, and
// numbers. Numbers are ours to read, since they may carry units; in what it returns for the parser each is written as
// so many zeros, so that every place stays.
func (c *compiler) prepare() (source string, ok bool) {
	switch {
	case len(c.text) > maxLength:
		c.fail(0, len(c.text), "condition-too-long", "%s has %d bytes; it may have up to %d", c.what, len(c.text), maxLength)
		return "", false
	case strings.TrimSpace(c.text) == "":
		c.fail(0, len(c.text), "condition-syntax", "%s is empty", c.what)
		return "", false
	}
	if i := invalid(c.text); i >= 0 {
		c.fail(i, i+1, "condition-syntax", "byte 0x%02x is not UTF-8", c.text[i])
		return "", false
	}
	c.literals, c.brackets, c.used = map[int]literal{}, map[int]int{}, map[string]bool{}
	c.extents = map[ast.Node][2]int{}
	s := scanner{compiler: c, source: []byte(c.text)}
	s.scan()
	c.runes = make([]int, 0, len(s.source)+1)
	for i := range string(s.source) {
		c.runes = append(c.runes, i)
	}
	c.runes = append(c.runes, len(s.source))
	return string(s.source), !c.failed
}

func invalid(s string) int {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return i
			}
		}
	}
	return -1
}

type scanner struct {
	*compiler
	source  []byte
	i       int
	open    []int // offsets of brackets
	operand bool  // the last thing read can be the left side of an operator
}

func (s *scanner) scan() {
	for s.i < len(s.text) && !s.failed {
		s.next()
	}
	if n := len(s.open); n > 0 && !s.failed {
		at := s.open[n-1]
		s.fail(at, at+1, "condition-syntax", "%c is not closed", s.text[at])
	}
}

func (s *scanner) next() {
	c := s.text[s.i]
	switch {
	case c == '"' || c == '\'' || c == '`':
		s.string(c)
	case c >= '0' && c <= '9', c == '.' && !s.operand && s.digit(s.i+1):
		s.number()
	case c == '/' && s.i+1 < len(s.text) && (s.text[s.i+1] == '/' || s.text[s.i+1] == '*'):
		s.fail(s.i, s.i+2, "condition-not-allowed", "no comment can stand here; put it behind # in the recipe")
	case strings.HasPrefix(s.text[s.i:], "::"):
		s.fail(s.i, s.i+2, "condition-not-allowed", ":: has no use here; call a function by its name")
	case strings.HasPrefix(s.text[s.i:], "??"):
		s.fail(s.i, s.i+2, "condition-not-allowed", "every fact has a value, so ?? has no use")
	case strings.HasPrefix(s.text[s.i:], "?."):
		s.fail(s.i, s.i+2, "condition-not-allowed", "every fact has a value, so write . for ?.")
	case strings.HasPrefix(s.text[s.i:], ".."):
		s.operand = false
		s.i += 2
	case strings.IndexByte("([{", c) >= 0:
		s.open = append(s.open, s.i)
		s.operand = false
		s.i++
	case strings.IndexByte(")]}", c) >= 0:
		s.close(c)
	case isLetter(s.rune()):
		s.word()
	case c == ' ' || c == '\t' || c == '\n' || c == '\r':
		s.i++
	default:
		s.operand = false
		_, size := utf8.DecodeRuneInString(s.text[s.i:])
		s.i += size
	}
}

func (s *scanner) rune() rune {
	r, _ := utf8.DecodeRuneInString(s.text[s.i:])
	return r
}

func isLetter(r rune) bool { return r == '_' || r == '$' || unicode.IsLetter(r) }

func (s *scanner) digit(i int) bool { return i < len(s.text) && s.text[i] >= '0' && s.text[i] <= '9' }

func (s *scanner) close(c byte) {
	n := len(s.open)
	if n == 0 {
		s.fail(s.i, s.i+1, "condition-syntax", "%c closes nothing", c)
		return
	}
	at := s.open[n-1]
	if want := map[byte]byte{'(': ')', '[': ']', '{': '}'}[s.text[at]]; want != c {
		s.fail(s.i, s.i+1, "condition-syntax", "%c stands where %c is still open; close that first", c, s.text[at])
		return
	}
	s.brackets[at] = s.i + 1
	s.open = s.open[:n-1]
	s.operand = true
	s.i++
}

func (s *scanner) string(quote byte) {
	for i := s.i + 1; i < len(s.text); i++ {
		switch {
		case s.text[i] == '\\' && quote != '`':
			if next := i + 1; next < len(s.text) && strings.IndexByte(`abfnrtvxuU\01234567`, s.text[next]) < 0 && s.text[next] != quote {
				_, size := utf8.DecodeRuneInString(s.text[next:])
				s.fail(i, next+size, "condition-syntax", `\%s is no escape of a string; for a backslash write \\`, s.text[next:next+size])
				return
			}
			i++
		case s.text[i] == '\n' && quote != '`':
			s.fail(s.i, i, "condition-syntax", "the string is not closed in its line; it ends with %c", quote)
			return
		case s.text[i] == quote:
			s.i, s.operand = i+1, true
			return
		}
	}
	s.fail(s.i, len(s.text), "condition-syntax", "the string is not closed; it ends with %c", quote)
}

// operators that are words.
var wordOperators = map[string]bool{
	"and": true, "or": true, "not": true, "in": true, "matches": true, "contains": true, "startsWith": true, "endsWith": true,
}

func (s *scanner) word() {
	end := s.wordEnd(s.i)
	s.operand = !wordOperators[s.text[s.i:end]]
	s.i = end
}

func (s *scanner) wordEnd(i int) int {
	for j, r := range s.text[i:] {
		if !isLetter(r) && !unicode.IsDigit(r) {
			return i + j
		}
	}
	return len(s.text)
}

// number reads a number with its unit and puts zeros in its place.
func (s *scanner) number() {
	start := s.i
	end := s.digits(start)
	if end < len(s.text) && s.text[end] == '.' && s.digit(end+1) {
		end = s.digits(end + 1)
	}
	if end < len(s.text) && (s.text[end] == 'e' || s.text[end] == 'E') {
		exponent := end + 1
		if exponent < len(s.text) && (s.text[exponent] == '+' || s.text[exponent] == '-') {
			exponent++
		}
		if s.digit(exponent) {
			end = s.digits(exponent)
		}
	}
	suffix := s.wordEnd(end)
	if suffix == end && s.percent(end) {
		suffix++
	}
	value, problem := readNumber(s.text[start:end], s.text[end:suffix])
	if problem != "" {
		s.fail(start, suffix, "condition-syntax", "%s", problem)
		if plain := plainly(s.text[start:end], s.text[end:suffix]); plain != "" {
			s.rename(start, suffix, s.text[start:suffix], []string{plain})
		}
		return
	}
	s.literals[start] = literal{text: s.text[start:suffix], value: value}
	for i := start; i < suffix; i++ {
		s.source[i] = '0'
	}
	s.i, s.operand = suffix, true
}

func (s *scanner) digits(i int) int {
	for s.digit(i) {
		i++
	}
	return i
}

// percent tells whether the sign at i means percent. Before something to divide by, it is the operator: 7 % 2.
func (s *scanner) percent(i int) bool {
	if i >= len(s.text) || s.text[i] != '%' {
		return false
	}
	rest := strings.TrimLeft(s.text[i+1:], " \t\r\n")
	if rest == "" {
		return true
	}
	r, _ := utf8.DecodeRuneInString(rest)
	if isLetter(r) {
		word := s.wordEnd(len(s.text) - len(rest))
		return wordOperators[s.text[len(s.text)-len(rest):word]]
	}
	return !unicode.IsDigit(r) && !strings.ContainsRune("(.\"'`[", r)
}

// readNumber gives the value of a decimal number with a unit, or says what is wrong with it.
func readNumber(digits, suffix string) (value any, problem string) {
	switch {
	case suffix != "" && strings.Trim(suffix, "_0123456789") == "":
		return nil, "number " + digits + suffix + " has an underscore; write " + digits + strings.ReplaceAll(suffix, "_", "")
	case digits == "0" && suffix != "" && strings.IndexByte("xXbBoO", suffix[0]) >= 0 && len(suffix) > 1:
		return nil, "number " + digits + suffix + " is not decimal; write it in decimal"
	case len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9':
		return nil, "number " + digits + " begins with 0; write it without"
	case suffix == "":
		return plainNumber(digits)
	}
	for _, u := range units {
		if u.name == suffix || suffix == "KB" && u.name == "kB" || suffix == "µs" && u.name == "us" {
			return scaled(digits, u)
		}
	}
	if near := diag.Near(suffix, unitNames()); near != "" {
		return nil, `unit "` + suffix + `" is not known; did you mean "` + near + `"?`
	}
	return nil, `unit "` + suffix + `" is not known; there are ` + strings.Join(unitNames(), ", ")
}

// plainly writes a number that readNumber refuses in the way that it takes, if there is only one, else "".
func plainly(digits, suffix string) string {
	switch {
	case suffix != "" && strings.Trim(suffix, "_0123456789") == "":
		digits, suffix = digits+strings.ReplaceAll(suffix, "_", ""), ""
	case len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9':
		if digits = strings.TrimLeft(digits, "0"); digits == "" || digits[0] < '0' || digits[0] > '9' {
			digits = "0" + digits
		}
	default:
		if suffix = diag.NearOnly(suffix, unitNames()); suffix == "" {
			return ""
		}
	}
	if _, problem := readNumber(digits, suffix); problem != "" {
		return ""
	}
	return digits + suffix
}

func plainNumber(digits string) (value any, problem string) {
	if !strings.ContainsAny(digits, ".eE") {
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			return nil, "number " + digits + " is too large"
		}
		return n, ""
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return nil, "number " + digits + " is too large"
	}
	return f, ""
}

// scaled multiplies exactly, so that 1.1MB is 1100000 and 4% is the number written 0.04.
func scaled(digits string, u unit) (value any, problem string) {
	if f, err := strconv.ParseFloat(digits, 64); err != nil || f > 1e30 || f != 0 && f < 1e-30 {
		return nil, "number " + digits + u.name + " is out of range" // also keeps the exact arithmetic small
	}
	r, ok := new(big.Rat).SetString(digits)
	if !ok {
		return nil, "number " + digits + " cannot be read"
	}
	r.Mul(r, u.scale)
	if !u.whole {
		f, _ := r.Float64()
		return f, ""
	}
	if !r.IsInt() {
		return nil, digits + u.name + " is not a whole number of bytes"
	}
	if !r.Num().IsInt64() {
		return nil, "number " + digits + u.name + " is too large"
	}
	return r.Num().Int64(), ""
}
