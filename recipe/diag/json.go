package diag

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"
)

// place is where something stands, in the JSON form. Lines and columns count from 1, columns in runes; the end is the
// place just after the last rune; start and end are bytes.
type place struct {
	File      string `json:"file"`
	Line      int    `json:"line"`
	Column    int    `json:"column"`
	EndLine   int    `json:"end_line"`
	EndColumn int    `json:"end_column"`
	Start     int    `json:"start"`
	End       int    `json:"end"`
}

type jsonFinding struct {
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Message  string `json:"message"`
	Subject  string `json:"subject,omitempty"`
	*place
	Related []jsonRelated `json:"related,omitempty"`
	Fixes   []jsonFix     `json:"fixes,omitempty"`
}

type jsonRelated struct {
	Message string `json:"message"`
	*place
}

type jsonFix struct {
	Message string     `json:"message"`
	Edits   []jsonEdit `json:"edits"`
}

type jsonEdit struct {
	*place
	New string `json:"new"`
}

// WriteJSON writes one JSON object a line and finding. The names are stable:
//
//	severity    error, warning or note
//	code        the finding's kebab-case code
//	message     what was found and what would do
//	subject     what it is about, where that is not the text; left out if empty
//	file        name of the source; this and the next six are left out if the finding has no place
//	line, column, end_line, end_column   from 1; columns in runes; the end is the place just after the last rune
//	start, end  the same in bytes from 0
//	related     more places: message and the place's fields
//	fixes       sure edits: message and edits, each with the place's fields and new, the text to put there
func WriteJSON(w io.Writer, list List) error {
	var b bytes.Buffer
	for _, d := range list {
		line, err := json.Marshal(jsonForm(d))
		if err != nil {
			return fmt.Errorf("encode finding %s: %w", d.Code, err)
		}
		writeASCIIControls(&b, line)
		b.WriteByte('\n')
	}
	_, err := w.Write(b.Bytes())
	return err
}

func jsonForm(d Diagnostic) jsonFinding {
	f := jsonFinding{
		Severity: d.Severity.String(),
		Code:     d.Code,
		Message:  d.Message,
		Subject:  d.Subject,
		place:    placeOf(d.Span),
	}
	for _, r := range d.Related {
		f.Related = append(f.Related, jsonRelated{Message: r.Message, place: placeOf(r.Span)})
	}
	for _, fix := range d.Fixes {
		out := jsonFix{Message: fix.Message, Edits: []jsonEdit{}}
		for _, e := range fix.Edits {
			out.Edits = append(out.Edits, jsonEdit{place: placeOf(e.Span), New: e.New})
		}
		f.Fixes = append(f.Fixes, out)
	}
	return f
}

func placeOf(s Span) *place {
	if s.Source == nil {
		return nil
	}
	p := &place{File: s.Source.Name}
	p.Start, p.End = s.bounds()
	p.Line, p.Column = s.Source.Position(p.Start)
	p.EndLine, p.EndColumn = s.Source.Position(p.End)
	return p
}

// writeASCIIControls copies JSON and writes what a terminal must not see as \u escapes: changes of writing direction, C1
// controls, invisible characters. Such runes stand only inside JSON strings, where the escape means the same.
func writeASCIIControls(b *bytes.Buffer, text []byte) {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case unicode.IsPrint(r):
			b.Write(text[i : i+size])
		case r < 0x10000:
			fmt.Fprintf(b, `\u%04x`, r)
		default:
			r -= 0x10000
			fmt.Fprintf(b, `\u%04x\u%04x`, 0xd800+(r>>10), 0xdc00+(r&0x3ff))
		}
		i += size
	}
}
