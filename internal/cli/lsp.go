package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/pflag"

	formatall "github.com/pare-ml/pare/graph/format/all"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/lsp"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/layout"
)

var lspVerb = &verb{
	name: "lsp", summary: "language server for editors, over standard input and output", max: 0,
	long: `Speaks the Language Server Protocol: findings while you type, help on keys, passes, facts and values, which
layers a selector or an override picks, completion, go to definition, quick fixes, formatting. Editors start it;
docs/editor.md says how to tell them. It reads what pare lint reads: recipes and headers of models, never weights.`,
	setup: func(f *pflag.FlagSet) func(*session, []string) error {
		f.Bool("stdio", true, "the only way of talking there is; some editors ask for it")
		return func(s *session, _ []string) error {
			lang, models := s.suite.Language(), newHeaders()
			return lsp.Serve(s.ctx, os.Stdin, s.stdout, lsp.Options{
				Version:  Version(),
				Language: lang,
				Check: func(path string, text []byte, buffer func(string) []byte) *lsp.Result {
					return s.checkText(path, text, &held{buffer, models})
				},
				Format: func(src *diag.Source) ([]byte, bool) {
					text := layout.Format(src, lang, nil)
					return text, text != nil
				},
				Log: s.stderr,
			})
		}
	},
}

// checkText checks a text as pare lint does, as far as it goes: the layers are wanted too where something is wrong.
func (s *session) checkText(path string, text []byte, held *held) *lsp.Result {
	if path == "" {
		r := &lsp.Result{Source: &diag.Source{Name: "untitled", Text: text}}
		r.Recipe = recipe.Parse(r.Source, s.suite.Language(), recipe.Options{}, &r.Findings)
		return r
	}
	p, err := s.parse(path, text, nil, held)
	if err != nil {
		return &lsp.Result{Source: &diag.Source{Name: path, Text: text}, Failed: err}
	}
	defer p.Close()
	r := &lsp.Result{Source: p.source, Recipe: p.recipe}
	r.Plan, err = s.compile(p, diag.Note)
	if err != nil && !errors.As(err, &findingsError{}) {
		r.Failed = err
	}
	if lockErr := p.lintLock(s.ctx, r.Plan); r.Failed == nil {
		r.Failed = lockErr
	}
	if p.recipe != nil && err == nil || errors.As(err, &findingsError{}) {
		r.Model = p.layers()
	}
	p.silence(r.Plan != nil)
	r.Findings = p.report
	return r
}

// layers returns the header of the model that goes in, if it is there, without a word where it is not.
func (p *project) layers() *ir.Model {
	if p.recipe == nil || p.recipe.Model.Path == "" {
		return nil
	}
	for _, path := range []string{p.recipe.Model.Path, p.recipe.Model.Manifest} {
		if m, err := p.Model(path); path != "" && err == nil {
			return m
		}
	}
	return nil
}

// held stands in for files: texts that an editor has open, and headers of models that have not changed.
type held struct {
	buffer func(path string) []byte
	models *headers
}

// text returns the text that an editor has open under a path, or nil.
func (h *held) text(path string) []byte {
	if h == nil || h.buffer == nil {
		return nil
	}
	return h.buffer(path)
}

// header returns the header of the model in the file at path, of which info is known.
func (h *held) header(path string, info fs.FileInfo) (*ir.Model, error) {
	return h.models.open(path, info)
}

// mostHeaders is how many headers are kept.
const mostHeaders = 16

// headers keeps the headers of models, so that not every check reads them again. It is safe for concurrent use.
type headers struct {
	mu    sync.Mutex
	known map[string]*header
	clock int
}

// header is what a file held when it had this size and was last changed at this time.
type header struct {
	size    int64
	changed time.Time
	model   *ir.Model
	err     error
	used    int
}

func newHeaders() *headers { return &headers{known: map[string]*header{}} }

func (h *headers) open(path string, info fs.FileInfo) (*ir.Model, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	path = filepath.Clean(path)
	h.clock++
	if k := h.known[path]; k != nil && k.size == info.Size() && k.changed.Equal(info.ModTime()) {
		k.used = h.clock
		return k.model, k.err
	}
	k := &header{size: info.Size(), changed: info.ModTime(), used: h.clock}
	if m, done, err := formatall.Open(path); err != nil {
		k.err = err
	} else {
		k.model = m.Header()
		k.err = done()
	}
	h.known[path] = k
	h.forget()
	return k.model, k.err
}

// forget drops the header that was not used for longest, if there are too many.
func (h *headers) forget() {
	if len(h.known) <= mostHeaders {
		return
	}
	oldest, at := "", h.clock+1
	for path, k := range h.known {
		if k.used < at {
			oldest, at = path, k.used
		}
	}
	delete(h.known, oldest)
}
