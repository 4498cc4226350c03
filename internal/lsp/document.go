package lsp

import (
	"encoding/json"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
)

// Bounds of what a client may keep open.
const (
	maxDocuments  = 1_000
	maxText       = 8 << 20   // bytes of one text; the language takes less
	maxEditEffort = 256 << 20 // bytes moved by the edits of one message
)

// document is an open text.
type document struct {
	uri      string
	path     string // the file it is the text of; empty: none yet
	language string // as the client calls it
	version  int    // as the client counts
	edition  int    // as we count, up with every change of the text or of what it is checked against
	text     []byte // never changed, only replaced
	lines    *lines
	refused  bool // the text was too large: nothing is said about it until the whole of it is sent again

	outline   *outline       // of text; nil until asked for
	result    *Result        // of the last check; nil before
	recipe    *recipe.Recipe // the last one that could be read, for what the text in between does not tell
	model     *ir.Model      // its model's header
	resultOf  int            // the edition that was checked
	failed    string         // the trouble that was told last; empty: there is none
	published bool           // findings have been sent that are not taken back
	timer     *time.Timer
	running   bool // a check runs beside the conversation
}

// close stops what is under way for the document.
func (d *document) close() {
	if d.timer != nil {
		d.timer.Stop()
	}
}

// set replaces the text.
func (s *server) set(d *document, text []byte) {
	d.refused = len(text) > maxText
	if d.refused {
		s.log.Printf("%s has %d bytes; texts of up to %d are read", d.uri, len(text), maxText)
		text = nil
	}
	d.text, d.lines, d.outline = text, newLines(text, s.enc), nil
	d.edition++
}

// structure returns the outline of the text.
func (d *document) structure() *outline {
	if d.outline == nil {
		d.outline = readOutline(d.text)
	}
	return d.outline
}

func (s *server) didOpen(raw json.RawMessage) *rpcError {
	p, failed := params[didOpenParams](raw)
	if failed != nil {
		return failed
	}
	t := p.TextDocument
	if len(s.docs) >= maxDocuments && s.docs[t.URI] == nil {
		return failf(codeInvalidParams, "%d texts are open; this is one more", maxDocuments)
	}
	if old := s.docs[t.URI]; old != nil {
		old.close()
	}
	d := &document{uri: t.URI, path: pathOf(t.URI), language: t.LanguageID, version: t.Version}
	s.docs[t.URI] = d
	s.set(d, []byte(t.Text))
	s.schedule(d, 0)
	s.importersOf(d)
	return nil
}

// importersOf checks the texts again that may import the file of d, of which another text counts now.
func (s *server) importersOf(d *document) {
	if d.path == "" {
		return
	}
	for _, other := range s.docs {
		if other != d && other.structure().root.kid("imports") != nil {
			other.edition++
			s.schedule(other, s.Delay)
		}
	}
}

func (s *server) didChange(raw json.RawMessage) *rpcError {
	p, failed := params[didChangeParams](raw)
	if failed != nil {
		return failed
	}
	d, failed := s.document(p.TextDocument.URI)
	if failed != nil {
		return failed
	}
	d.version = p.TextDocument.Version
	effort := 0
	for _, c := range p.ContentChanges {
		if effort += len(d.text) + len(c.Text); effort > maxEditEffort {
			d.refused = true
			return failf(codeInvalidParams, "the edits of one message move more than %d bytes", maxEditEffort)
		}
		s.edit(d, c)
	}
	s.schedule(d, s.Delay)
	s.importersOf(d)
	return nil
}

// edit applies one change.
func (s *server) edit(d *document, c change) {
	switch {
	case c.Range == nil:
		s.set(d, []byte(c.Text))
	case d.refused: // part of a text that is not there
	default:
		start, end := d.lines.offset(c.Range.Start), d.lines.offset(c.Range.End)
		s.set(d, slices.Concat(d.text[:start], []byte(c.Text), d.text[max(start, end):]))
	}
}

func (s *server) didSave(raw json.RawMessage) *rpcError {
	p, failed := params[documentParams](raw)
	if failed != nil {
		return failed
	}
	d, failed := s.document(p.TextDocument.URI)
	if failed != nil {
		return failed
	}
	d.edition++ // the files that it is checked against may have been saved with it
	s.schedule(d, 0)
	return nil
}

func (s *server) didClose(raw json.RawMessage) *rpcError {
	p, failed := params[documentParams](raw)
	if failed != nil {
		return failed
	}
	d, failed := s.document(p.TextDocument.URI)
	if failed != nil {
		return failed
	}
	d.close()
	delete(s.docs, d.uri)
	s.importersOf(d)
	if d.published {
		s.notify("textDocument/publishDiagnostics", publishParams{URI: d.uri, Diagnostics: []diagnostic{}})
	}
	return nil
}

// isRecipe tells whether a text is a recipe. Clients that can only attach a server to a kind of file attach this one to
// all YAML, so a text of that kind is one if it has keys that only recipes have.
func (d *document) isRecipe() bool {
	if d.refused || strings.HasSuffix(d.base(), "_test.yaml") || strings.HasSuffix(d.base(), "_test.yml") || d.base() == ".pare.yaml" {
		return false
	}
	if d.language != "yaml" {
		return true
	}
	root := d.structure().root
	if root.kid("passes") != nil {
		return true
	}
	own := []string{"imports", "vars", "model", "gates", "outputs", "data", "target"}
	return root.kid("version") != nil && slices.ContainsFunc(own, func(key string) bool { return root.kid(key) != nil })
}

// isFragment tells whether a recipe is one that others import: it says neither which model goes in nor what is done.
func (d *document) isFragment() bool {
	root := d.structure().root
	return root.kid("version") != nil && root.kid("model") == nil && root.kid("passes") == nil
}

func (d *document) base() string { return path.Base(d.uri) }

// source is the text as findings and formatting know it.
func (d *document) source() *diag.Source {
	name := d.path
	if name == "" {
		name = d.base()
	}
	return &diag.Source{Name: name, Text: d.text}
}
