// Package diag holds the one type in which pare says something about a text: the finding. A finding is a value with a
// place, not an error: "your text is wrong here" is a Diagnostic, "the machine failed" is a Go error.
//
// Offsets are bytes everywhere inside; lines and columns appear only when a finding is printed.
package diag

import (
	"fmt"
	"sync"
)

// Source is one text that findings point into. It must not change once a Span refers to it.
type Source struct {
	Name string // as the user named it, for example recipes/fashion.yaml
	Text []byte

	once  sync.Once
	lines []int // offset of each line's first byte, built by the first Position
}

// Span is a range of bytes of a source: Text[Start:End]. The zero Span points nowhere.
type Span struct {
	Source     *Source
	Start, End int
}

// Severity of a finding, by the rules of docs/recipe.md: what contradicts a rule or could not run is an Error, what is
// legal but likely not meant is a Warning, what is only worth knowing is a Note.
type Severity uint8

const (
	Note Severity = iota
	Warning
	Error
)

// String returns note, warning or error.
func (s Severity) String() string {
	switch s {
	case Note:
		return "note"
	case Warning:
		return "warning"
	}
	return "error"
}

// Diagnostic is one finding.
type Diagnostic struct {
	Severity Severity
	Code     string // stable, kebab-case, documented in docs/checks.md: "selector-matches-nothing"
	Span     Span   // the smallest wrong thing
	Subject  string // what it is about, where that is not the text itself: "layer block2.conv1"; may be empty
	Message  string // what was found and what would do: "sparsity is 1.5; it must lie between 0 and 1"
	Related  []Related
	Fixes    []Fix
}

// Related is a second place that explains a finding: the other of two overrides that fight, say.
type Related struct {
	Span    Span
	Message string
}

// Fix is a sure edit that removes the finding.
type Fix struct {
	Message string
	Edits   []Edit
}

// Edit replaces the bytes of Span by New.
type Edit struct {
	Span Span
	New  string
}

// List is a growing list of findings. The zero List is ready. A nil *List drops what it is given.
type List []Diagnostic

// Add appends d. A nil list drops it.
func (l *List) Add(d Diagnostic) {
	if l != nil {
		*l = append(*l, d)
	}
}

// Errorf reports an error at span.
func (l *List) Errorf(span Span, code, format string, args ...any) {
	l.Add(Diagnostic{Severity: Error, Code: code, Span: span, Message: fmt.Sprintf(format, args...)})
}

// Warningf reports a warning at span.
func (l *List) Warningf(span Span, code, format string, args ...any) {
	l.Add(Diagnostic{Severity: Warning, Code: code, Span: span, Message: fmt.Sprintf(format, args...)})
}

// Notef reports a note at span.
func (l *List) Notef(span Span, code, format string, args ...any) {
	l.Add(Diagnostic{Severity: Note, Code: code, Span: span, Message: fmt.Sprintf(format, args...)})
}

// Fix gives the finding that was added last the edits that remove it; each of them alone does.
func (l *List) Fix(fixes []Fix) {
	if l != nil && len(*l) > 0 {
		(*l)[len(*l)-1].Fixes = fixes
	}
}

// Count returns how many findings of exactly this severity the list holds.
func (l List) Count(s Severity) int {
	n := 0
	for _, d := range l {
		if d.Severity == s {
			n++
		}
	}
	return n
}

// HasErrors tells whether any finding is an error.
func (l List) HasErrors() bool { return l.Count(Error) > 0 }
