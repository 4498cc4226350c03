package lsp

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/pare-ml/pare/recipe/diag"
)

// Kinds of code actions.
const (
	quickFix = "quickfix"
	fixAll   = "source.fixAll"
)

// codeActions offers the edits that remove findings of a range, and on demand all sure edits of the text at once.
func (s *server) codeActions(raw json.RawMessage) (any, *rpcError) {
	p, failed := params[codeActionParams](raw)
	if failed != nil {
		return nil, failed
	}
	d, failed := s.document(p.TextDocument.URI)
	if failed != nil {
		return nil, failed
	}
	actions := []codeAction{}
	r := s.checked(d)
	if r == nil {
		return actions, nil
	}
	start, end := d.lines.offset(p.Range.Start), d.lines.offset(p.Range.End)
	if wanted(p.Context.Only, quickFix, true) {
		for _, f := range r.Findings[:min(len(r.Findings), maxFindings)] {
			if f.Span.Source == r.Source && f.Span.Start <= end && f.Span.End >= start {
				actions = append(actions, s.quickFixes(d, f)...)
			}
		}
	}
	if wanted(p.Context.Only, fixAll, false) {
		if a := s.fixAll(d, r); a != nil {
			actions = append(actions, *a)
		}
	}
	return actions, nil
}

// wanted tells whether a client asks for a kind of action. Kinds are nested: source stands for source.fixAll too.
func wanted(only []string, kind string, unasked bool) bool {
	if len(only) == 0 {
		return unasked
	}
	return slices.ContainsFunc(only, func(k string) bool { return k == kind || k == "" || strings.HasPrefix(kind, k+".") })
}

// quickFixes are the edits that remove a finding, and for one that may be silenced, the comment that does.
func (s *server) quickFixes(d *document, f diag.Diagnostic) []codeAction {
	var out []codeAction
	for _, fix := range f.Fixes {
		edits, ok := s.edits(d, []diag.Fix{fix})
		if !ok {
			continue
		}
		out = append(out, codeAction{Title: title(fix), Kind: quickFix, Diagnostics: []diagnostic{s.diagnostic(d, f)},
			IsPreferred: len(f.Fixes) == 1, Edit: &workspaceEdit{map[string][]textEdit{d.uri: edits}}})
	}
	if f.Severity != diag.Error && !strings.HasPrefix(f.Code, "silence-") {
		if e, ok := silence(d, f); ok {
			out = append(out, codeAction{Title: "Allow " + f.Code + " here (the reason is yours to write)", Kind: quickFix,
				Diagnostics: []diagnostic{s.diagnostic(d, f)}, Edit: &workspaceEdit{map[string][]textEdit{d.uri: {e}}}})
		}
	}
	return out
}

// title says what a fix does.
func title(f diag.Fix) string {
	if f.Message != "" {
		return strings.ToUpper(f.Message[:1]) + f.Message[1:]
	}
	if len(f.Edits) != 1 {
		return "Fix it"
	}
	old, with := f.Edits[0].Span.Text(), f.Edits[0].New
	switch {
	case strings.ContainsAny(old+with, "\r\n") || len(old) > 60 || len(with) > 60:
		return "Fix it"
	case with == "":
		return "Remove " + old
	case old == "":
		return "Write " + strings.TrimSpace(with)
	}
	return "Replace " + old + " by " + with
}

// edits turns fixes into edits of the text; false if one of them cannot be made.
func (s *server) edits(d *document, fixes []diag.Fix) (out []textEdit, ok bool) {
	for _, f := range fixes {
		for _, e := range f.Edits {
			if e.Span.Source != d.result.Source {
				return nil, false
			}
			out = append(out, textEdit{d.lines.span(e.Span.Start, e.Span.End), e.New})
		}
	}
	return out, len(out) > 0
}

// silence puts the comment that allows a finding at the end of its line. The reason is left open: pare asks for it.
func silence(d *document, f diag.Diagnostic) (textEdit, bool) {
	_, end := lineAt(d.text, min(f.Span.Start, len(d.text)))
	start, _ := lineAt(d.text, end)
	o := d.structure()
	for _, c := range o.comments {
		if c[0] >= start && c[0] <= end {
			return textEdit{}, false
		}
	}
	if e := o.lastBefore(f.Span.Start); e.block && f.Span.Start >= e.value || len(bytes.TrimSpace(d.text[start:end])) == 0 {
		return textEdit{}, false
	}
	return textEdit{d.lines.span(end, end), "  # pare:allow " + f.Code + " "}, true
}

// fixAll makes every sure edit of the text, or returns nil if there is none.
func (s *server) fixAll(d *document, r *Result) *codeAction {
	var fixes []diag.Fix
	for _, f := range r.Findings {
		if len(f.Fixes) == 1 {
			fixes = append(fixes, f.Fixes[0])
		}
	}
	_, made := diag.Apply(r.Source, fixes)
	var sure []diag.Fix
	seen := map[diag.Edit]bool{}
	for i, f := range fixes {
		if !made[i] {
			continue
		}
		one := diag.Fix{}
		for _, e := range f.Edits { // what two fixes both ask for is done once
			if !seen[e] {
				seen[e] = true
				one.Edits = append(one.Edits, e)
			}
		}
		sure = append(sure, one)
	}
	edits, ok := s.edits(d, sure)
	if !ok {
		return nil
	}
	return &codeAction{Title: "Fix all that pare is sure of", Kind: fixAll, Edit: &workspaceEdit{map[string][]textEdit{d.uri: edits}}}
}
