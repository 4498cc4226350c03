package condition

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"

	"github.com/pare-ml/pare/internal/lazyregexp"
)

// parse hands the prepared source to expr's parser and words its errors.
func (c *compiler) parse(source string) (root ast.Node) {
	tree, err := parseSource(source)
	if err == nil {
		return tree.Node
	}
	var at *file.Error
	if !errors.As(err, &at) {
		c.fail(0, len(c.text), "condition-syntax", "%s cannot be read", c.what)
		return nil
	}
	c.syntaxError(at)
	return nil
}

// parseSource shields from panics of the parser.
func parseSource(source string) (tree *parser.Tree, err error) {
	defer func() {
		if p := recover(); p != nil {
			tree, err = nil, fmt.Errorf("expr: %v", p)
		}
	}()
	return parser.Parse(source)
}

// offset turns a rune index of expr into a byte offset of the text.
func (c *compiler) offset(rune int) int { return c.runes[min(max(rune, 0), len(c.runes)-1)] }

// meant says what to write for a slip, where there is one way.
var meant = map[string][]string{
	"=": {"=="}, "===": {"=="}, "<>": {"!="}, "=>": {">="}, "=<": {"<="}, "=~": {"matches"}, "~=": {"matches"},
	"AND": {"and"}, "OR": {"or"}, "NOT": {"not"}, "IN": {"in"}, "is": {"=="},
}

// slips are signs that other languages write where this one writes something else.
var slips = map[string]string{
	"=":    "= does not compare; write ==",
	"===":  "=== is no operator; write ==",
	"<>":   "<> is no operator; write !=",
	"=>":   "=> is no operator; write >=",
	"=<":   "=< is no operator; write <=",
	"=~":   "=~ is no operator; write matches",
	"~=":   "~= is no operator; write matches",
	"&":    "& is no operator; write && or and",
	"AND":  "AND is no operator; write && or and",
	"OR":   "OR is no operator; write || or or",
	"NOT":  "NOT is no operator; write ! or not",
	"IN":   "IN is no operator; write in",
	"is":   "\"is\" is no operator; write ==",
	"like": "\"like\" is no operator; write contains or matches",
}

// unexpected picks the token out of an error of the parser: unexpected token Operator("=").
var unexpected = lazyregexp.New(`^unexpected token (?:EOF|[A-Za-z]+\(("(?:[^"\\]|\\.)*")\))`)

func (c *compiler) syntaxError(at *file.Error) {
	start, end := c.offset(at.From), c.offset(at.To)
	end = max(end, start)
	word := c.text[start:end]
	if sign := c.sign(start); slips[sign.word] != "" {
		c.fail(sign.start, sign.end, "condition-syntax", "%s", slips[sign.word])
		c.rename(sign.start, sign.end, sign.word, meant[sign.word])
		return
	}
	switch {
	case strings.HasPrefix(at.Message, "unexpected token EOF"), strings.HasPrefix(at.Message, "unexpected end"):
		end := len(strings.TrimRight(c.text, " \t\r\n"))
		c.fail(end, end, "condition-syntax", "%s ends here, but something must follow %s", c.what, c.lastWord(end))
	case slips[word] != "":
		c.fail(start, end, "condition-syntax", "%s", slips[word])
		c.rename(start, end, word, meant[word])
	case unexpected.MatchString(at.Message):
		c.fail(start, end, "condition-syntax", "%s cannot stand here%s", word, c.after(start))
	case strings.HasPrefix(at.Message, "unrecognized character"):
		c.fail(start, end, "condition-syntax", "%s has no meaning here", word)
	case at.Message == "expected name":
		dot := max(strings.LastIndexByte(c.text[:start], '.'), 0)
		c.fail(dot, dot+1, "condition-syntax", "after the dot must follow the name of a fact, as in layer.params")
	default:
		c.fail(start, end, "condition-syntax", "%s cannot be read from here: %s", c.what, at.Message)
	}
}

type sign struct {
	word       string
	start, end int
}

// sign returns the whole run of operator signs round an offset.
func (c *compiler) sign(at int) sign {
	isSign := func(i int) bool { return i >= 0 && i < len(c.text) && strings.IndexByte("=<>~&|!", c.text[i]) >= 0 }
	start, end := at, at
	for isSign(start - 1) {
		start--
	}
	for isSign(end) {
		end++
	}
	return sign{c.text[start:end], start, end}
}

// lastWord is what stands before an offset: a name, a number, a sign.
func (c *compiler) lastWord(end int) string {
	before := strings.TrimRight(c.text[:end], " \t\r\n")
	word := strings.TrimRightFunc(before, func(r rune) bool { return isLetter(r) || unicode.IsDigit(r) || r == '.' })
	if len(word) == len(before) {
		word = strings.TrimRight(before, "=<>~&|!*")
	}
	switch {
	case before == "":
		return "the beginning"
	case strings.HasSuffix(before, `"`), strings.HasSuffix(before, "'"), strings.HasSuffix(before, "`"):
		return "the string"
	case len(word) == len(before):
		_, size := utf8.DecodeLastRuneInString(before)
		return before[len(before)-size:]
	}
	return before[len(word):]
}

// after says behind what an unexpected word stands.
func (c *compiler) after(start int) string {
	before := strings.TrimRight(c.text[:start], " \t\r\n")
	if before == "" {
		return "; first comes a fact or a value"
	}
	last := before[len(before)-1]
	if strings.IndexByte("=<>+-*/%&|!,([", last) >= 0 {
		return "; after " + c.lastWord(len(before)) + " must follow a fact or a value"
	}
	return "; after " + c.lastWord(len(before)) + " may follow an operator such as ==, > or &&"
}
