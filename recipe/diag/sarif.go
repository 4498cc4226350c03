package diag

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
)

// SARIFOptions says what a log tells about the tool.
type SARIFOptions struct {
	Version  string                   // of pare
	Describe func(code string) string // what a finding's code stands for, in a sentence; "" or nil: the code's own words
}

const (
	homePage   = "https://github.com/pare-ml/pare"
	checksPage = homePage + "/blob/main/docs/checks.md"
)

// WriteSARIF writes findings as a log of the Static Analysis Results Interchange Format (SARIF) 2.1.0, an OASIS standard
// that code scanning services and editors read. Places are exact: columns count UTF-16 code units, as the log says.
// The rules are the codes that occur, in alphabetical order, each with the address of its section of docs/checks.md.
func WriteSARIF(w io.Writer, list List, o SARIFOptions) error {
	compact, err := json.Marshal(sarifOf(list, o))
	if err != nil {
		return fmt.Errorf("encode SARIF: %w", err)
	}
	var safe, out bytes.Buffer
	writeASCIIControls(&safe, compact)
	if err := json.Indent(&out, safe.Bytes(), "", "  "); err != nil {
		return fmt.Errorf("encode SARIF: %w", err)
	}
	out.WriteByte('\n')
	_, err = w.Write(out.Bytes())
	return err
}

func sarifOf(list List, o SARIFOptions) sarifLog {
	codes := codesOf(list)
	run := sarifRun{
		Tool: sarifTool{Driver: sarifDriver{
			Name: "pare", Version: o.Version, InformationURI: homePage, Rules: []sarifRule{},
		}},
		Results:          []sarifResult{},
		ColumnKind:       "utf16CodeUnits",
		NewlineSequences: []string{"\r\n", "\n", "\r"},
	}
	for _, code := range codes {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{
			ID:               code,
			ShortDescription: sarifText{describe(code, o.Describe)},
			HelpURI:          CheckPage(code),
		})
	}
	for _, d := range list {
		index, _ := slices.BinarySearch(codes, d.Code)
		run.Results = append(run.Results, resultOf(d, index))
	}
	return sarifLog{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0",
		Runs:    []sarifRun{run},
	}
}

// CheckPage is the address of the section of docs/checks.md about a code.
func CheckPage(code string) string { return checksPage + "#" + url.PathEscape(code) }

// codesOf lists the codes that occur, sorted.
func codesOf(list List) []string {
	codes := make([]string, len(list))
	for i, d := range list {
		codes[i] = d.Code
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// describe says what a code stands for. A code is words: "selector-matches-nothing".
func describe(code string, by func(string) string) string {
	if by != nil {
		if s := by(code); s != "" {
			return s
		}
	}
	words := strings.ReplaceAll(code, "-", " ")
	if words == "" {
		return "A finding."
	}
	return strings.ToUpper(words[:1]) + words[1:] + "."
}

func resultOf(d Diagnostic, index int) sarifResult {
	r := sarifResult{RuleID: d.Code, RuleIndex: index, Level: d.Severity.String(), Message: sarifText{message(d)}}
	if at := locationOf(d.Span); at != nil || d.Subject != "" {
		if at == nil {
			at = new(sarifLocation)
		}
		if d.Subject != "" {
			at.Logical = append(at.Logical, sarifLogical{d.Subject})
		}
		r.Locations = append(r.Locations, *at)
	}
	for i, related := range d.Related {
		at := locationOf(related.Span)
		if at == nil {
			at = new(sarifLocation)
		}
		at.ID, at.Message = i+1, &sarifText{related.Message}
		r.Related = append(r.Related, *at)
	}
	for _, fix := range d.Fixes {
		if f, ok := fixOf(fix); ok {
			r.Fixes = append(r.Fixes, f)
		}
	}
	return r
}

// locationOf is where a span is: in a file, or in a text that is none, which has only a name.
func locationOf(s Span) *sarifLocation {
	switch {
	case s.Source == nil:
		return nil
	case !s.isFile():
		return &sarifLocation{Logical: []sarifLogical{{s.Source.Name}}}
	}
	return &sarifLocation{Physical: &sarifPhysical{Artifact: artifactOf(s.Source), Region: regionOf(s)}}
}

// fixOf turns a fix into changes of files, in the order in which its edits name them.
func fixOf(fix Fix) (sarifFix, bool) {
	out := sarifFix{}
	if fix.Message != "" {
		out.Description = &sarifText{fix.Message}
	}
	for _, e := range fix.Edits {
		if !e.Span.isFile() {
			return sarifFix{}, false
		}
		artifact := artifactOf(e.Span.Source)
		i := slices.IndexFunc(out.Changes, func(c sarifChange) bool { return c.Artifact == artifact })
		if i < 0 {
			i = len(out.Changes)
			out.Changes = append(out.Changes, sarifChange{Artifact: artifact})
		}
		out.Changes[i].Replacements = append(out.Changes[i].Replacements, sarifReplacement{Deleted: regionOf(e.Span), Inserted: sarifText{e.New}})
	}
	return out, len(out.Changes) > 0
}

// artifactOf is the address of a file: relative as the user named it, or absolute.
func artifactOf(src *Source) sarifArtifact {
	name := slashed(src.Name)
	u := url.URL{Path: name}
	if len(name) > 2 && name[1:3] == ":/" { // a drive
		u.Path = "/" + name
	}
	if strings.HasPrefix(u.Path, "/") {
		u.Scheme = "file"
		return sarifArtifact{"file://" + u.EscapedPath()}
	}
	return sarifArtifact{u.String()}
}

func regionOf(s Span) sarifRegion {
	start, end := s.bounds()
	line, column := s.Source.utf16Position(start)
	endLine, endColumn := s.Source.utf16Position(end)
	return sarifRegion{line, column, endLine, endColumn}
}

// utf16Position is Position with the column in UTF-16 code units. A byte-order mark is no part of the text.
func (s *Source) utf16Position(offset int) (line, column int) {
	line, _ = s.Position(offset)
	start, _ := s.line(line)
	text := s.Text[start:min(max(offset, start), len(s.Text))]
	if line == 1 {
		text = bytes.TrimPrefix(text, []byte("\ufeff"))
	}
	return line, utf16Length(text) + 1
}

func utf16Length(text []byte) int {
	n := 0
	for _, r := range string(text) {
		n++
		if r >= 0x10000 {
			n++
		}
	}
	return n
}

// The parts of a log that pare writes, with the names of the standard.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool             sarifTool     `json:"tool"`
		Results          []sarifResult `json:"results"`
		ColumnKind       string        `json:"columnKind"`
		NewlineSequences []string      `json:"newlineSequences"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version,omitempty"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string    `json:"id"`
		ShortDescription sarifText `json:"shortDescription"`
		HelpURI          string    `json:"helpUri"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
		Related   []sarifLocation `json:"relatedLocations,omitempty"`
		Fixes     []sarifFix      `json:"fixes,omitempty"`
	}
	sarifLocation struct {
		ID       int            `json:"id,omitempty"`
		Physical *sarifPhysical `json:"physicalLocation,omitempty"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
		Message  *sarifText     `json:"message,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
		EndLine     int `json:"endLine"`
		EndColumn   int `json:"endColumn"`
	}
	sarifLogical struct {
		Name string `json:"fullyQualifiedName"`
	}
	sarifFix struct {
		Description *sarifText    `json:"description,omitempty"`
		Changes     []sarifChange `json:"artifactChanges"`
	}
	sarifChange struct {
		Artifact     sarifArtifact      `json:"artifactLocation"`
		Replacements []sarifReplacement `json:"replacements"`
	}
	sarifReplacement struct {
		Deleted  sarifRegion `json:"deletedRegion"`
		Inserted sarifText   `json:"insertedContent"`
	}
)
