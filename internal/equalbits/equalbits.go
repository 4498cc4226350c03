// Package equalbits checks that the product's arithmetic gives the same bits on every processor and in every run, as far
// as that shows in its source. It knows no other package of the product.
//
// Go may compute a·b + c with one rounding instead of two where the processor can; it does so on arm64 and with
// GOAMD64=v3 and not with v1. Only an explicit conversion of the product, float32(a*b) + c, forbids it: neither
// parentheses nor a variable in between do ("The Go Programming Language Specification", Floating-point operators).
// Functions such as math.Exp have assembly on some processors alone, with other last bits. And the order of a map
// differs from run to run.
//
// Check finds these in source. Compiled looks for fused instructions in what the compiler makes of it.
// A line that is right as it is says why: //equalbits:ok REASON, on the line or above it.
package equalbits

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// Finding is one line that may give other bits elsewhere.
type Finding struct {
	Pos     token.Position
	Message string
}

// String gives the finding as compilers print theirs.
func (f Finding) String() string {
	return fmt.Sprintf("%s:%d:%d: %s", f.Pos.Filename, f.Pos.Line, f.Pos.Column, f.Message)
}

// Check returns what is found in packages, in the order of files and lines. Products are followed through variables,
// arguments and results of all of them, so they are checked together.
func Check(p *Program) []Finding {
	c := &checker{program: p, used: map[*mark]bool{}}
	c.readMarks()
	c.fused()
	for _, pkg := range p.Packages {
		c.functions(pkg)
		c.maps(pkg)
	}
	for _, m := range c.marks {
		switch {
		case m.reason == "":
			c.findings = append(c.findings, Finding{m.pos, "say why this line is right: " + marker + " REASON"})
		case !c.used[m]:
			c.findings = append(c.findings, Finding{m.pos, "nothing is found on this line: remove the mark"})
		}
	}
	slices.SortFunc(c.findings, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.Pos.Filename, b.Pos.Filename), a.Pos.Line-b.Pos.Line, a.Pos.Column-b.Pos.Column,
			strings.Compare(a.Message, b.Message))
	})
	return slices.Compact(c.findings)
}

type checker struct {
	program  *Program
	marks    []*mark
	used     map[*mark]bool
	findings []Finding
}

const marker = "//equalbits:ok"

// mark is a comment that allows what is found on its line, or on the next if it has a line of its own.
type mark struct {
	pos    token.Position
	reason string
}

func (c *checker) readMarks() {
	c.program.each(func(_ *Package, f *ast.File) {
		for _, group := range f.Comments {
			for _, comment := range group.List {
				if reason, ok := strings.CutPrefix(comment.Text, marker); ok {
					reason, _, _ = strings.Cut(reason, "//")
					c.marks = append(c.marks, &mark{c.program.Fset.Position(comment.Pos()), strings.TrimSpace(reason)})
				}
			}
		}
	})
}

func (c *checker) find(at token.Pos, format string, args ...any) {
	pos := c.program.Fset.Position(at)
	for _, m := range c.marks {
		if m.pos.Filename == pos.Filename && (m.pos.Line == pos.Line || m.pos.Line == pos.Line-1) {
			c.used[m] = true
			return
		}
	}
	c.findings = append(c.findings, Finding{pos, fmt.Sprintf(format, args...)})
}
