package syntax

import (
	"bytes"
	"sort"
	"strconv"
	"strings"

	"github.com/pare-ml/pare/internal/lazyregexp"
	"github.com/pare-ml/pare/recipe/diag"
	"gopkg.in/yaml.v3"
)

// The library stops at its first syntax error and says a line, not always the right one, and what it expected in terms
// of its own machinery. Here the lexer's tokens are searched for the slip that people make to get that error; what is
// found is told with its place. Then the section of the text that holds it is blanked and the rest is read again, so
// that three slips in three steps are three findings in one run.

// maxRounds bounds how many syntax errors one run reports.
const maxRounds = 10

// maxReread bounds the bytes that the library is given again for the sake of better findings.
const maxReread = 4 << 20

// complaint is a syntax error on its way to a finding.
type complaint struct {
	src     *diag.Source
	text    []byte // the user's, with what an earlier complaint was about blanked
	shown   []byte // what the library read
	words   *lexer
	problem string // in the library's words
	line    int    // by the library, from 1; 0 if it said none
	parser  bool   // the library's parser found it, whose lines are off
	left    *int   // of maxReread
	found   int    // problemLine, once it is known
	lines   lineTable
	reach   []int32 // by token: the last token that a bracket before it closes with
}

// complain reports every syntax error it can find, beginning with err, and then what is wrong with the rest.
func complain(src *diag.Source, text []byte, words *lexer, masks []mask, err error, report *diag.List) {
	text = bytes.Clone(text)
	var document *yaml.Node
	left := maxReread
	for round := 0; err != nil; round++ {
		c := newComplaint(src, text, words, masks, err)
		c.left = &left
		finding, sure := c.finding()
		if round > 0 && (!sure || strings.HasPrefix(c.problem, "unknown anchor")) {
			return // perhaps only a consequence of what was blanked
		}
		report.Add(finding)
		if round == maxRounds || left < len(text) || !c.blankSection(finding.Span.Start) {
			return
		}
		left -= len(text)
		words = lex(text)
		masks = words.masks
		document, _, err = load(hide(text, masks))
	}
	if document == nil {
		return
	}
	var found diag.List
	newWalk(src, text, hide(text, masks), words, masks, &found).document(document)
	for _, d := range trim(found, nil) {
		if d.Code != "yaml-empty" {
			report.Add(d)
		}
	}
}

// libraryError takes the library's messages apart: yaml: line 3: did not find expected key.
var libraryError = lazyregexp.New(`(?s)^yaml: (?:line (\d+): )?(.*)$`)

// parserProblems begin the messages of the library's parser. Its scanner counts lines right.
var parserProblems = []string{
	"did not find expected <", "did not find expected node content", "did not find expected '-'", "did not find expected key",
	"did not find expected ',' or", "found undefined tag handle",
}

func newComplaint(src *diag.Source, text []byte, words *lexer, masks []mask, err error) *complaint {
	c := &complaint{src: src, text: text, shown: hide(text, masks), words: words, problem: err.Error(), lines: newLineTable(text)}
	if m := libraryError.FindStringSubmatch(err.Error()); m != nil {
		c.line, _ = strconv.Atoi(m[1])
		c.problem = m[2]
	}
	for _, p := range parserProblems {
		c.parser = c.parser || strings.HasPrefix(c.problem, p)
	}
	if c.line == 0 && !c.parser {
		c.line = 1
	}
	return c
}

// finding words the complaint. It is not sure if nothing better than the library's words could be said.
func (c *complaint) finding() (d diag.Diagnostic, sure bool) {
	for _, look := range looks {
		if look.problem.MatchString(c.problem) {
			if d, ok := look.at(c); ok {
				d.Severity = diag.Error
				if d.Code == "" {
					d.Code = "yaml-syntax"
				}
				return d, true
			}
		}
	}
	line := c.line
	if c.parser {
		line = c.problemLine()
	}
	return diag.Diagnostic{
		Severity: diag.Error, Code: "yaml-syntax", Span: c.lineSpan(line),
		Message: "this is not YAML here: " + diag.Printable(c.problem),
	}, false
}

// look is a way to find the slip behind some of the library's problems. Those that are tried first are listed first.
type look struct {
	problem *lazyregexp.Regexp
	at      func(c *complaint) (diag.Diagnostic, bool)
}

var looks = []look{
	{lazyregexp.New(`^exceeded max depth`), (*complaint).tooDeep},
	{lazyregexp.New(`^unknown anchor`), (*complaint).unknownAnchor},
	{lazyregexp.New(`^did not find expected alphabetic`), (*complaint).badAlias},
	{lazyregexp.New(`tag|^did not find (the )?expected '[!>]'|^did not find URI|^found an incorrect .* octet`), (*complaint).badTag},
	{lazyregexp.New(`^found unexpected (end of stream|document indicator)`), (*complaint).openQuote},
	{lazyregexp.New(`escape|hexdecimal`), (*complaint).badEscape},
	{lazyregexp.New(`tab character|^found character that cannot start`), (*complaint).tab},
	{lazyregexp.New(`^found character that cannot start`), (*complaint).strange},
	{lazyregexp.New(`^did not find expected comment or line break|^found an indentation indicator`), (*complaint).blockHeader},
	{lazyregexp.New(`.`), (*complaint).lateQuote},
	{lazyregexp.New(`^did not find expected key`), (*complaint).missingKey},
	{lazyregexp.New(`^did not find expected`), (*complaint).bracket},
	{lazyregexp.New(`^mapping (values|keys) are not allowed`), (*complaint).secondColon},
	{lazyregexp.New(`^block sequence entries`), (*complaint).dashBehind},
	{lazyregexp.New(`^could not find expected ':'`), (*complaint).missingColon},
	{lazyregexp.New(`^did not find expected`), (*complaint).behindValue},
	{lazyregexp.New(`^did not find expected`), (*complaint).indentation},
}

// lineStart returns the offset of a line, from 1; behind the last one, the end of the text.
func (c *complaint) lineStart(line int) int {
	if line > len(c.lines.starts) {
		return len(c.text)
	}
	return c.lines.starts[max(line, 1)-1]
}

// lineSpan is a line without the blanks round it.
func (c *complaint) lineSpan(line int) diag.Span {
	start := c.lineStart(line)
	for start < len(c.text) && isBlank(c.text[start]) {
		start++
	}
	end := start
	for i := start; i < len(c.text) && !isBreak(c.text[i]); i++ {
		if !isBlank(c.text[i]) {
			end = i + 1
		}
	}
	return spanAt(c.src, start, end)
}

func (c *complaint) lineOf(offset int) int { return c.lines.number(offset) }

// on returns the tokens that begin in a line.
func (c *complaint) on(line int) []token {
	tokens, start, end := c.words.tokens, c.lineStart(line), c.lineStart(line+1)
	from := sort.Search(len(tokens), func(i int) bool { return tokens[i].start >= start })
	to := sort.Search(len(tokens), func(i int) bool { return tokens[i].start >= end })
	return tokens[from:to]
}

func (c *complaint) span(t token) diag.Span { return spanAt(c.src, t.start, t.end) }

func (c *complaint) word(t token) string { return string(c.text[t.start:t.end]) }

// problemLine finds the line in which the parser's problem shows: the shortest beginning of the text, in whole lines,
// that has the same problem.
func (c *complaint) problemLine() int {
	if c.found > 0 {
		return c.found
	}
	low, high := 1, c.lineOf(len(c.text)) // the problem is not there before low, and is there with high
	for low < high {
		middle := (low + high) / 2
		if *c.left -= c.lineStart(middle + 1); *c.left < 0 {
			return min(c.line+1, high)
		}
		if c.brokenBefore(c.lineStart(middle + 1)) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	c.found = low
	return low
}

func (c *complaint) brokenBefore(end int) bool {
	_, _, err := load(c.shown[:end])
	if err == nil {
		return false
	}
	m := libraryError.FindStringSubmatch(err.Error())
	return m != nil && m[2] == c.problem
}

// blankSection overwrites the part of the text round an offset with blanks: from the line at or before it that begins
// without indentation up to the next such line. It reports whether there was anything to overwrite.
func (c *complaint) blankSection(offset int) bool {
	text := c.text
	line := c.lineOf(offset)
	for line > 1 && !c.beginsSection(c.lineStart(line)) {
		line--
	}
	start, end := c.lineStart(line), len(text)
	item := start < len(text) && text[start] == '-'
	for line++; line <= len(c.lines.starts); line++ {
		// The items of a list may stand under their key without indentation.
		if i := c.lineStart(line); i > offset && c.beginsSection(i) && (item || text[i] != '-') {
			end = i
			break
		}
	}
	changed := false
	for i := start; i < end; i++ {
		if !isSpace(text[i]) {
			text[i] = ' '
			changed = true
		}
	}
	return changed
}

// beginsSection tells whether a line that begins at i does so without indentation and outside of brackets.
func (c *complaint) beginsSection(i int) bool {
	if i >= len(c.text) || isSpace(c.text[i]) || c.text[i] == '#' {
		return false
	}
	tokens := c.words.tokens
	k := sort.Search(len(tokens), func(k int) bool { return tokens[k].start >= i })
	return k < len(tokens) && tokens[k].start == i && !c.bracketed(k)
}

// bracketed tells whether token k stands inside a pair of brackets, or closes one. A bracket that is never closed has
// nothing inside: it is the slip, and what follows it is not.
func (c *complaint) bracketed(k int) bool {
	if c.reach == nil {
		c.reach = make([]int32, len(c.words.tokens)+1)
		for i, t := range c.words.tokens {
			c.reach[i+1] = c.reach[i]
			if t.kind == openToken {
				c.reach[i+1] = max(c.reach[i], t.mate)
			}
		}
	}
	return int(c.reach[k]) >= k && k > 0
}
