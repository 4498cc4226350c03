package lsp

import (
	"path"
	"path/filepath"
	"strings"

	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
)

// definition says where the thing at an offset is declared: a variable, a data set, an imported file.
func (s *server) definition(d *document, offset int) any {
	w := &words{s.Language, d.structure()}
	sp := w.find(offset)
	if sp == nil || sp.at == nil || !sp.value || sp.start == sp.end {
		return nil
	}
	p := w.place(sp.at)
	if e := w.expression(sp, p, offset); e != nil {
		i := e.token(offset)
		if i < 0 || e.tokens[i].kind != exprWord {
			return nil
		}
		name, ok := strings.CutPrefix(e.tokens[i].text, "vars.")
		if !ok {
			return nil
		}
		return s.declared(d, w, "vars", name)
	}
	text := unquote(strings.TrimSpace(string(w.text[sp.start:sp.end])))
	f := p.scalar()
	switch {
	case f == nil:
		return nil
	case f.Format.NamesData():
		return s.declared(d, w, "data", text)
	case f.Format == schema.FormatPath || f.Format == schema.FormatTarget:
		return s.file(d, text)
	}
	return nil
}

// declared returns where a name is declared behind a top-level key, in the text or in a file that it imports.
func (s *server) declared(d *document, w *words, key, name string) any {
	if e := w.root.kid(key); e != nil {
		if k := e.kid(name); k != nil {
			return location{d.uri, d.lines.span(k.start, k.keyEnd)}
		}
	}
	if at, ok := imported(d.recipe, key, name); ok {
		if l, ok := s.location(d, at); ok {
			return l
		}
	}
	return nil
}

// imported returns where an imported file declares a name.
func imported(r *recipe.Recipe, key, name string) (diag.Span, bool) {
	if r == nil {
		return diag.Span{}, false
	}
	p := r.Root.Get(key).Pair(name)
	if p == nil || p.Key.Span.Source == nil || p.Key.Span.Source == r.Source {
		return diag.Span{}, false
	}
	return p.Key.Span, true
}

// file returns the beginning of a text file that a recipe names. Models are left alone: no editor shows them.
func (s *server) file(d *document, name string) any {
	ext := strings.ToLower(path.Ext(name))
	if d.path == "" || ext != ".yaml" && ext != ".yml" && ext != ".json" || path.IsAbs(name) {
		return nil
	}
	return location{URI: s.uriOf(filepath.Join(filepath.Dir(d.path), filepath.FromSlash(name)))}
}
