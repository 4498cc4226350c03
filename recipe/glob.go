package recipe

import (
	"fmt"
	"math/bits"
	"strings"
	"unicode/utf8"
)

// glob is a compiled pattern over whole layer names. Segments of a name are separated by . and by /.
//
//   - any text inside one segment      ?      one character, no separator
//     **      any text, across segments        [0-9]  one of a range; [!0-9] one that is not, and no separator
//     {a,b}   one of the patterns              \x     x itself
//
// A ** that makes up a whole segment may also stand for none: **.conv matches conv, a.**.b matches a.b.
//
// The pattern becomes a small machine that is run over the name with all its states side by side (Thompson 1968), so
// that no pattern takes more than pattern times name.
type glob struct {
	prog   []globOp
	prefix string   // what every match begins with
	whole  bool     // the prefix is the pattern
	suffix string   // what every match ends with
	reach  []uint64 // of a program of up to 64 operations: the places that one leads to without taking a character
}

type globOp struct {
	kind   globKind
	not    bool      // opClass: none of the ranges
	char   rune      // opChar
	ranges [][2]rune // opClass
	next   int       // opSplit, opJump: where to go on
	other  int       // opSplit: or here
}

type globKind uint8

const (
	opChar  globKind = iota // this character
	opInner                 // any character but a separator
	opAny                   // any character
	opClass                 // a character of a class
	opSplit                 // go on at both places
	opJump                  // go on elsewhere
	opMatch                 // the pattern is at its end
)

// globError is a fault of a pattern at its bytes [at:end].
type globError struct {
	at, end int
	message string
}

func (e *globError) Error() string { return e.message }

func compileGlob(pattern string) (*glob, *globError) {
	c := globCompiler{text: pattern, begins: true, prog: make([]globOp, 0, len(pattern)+8)}
	if err := c.sequence(0, ""); err != nil {
		return nil, err
	}
	c.emit(globOp{kind: opMatch})
	g := &glob{prog: c.prog, reach: reach(c.prog)}
	g.prefix, g.whole = c.literalPrefix()
	if !strings.ContainsAny(pattern, `{}\`) {
		g.suffix = pattern[strings.LastIndexAny(pattern, "*?]")+1:]
		if i := strings.LastIndex(pattern, "**"); i >= 0 && i+2 < len(pattern) && len(g.suffix) == len(pattern)-i-2 {
			g.suffix = g.suffix[1:] // the separator after ** may be absent
		}
	}
	return g, nil
}

type globCompiler struct {
	text   string
	at     int
	prog   []globOp
	begins bool // what comes next begins a segment
}

func (c *globCompiler) emit(op globOp) int {
	c.prog = append(c.prog, op)
	return len(c.prog) - 1
}

// deepestBraces bounds the recursion of the compiler.
const deepestBraces = 8

// sequence compiles up to the end or to one of the stop characters, which it leaves. depth counts open braces.
func (c *globCompiler) sequence(depth int, stop string) *globError {
	for c.at < len(c.text) {
		r, size := utf8.DecodeRuneInString(c.text[c.at:])
		if strings.ContainsRune(stop, r) {
			return nil
		}
		var err *globError
		begins := c.begins
		c.begins = false
		switch r {
		case '*':
			c.star(begins)
			continue
		case '?':
			c.emit(globOp{kind: opInner})
		case '[':
			err = c.class()
			if err != nil {
				return err
			}
			continue
		case '{':
			if err = c.braces(depth+1, begins); err != nil {
				return err
			}
			continue
		case '}', ']':
			return &globError{c.at, c.at + 1, fmt.Sprintf("%c closes nothing; write \\%c for the character itself", r, r)}
		case '\\':
			if c.at+1 == len(c.text) {
				return &globError{c.at, c.at + 1, `\ stands before nothing; write \\ for the character itself`}
			}
			c.at++
			r, size = utf8.DecodeRuneInString(c.text[c.at:])
			c.literal(r)
		default:
			c.literal(r)
		}
		c.at += size
	}
	return nil
}

func isSeparator(r rune) bool { return r == '.' || r == '/' }

func (c *globCompiler) literal(r rune) {
	c.emit(globOp{kind: opChar, char: r})
	c.begins = isSeparator(r)
}

// star compiles * and **. A ** that is a whole segment, with a separator after it, may match nothing at all together
// with that separator.
func (c *globCompiler) star(begins bool) {
	start := c.at
	for c.at < len(c.text) && c.text[c.at] == '*' {
		c.at++
	}
	loop := len(c.prog)
	if c.at-start == 1 {
		c.loop(opInner)
		return
	}
	if !begins || c.at == len(c.text) || !isSeparator(rune(c.text[c.at])) {
		c.loop(opAny)
		return
	}
	c.emit(globOp{kind: opSplit, next: loop + 1})
	c.loop(opAny)
	c.literal(rune(c.text[c.at]))
	c.at++
	c.prog[loop].other = len(c.prog)
}

// loop compiles any number of one character kind.
func (c *globCompiler) loop(kind globKind) {
	at := c.emit(globOp{kind: opSplit})
	c.emit(globOp{kind: kind})
	c.emit(globOp{kind: opJump, next: at})
	c.prog[at].next, c.prog[at].other = at+1, len(c.prog)
}

// class compiles [a-z], [!a-z].
func (c *globCompiler) class() *globError {
	start := c.at
	op := globOp{kind: opClass}
	c.at++
	if c.at < len(c.text) && (c.text[c.at] == '!' || c.text[c.at] == '^') {
		op.not = true
		c.at++
	}
	for {
		lo, escaped, ok := c.classRune()
		if !ok {
			return &globError{start, len(c.text), `[ is not closed; write \[ for the character itself`}
		}
		if lo == ']' && !escaped {
			if len(op.ranges) == 0 {
				return &globError{start, c.at, "the class in [ ] is empty"}
			}
			c.emit(op)
			return nil
		}
		hi := lo
		if rest := c.text[c.at:]; len(rest) > 1 && rest[0] == '-' && rest[1] != ']' {
			from := c.at
			c.at++
			if hi, _, ok = c.classRune(); !ok {
				return &globError{start, len(c.text), `[ is not closed; write \[ for the character itself`}
			}
			if hi < lo {
				return &globError{from - utf8.RuneLen(lo), c.at, fmt.Sprintf("the range %c-%c runs backwards", lo, hi)}
			}
		}
		op.ranges = append(op.ranges, [2]rune{lo, hi})
	}
}

// classRune takes one character of a class.
func (c *globCompiler) classRune() (r rune, escaped, ok bool) {
	if c.at < len(c.text) && c.text[c.at] == '\\' {
		escaped = true
		c.at++
	}
	if c.at >= len(c.text) {
		return 0, escaped, false
	}
	r, size := utf8.DecodeRuneInString(c.text[c.at:])
	c.at += size
	return r, escaped, true
}

// braces compiles {a,b}: a chain of splits, each alternative jumping to the end.
func (c *globCompiler) braces(depth int, begins bool) *globError {
	start := c.at
	if depth > deepestBraces {
		return &globError{start, start + 1, fmt.Sprintf("braces are nested more than %d deep", deepestBraces)}
	}
	c.at++
	var jumps []int
	for {
		c.begins = begins
		split := c.emit(globOp{kind: opSplit, next: len(c.prog) + 1})
		if err := c.sequence(depth, ",}"); err != nil {
			return err
		}
		if c.at == len(c.text) {
			return &globError{start, len(c.text), `{ is not closed; write \{ for the character itself`}
		}
		end := c.text[c.at] == '}'
		c.at++
		c.begins = false
		jumps = append(jumps, c.emit(globOp{kind: opJump}))
		if end {
			c.prog[split] = globOp{kind: opJump, next: split + 1} // the last alternative has no other
			break
		}
		c.prog[split].other = len(c.prog)
	}
	for _, j := range jumps {
		c.prog[j].next = len(c.prog)
	}
	return nil
}

// literalPrefix returns the characters that every match begins with, and whether they are the whole pattern.
func (c *globCompiler) literalPrefix() (string, bool) {
	var b strings.Builder
	for _, op := range c.prog {
		if op.kind != opChar {
			return b.String(), op.kind == opMatch
		}
		b.WriteRune(op.char)
	}
	return b.String(), false
}

// match tells whether the pattern matches the whole name.
func (g *glob) match(name string) bool {
	if !strings.HasPrefix(name, g.prefix) || !strings.HasSuffix(name, g.suffix) {
		return false
	}
	if g.whole {
		return len(name) == len(g.prefix)
	}
	if g.reach == nil {
		return g.matchLong(name)
	}
	now := g.reach[0]
	for _, r := range name {
		var next uint64
		for ; now != 0; now &= now - 1 {
			if at := bits.TrailingZeros64(now); g.prog[at].takes(r) {
				next |= g.reach[at+1]
			}
		}
		if next == 0 {
			return false
		}
		now = next
	}
	return now>>(len(g.prog)-1) != 0
}

// reach computes glob.reach; it is nil for a longer program.
func reach(prog []globOp) []uint64 {
	if len(prog) > 64 {
		return nil
	}
	out := make([]uint64, len(prog))
	for at := range prog {
		s := newStates(len(prog))
		s.add(prog, at)
		for _, to := range s.list {
			out[at] |= 1 << to
		}
	}
	return out
}

// matchLong is match for programs of any length.
func (g *glob) matchLong(name string) bool {
	now, next := newStates(len(g.prog)), newStates(len(g.prog))
	now.add(g.prog, 0)
	for _, r := range name {
		next.clear()
		for _, at := range now.list {
			if g.prog[at].takes(r) {
				next.add(g.prog, at+1)
			}
		}
		if len(next.list) == 0 {
			return false
		}
		now, next = next, now
	}
	return now.has(len(g.prog) - 1)
}

func (op *globOp) takes(r rune) bool {
	switch op.kind {
	case opChar:
		return r == op.char
	case opInner:
		return !isSeparator(r)
	case opAny:
		return true
	case opClass:
		for _, x := range op.ranges {
			if x[0] <= r && r <= x[1] {
				return !op.not
			}
		}
		return op.not && !isSeparator(r)
	}
	return false
}

// states is a set of places in a program; adding one follows its jumps and splits.
type states struct {
	list []int
	in   []bool
	todo []int
}

func newStates(n int) *states { return &states{in: make([]bool, n)} }

func (s *states) has(at int) bool { return s.in[at] }

func (s *states) clear() {
	clear(s.in)
	s.list = s.list[:0]
}

func (s *states) add(prog []globOp, at int) {
	s.todo = append(s.todo[:0], at)
	for len(s.todo) > 0 {
		at := s.todo[len(s.todo)-1]
		s.todo = s.todo[:len(s.todo)-1]
		if s.in[at] {
			continue
		}
		s.in[at] = true
		switch op := prog[at]; op.kind {
		case opJump:
			s.todo = append(s.todo, op.next)
		case opSplit:
			s.todo = append(s.todo, op.other, op.next)
		default:
			s.list = append(s.list, at)
		}
	}
}
