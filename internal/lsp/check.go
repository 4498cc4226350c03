package lsp

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
)

// maxFindings bounds what is published of one text. There are more once these are mended.
const maxFindings = 1_000

// check asks for a check of one edition of a text.
type check struct {
	doc     *document
	edition int
}

// checked is what a check gave.
type checked struct {
	check
	result *Result
}

// schedule asks for a check after a delay. A later call replaces an earlier one.
func (s *server) schedule(d *document, delay time.Duration) {
	d.close()
	c := check{d, d.edition}
	if delay == 0 {
		s.start(c)
		return
	}
	d.timer = time.AfterFunc(delay, func() {
		select {
		case s.due <- c:
		case <-s.ctx.Done():
		}
	})
}

// current tells whether a check is of what is open now.
func (s *server) current(c check) bool {
	return s.docs[c.doc.uri] == c.doc && c.doc.edition == c.edition
}

// start runs a check beside the conversation.
func (s *server) start(c check) {
	if !s.current(c) || c.doc.resultOf == c.edition || c.doc.running {
		return
	}
	if !c.doc.isRecipe() {
		s.finish(checked{c, nil})
		return
	}
	run := s.checker(c.doc)
	c.doc.running = true
	go func() {
		select {
		case s.done <- checked{c, run()}:
		case <-s.ctx.Done():
		}
	}()
}

// ended takes over a check that ran beside the conversation. Of a text that has changed since it is dropped, and the text
// as it is now checked in its place: of one text one check runs at a time.
func (s *server) ended(c checked) {
	c.doc.running = false
	switch {
	case s.current(c.check):
		s.finish(c)
	case s.docs[c.doc.uri] == c.doc:
		s.schedule(c.doc, s.Delay)
	}
}

// checker returns a check of the document as it is now. It may run on any goroutine: what it needs is copied here.
func (s *server) checker(d *document) func() *Result {
	open := map[string][]byte{}
	for _, other := range s.docs {
		if other != d && other.path != "" && !other.refused {
			open[other.path] = other.text
		}
	}
	path, src, fragment := d.path, d.source(), d.isFragment()
	buffer := func(path string) []byte { return open[filepath.Clean(path)] }
	return func() (r *Result) {
		defer func() {
			if p := recover(); p != nil {
				text, _, _ := strings.Cut(fmt.Sprint(p), "\n")
				r = &Result{Source: src}
				r.Findings.Errorf(diag.Span{Source: src}, "internal-error", "pare failed on this text: %s", text)
			}
		}()
		r = s.Check(path, src.Text, buffer)
		if fragment && r.Recipe != nil {
			r.Findings = slices.DeleteFunc(r.Findings, func(f diag.Diagnostic) bool { return forWhole(r.Recipe, f) })
		}
		r.Findings.Sort()
		return r
	}
}

// forWhole tells whether a finding asks of a fragment what only the recipes that import it can say.
func forWhole(r *recipe.Recipe, f diag.Diagnostic) bool {
	switch f.Code {
	case "missing-key":
		return f.Span == r.Root.Head()
	case "gate-missing", "output-missing", "unknown-data", "unused-data", "unused-var", "target-missing":
		return true
	case "unknown-fact":
		return strings.HasPrefix(f.Message, "vars ")
	}
	return false
}

// finish takes over what a check gave, if the text is still the one that was checked. The result is nil for a text that
// is no recipe.
func (s *server) finish(c checked) {
	if !s.current(c.check) || c.doc.resultOf == c.edition {
		return
	}
	d := c.doc
	d.result, d.resultOf = c.result, c.edition
	if c.result == nil && !d.published {
		return
	}
	if c.result != nil && c.result.Recipe != nil {
		d.recipe = c.result.Recipe
	}
	if c.result != nil && c.result.Model != nil {
		d.model = c.result.Model
	}
	s.publish(d)
	failed := ""
	if c.result != nil && c.result.Failed != nil {
		failed = c.result.Failed.Error()
	}
	if failed != "" && failed != d.failed {
		s.notify("window/showMessage", showMessageParams{messageError, "pare: " + failed})
	}
	d.failed = failed
}

// check returns the result for the text as it is now, checking it at once if that has not been done. It is nil for a
// text that is no recipe.
func (s *server) checked(d *document) *Result {
	if d.resultOf != d.edition {
		d.close()
		c := checked{check{d, d.edition}, nil}
		if d.isRecipe() {
			c.result = s.checker(d)()
		}
		s.finish(c)
	}
	return d.result
}

// publish sends the findings of the last check.
func (s *server) publish(d *document) {
	p := publishParams{URI: d.uri, Version: &d.version, Diagnostics: []diagnostic{}}
	if d.result != nil {
		for _, f := range d.result.Findings[:min(len(d.result.Findings), maxFindings)] {
			p.Diagnostics = append(p.Diagnostics, s.diagnostic(d, f))
		}
	}
	d.published = len(p.Diagnostics) > 0
	s.notify("textDocument/publishDiagnostics", p)
}

// diagnostic turns a finding into the protocol's form. One that stands in a file that the recipe imports is shown at the
// import, with its own place as related information.
func (s *server) diagnostic(d *document, f diag.Diagnostic) diagnostic {
	out := diagnostic{
		Severity: severityError, Code: f.Code, Source: "pare", Message: f.Message,
		Description: &codeDescription{diag.CheckPage(f.Code)},
	}
	switch f.Severity {
	case diag.Warning:
		out.Severity = severityWarning
	case diag.Note:
		out.Severity = severityInformation
	}
	switch {
	case strings.HasPrefix(f.Code, "unused-"):
		out.Tags = []int{tagUnnecessary}
	case strings.HasPrefix(f.Code, "deprecated-"):
		out.Tags = []int{tagDeprecated}
	}
	if f.Subject != "" {
		out.Message = f.Subject + ": " + f.Message
	}
	at := f.Span
	if at.Source != d.result.Source {
		if l, ok := s.location(d, at); ok {
			out.Related = append(out.Related, relatedInformation{l, "it stands here"})
		}
		at = d.importOf(at.Source)
	}
	out.Range = d.lines.span(at.Start, at.End)
	for _, r := range f.Related {
		if l, ok := s.location(d, r.Span); ok {
			out.Related = append(out.Related, relatedInformation{l, r.Message})
		}
	}
	return out
}

// importOf returns the place at which the recipe names the file that brings in a source, the text's beginning if it brings
// in none: pare.lock stands beside it.
func (d *document) importOf(src *diag.Source) diag.Span {
	if r := d.result.Recipe; r != nil && src != nil {
		for _, i := range r.Imports {
			if i.Source == src && i.Node.Span.Source == d.result.Source {
				return i.Node.Span
			}
		}
		if n := d.structure().root.kid("imports"); n != nil && filepath.Ext(src.Name) != ".lock" {
			return diag.Span{Source: d.result.Source, Start: n.start, End: n.keyEnd}
		}
	}
	return diag.Span{Source: d.result.Source}
}

// location returns where a span is, in the text itself or in a file that it imports.
func (s *server) location(d *document, at diag.Span) (location, bool) {
	switch {
	case at.Source == nil:
		return location{}, false
	case d.result != nil && at.Source == d.result.Source:
		return location{d.uri, d.lines.span(at.Start, at.End)}, true
	case d.path == "":
		return location{}, false
	}
	path := at.Source.Name
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(d.path), path)
	}
	return location{s.uriOf(path), newLines(at.Source.Text, s.enc).span(at.Start, at.End)}, true
}

// uriOf returns the URI of a file, as the client calls it if it is open.
func (s *server) uriOf(path string) string {
	for uri, d := range s.docs {
		if d.path == path {
			return uri
		}
	}
	return uriOf(path)
}
