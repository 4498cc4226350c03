package diag

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// WriteGitHub writes findings as the workflow commands that GitHub Actions shows as annotations beside the lines of a
// pull request, one a line:
//
//	::error file=recipes/fashion.yaml,line=14,col=15,endColumn=24,title=unknown-fact::layer has no fact "bit"
//
// Lines and columns count from 1, columns in runes; endColumn is the column just after the last rune. GitHub takes
// columns only for places within one line; of a longer place endLine is given instead. A note becomes a notice.
func WriteGitHub(w io.Writer, list List) error {
	var b bytes.Buffer
	for _, d := range list {
		b.WriteString("::" + command(d.Severity) + " ")
		for _, p := range gitHubProperties(d) {
			b.WriteString(p.name + "=" + escapeProperty(p.value) + ",")
		}
		fmt.Fprintf(&b, "title=%s::%s\n", escapeProperty(d.Code), escapeData(gitHubMessage(d)))
	}
	_, err := w.Write(b.Bytes())
	return err
}

func command(s Severity) string {
	if s == Note {
		return "notice"
	}
	return s.String()
}

type property struct{ name, value string }

// gitHubProperties says where a finding is. A text that is no file, such as --set on the command line, has no place that
// GitHub could show.
func gitHubProperties(d Diagnostic) []property {
	if !d.Span.isFile() {
		return nil
	}
	src := d.Span.Source
	start, end := d.Span.bounds()
	line, column := src.Position(start)
	endLine, endColumn := src.Position(end)
	list := []property{{"file", slashed(src.Name)}, {"line", fmt.Sprint(line)}}
	if endLine > line {
		return append(list, property{"endLine", fmt.Sprint(endLine)})
	}
	return append(list, property{"col", fmt.Sprint(column)}, property{"endColumn", fmt.Sprint(endColumn)})
}

// gitHubMessage is what an annotation says, with further places on lines of their own.
func gitHubMessage(d Diagnostic) string {
	lines := []string{Printable(message(d))}
	for _, r := range d.Related {
		line := Printable(r.Message)
		if at := r.Span.String(); at != "" {
			line = Printable(at) + ": " + line
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// message of a finding with what it is about.
func message(d Diagnostic) string {
	if d.Subject != "" {
		return d.Subject + ": " + d.Message
	}
	return d.Message
}

var (
	dataEscapes     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// escapeData and escapeProperty write what would end a command, or one of its properties, as GitHub's runner reads it.
func escapeData(s string) string     { return dataEscapes.Replace(s) }
func escapeProperty(s string) string { return propertyEscapes.Replace(s) }

// isFile tells whether a span is in a file. Other texts have a name that no file is called by: --set, <stdin>.
func (s Span) isFile() bool {
	return s.Source != nil && s.Source.Name != "" && s.Source.Name[0] != '-' && s.Source.Name[0] != '<'
}

// slashed is a file name as it stands in an address or a repository.
func slashed(name string) string {
	return strings.TrimPrefix(strings.ReplaceAll(name, `\`, "/"), "./")
}
