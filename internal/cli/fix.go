package cli

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
)

// fixRounds bounds how often a recipe is read again to see whether what was fixed shows more that can be.
const fixRounds = 10

// fix makes the sure edits of a recipe's findings in its file and says on w what it did. Files that the recipe imports
// stay as they are: others may import them too.
func (s *session) fix(w io.Writer, path string, set []string) error {
	for range fixRounds {
		p, err := s.check(path, set)
		if err != nil {
			return err
		}
		text, done := fixed(p.source, p.report)
		p.Close()
		if bytes.Equal(text, p.source.Text) {
			return nil
		}
		if err := rewriteFile(path, p.source.Text, text); err != nil {
			return err
		}
		for _, d := range done {
			if err := writeFixed(w, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// fixed makes the sure edits of findings about a text. A finding that offers several ways leaves the choice to a person.
// Edits that together, or alone, would make the text worse YAML than it was are not made.
func fixed(src *diag.Source, list diag.List) (text []byte, done diag.List) {
	list.Sort()
	var can diag.List
	for _, d := range list {
		if len(d.Fixes) == 1 {
			can = append(can, d)
		}
	}
	before := wrongYAML(src.Text)
	if text, done = onlyFixes(src, can); wrongYAML(text) <= before {
		return text, done
	}
	var good diag.List
	for _, d := range can {
		more := append(good[:len(good):len(good)], d)
		if text, _ := onlyFixes(src, more); wrongYAML(text) <= before {
			good = more
		}
	}
	return onlyFixes(src, good)
}

// onlyFixes makes the only fix of each finding, and returns those whose fix was made.
func onlyFixes(src *diag.Source, list diag.List) (text []byte, done diag.List) {
	fixes := make([]diag.Fix, len(list))
	for i, d := range list {
		fixes[i] = d.Fixes[0]
	}
	text, made := diag.Apply(src, fixes)
	for i, d := range list {
		if made[i] {
			done = append(done, d)
		}
	}
	return text, done
}

// wrongYAML counts what is wrong with a text as YAML.
func wrongYAML(text []byte) int {
	var report diag.List
	syntax.Parse(&diag.Source{Text: text}, &report)
	return report.Count(diag.Error)
}

// writeFixed says what became of a finding whose fix was made:
//
//	fixed fashion.yaml:5:18: wrote magnitude for magnitud [unknown-value]
func writeFixed(w io.Writer, d diag.Diagnostic) error {
	for _, e := range d.Fixes[0].Edits {
		old, new := diag.Printable(strings.TrimSpace(e.Span.Text())), diag.Printable(strings.TrimSpace(e.New))
		did := fmt.Sprintf("wrote %s for %s", new, old)
		switch {
		case old == "":
			did = "added " + new
		case new == "":
			did = "removed " + old
		}
		if _, err := fmt.Fprintf(w, "fixed %s: %s [%s]\n", diag.Printable(e.Span.String()), did, d.Code); err != nil {
			return err
		}
	}
	return nil
}
