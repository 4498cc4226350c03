package lsp

import (
	"encoding/json"
	"strings"
)

// symbols lists what a recipe is made of: its keys, and below them variables, data sets, steps and gates.
func (s *server) symbols(raw json.RawMessage) (any, *rpcError) {
	p, failed := params[documentParams](raw)
	if failed != nil {
		return nil, failed
	}
	d, failed := s.document(p.TextDocument.URI)
	if failed != nil {
		return nil, failed
	}
	w := &words{s.Language, d.structure()}
	list := []documentSymbol{}
	if d.isRecipe() {
		for _, e := range w.root.kids {
			if !e.item && e.colon >= 0 && e.key != "" {
				list = append(list, w.symbol(d, e))
			}
		}
	}
	if s.nested {
		return list, nil
	}
	return flat(d.uri, list, "", []symbolInformation{}), nil
}

// symbol is one top-level key with what stands below it.
func (w *words) symbol(d *document, e *entry) documentSymbol {
	out := w.symbolOf(d, e, e.key, symbolProperty)
	for _, k := range e.kids {
		switch {
		case !k.item && k.colon >= 0 && k.key != "" && (e.key == "vars" || e.key == "data"):
			kind := symbolVariable
			if e.key == "data" {
				kind = symbolObject
			}
			out.Children = append(out.Children, w.symbolOf(d, k, k.key, kind))
		case k.item && e.key == "passes":
			out.Children = append(out.Children, w.stepSymbol(d, k))
		case k.item && (e.key == "gates" || e.key == "outputs" || e.key == "imports"):
			out.Children = append(out.Children, w.symbolOf(d, k, w.summary(k), symbolKey))
		}
	}
	if len(out.Children) > 0 {
		out.Kind = symbolModule
	}
	return out
}

// stepSymbol is a step under its id, with its pass.
func (w *words) stepSymbol(d *document, e *entry) documentSymbol {
	name, pass := "step", ""
	if p := w.passOf(e); p != nil {
		name, pass = p.Name, p.Name
	}
	if id := e.kid("id"); id != nil && id.hasScalar() {
		name = unquote(string(w.text[id.value:id.end]))
	}
	out := w.symbolOf(d, e, name, symbolFunction)
	if pass != name {
		out.Detail = pass
	}
	return out
}

// summary is the first line of an item, cut short.
func (w *words) summary(e *entry) string {
	start := e.value
	if e.flow != 0 {
		start = e.open
	} else if len(e.kids) > 0 {
		start = e.first()
	}
	if start < e.start {
		start = e.start
	}
	_, end := lineAt(w.text, start)
	line := []rune(strings.TrimSpace(string(w.text[start:end])))
	if len(line) > 60 {
		line = append(line[:59], '…')
	}
	if len(line) == 0 {
		return "-"
	}
	return string(line)
}

func (w *words) symbolOf(d *document, e *entry, name string, kind int) documentSymbol {
	if name == "" {
		name = "-"
	}
	return documentSymbol{Name: name, Kind: kind, Range: d.lines.span(e.start, e.extent()), Selection: d.lines.span(e.start, e.keyEnd)}
}

// extent returns the end of an entry with all that is below it.
func (e *entry) extent() int {
	end := max(e.keyEnd, e.end, e.colon+1)
	if e.flow != 0 {
		end = max(end, e.flowEnd)
	}
	for len(e.kids) > 0 {
		e = e.kids[len(e.kids)-1]
		end = max(end, e.keyEnd, e.end, e.colon+1)
		if e.flow != 0 {
			end = max(end, e.flowEnd)
		}
	}
	return end
}

// flat lists symbols without nesting.
func flat(uri string, list []documentSymbol, container string, out []symbolInformation) []symbolInformation {
	for _, x := range list {
		out = append(out, symbolInformation{x.Name, x.Kind, location{uri, x.Range}, container})
		out = flat(uri, x.Children, x.Name, out)
	}
	return out
}
