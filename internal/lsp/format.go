package lsp

import (
	"bytes"
	"encoding/json"
)

// formatting returns the edit that brings a recipe into canonical form: none if it is, or if it cannot be read.
func (s *server) formatting(raw json.RawMessage) (any, *rpcError) {
	p, failed := params[documentParams](raw)
	if failed != nil {
		return nil, failed
	}
	d, failed := s.document(p.TextDocument.URI)
	if failed != nil {
		return nil, failed
	}
	edits := []textEdit{}
	if s.Format == nil || !d.isRecipe() {
		return edits, nil
	}
	text, ok := s.Format(d.source())
	if !ok || bytes.Equal(text, d.text) {
		return edits, nil
	}
	start, end, with := difference(d.text, text)
	return append(edits, textEdit{d.lines.span(start, end), string(with)}), nil
}

// difference returns the lines in which two texts differ, so that an editor keeps its place in all others:
// old[start:end] becomes with.
func difference(old, text []byte) (start, end int, with []byte) {
	for start < len(old) && start < len(text) {
		n := bytes.IndexByte(old[start:], '\n') + 1
		if n == 0 || !bytes.HasPrefix(text[start:], old[start:start+n]) {
			break
		}
		start += n
	}
	end, to := len(old), len(text)
	for end > start && to > start {
		n := bytes.LastIndexByte(old[start:end-1], '\n') + 1 + start
		if line := old[n:end]; n == start || !bytes.HasSuffix(text[start:to], append([]byte("\n"), line...)) {
			break
		}
		to -= end - n
		end = n
	}
	return start, end, text[start:to]
}
