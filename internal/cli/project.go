package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	slashpath "path"
	"path/filepath"
	"strings"
	"sync"

	formatall "github.com/pare-ml/pare/graph/format/all"
	"github.com/pare-ml/pare/graph/format/safetensors"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/lock"
	"github.com/pare-ml/pare/internal/dataset"
	"github.com/pare-ml/pare/internal/importance"
	"github.com/pare-ml/pare/internal/inputs"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// project is a recipe with the files it names. Inputs are opened below one root, the repository that holds the recipe,
// else the recipe's folder, and no link leads out of it.
type project struct {
	recipe *recipe.Recipe
	source *diag.Source
	lang   *recipe.Language
	config *recipe.Config // of the repository; nil if it has none
	report diag.List

	inputs inputs.Set              // what was opened
	used   map[*inputs.File]string // of these, what the recipe is built from, with what it is for
	useMu  sync.Mutex              // of used
	models []opened                // of these, what models are
	ahead  *ahead                  // the model that goes in, until it is asked for

	rev      *revision // the files of a commit stand in front of those of the tree; nil: none
	dir      string    // the recipe's folder
	top      string    // the root's path
	root     *os.Root
	mu       sync.Mutex
	sets     map[string]dataset.Set
	names    weightNames                   // of the model that goes in, in importance matrices
	matrices map[string]*importance.Matrix // by data set
	files    []func() error                // closes what was opened
	held     *held                         // stands in for files; nil: every file is read
}

// load parses a recipe. Findings are in report; the error is for files that cannot be read at all.
func (s *session) load(path string, set []string) (*project, error) {
	text, err := readRecipe(path)
	if err != nil {
		return nil, err
	}
	return s.parse(path, text, set, nil)
}

// parse is load for a text that is at hand, as if the file held it.
func (s *session) parse(path string, text []byte, set []string, held *held) (_ *project, err error) {
	p := &project{source: &diag.Source{Name: path, Text: text}, sets: map[string]dataset.Set{}, held: held}
	if p.dir, err = filepath.Abs(filepath.Dir(path)); err != nil {
		return nil, err
	}
	return p, s.read(p, set)
}

// read parses the recipe of a project whose text and folder are known.
func (s *session) read(p *project, set []string) (err error) {
	p.top = repositoryOf(p.dir)
	if p.root, err = os.OpenRoot(p.top); err != nil {
		return err
	}
	p.files = append(p.files, p.root.Close)
	folder, err := filepath.Rel(p.top, p.dir)
	if err != nil {
		return err
	}
	p.lang = s.suite.Language()
	if err := p.configure(); err != nil {
		p.Close()
		return err
	}
	p.recipe = recipe.Parse(p.source, p.lang, recipe.Options{Set: set, Open: p.fragment, Model: p.openAhead, Dir: filepath.ToSlash(folder)}, &p.report)
	return nil
}

// fragment reads a file that the recipe imports.
func (p *project) fragment(path string) ([]byte, error) {
	f, err := p.open(path, lock.Import) // also where an editor has the text: the lock counts files
	if text := p.held.text(p.absolute(path)); text != nil {
		return text, nil
	}
	var gone *errMissing
	switch {
	case errors.As(err, &gone):
		return nil, fs.ErrNotExist
	case err != nil:
		return nil, err
	}
	return io.ReadAll(io.LimitReader(f.Reader(), recipeBytes+1))
}

// recipeBytes is the size of the largest recipe that the language takes.
const recipeBytes = 1 << 20

// readRecipe reads at most one byte more than the language allows, so that a huge file is refused, not read.
func readRecipe(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usageError{fmt.Sprintf("there is no recipe %s", path)}
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, usageError{fmt.Sprintf("%s is not a file; name a recipe, for example %s", path, filepath.Join(path, "fashion.yaml"))}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text := bytes.NewBuffer(make([]byte, 0, min(info.Size(), recipeBytes)+bytes.MinRead))
	_, err = text.ReadFrom(io.LimitReader(f, recipeBytes+1))
	return text.Bytes(), err
}

// repositoryOf returns the nearest folder at or above dir that holds .git, else dir.
func repositoryOf(dir string) string {
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, ".git")); err == nil {
			return d
		}
		if d == filepath.Dir(d) {
			return dir
		}
	}
}

// Close releases what the project opened. Models and data sets of it must not be used afterwards.
func (p *project) Close() {
	p.takeAhead("").wait()
	for _, c := range p.files {
		c() // files opened for reading only: nothing is lost if closing fails
	}
	p.inputs.Close()
}

// errMissing marks an input that is not there.
type errMissing struct{ path string }

func (e *errMissing) Error() string { return e.path + " is not there" }

// open opens an input of the recipe: a regular file below the root. It stays open until the project is closed. kind is
// one of package lock's.
func (p *project) open(path, kind string) (*inputs.File, error) {
	f, err := p.lookUp(path, kind)
	if err != nil {
		return nil, err
	}
	p.useMu.Lock()
	defer p.useMu.Unlock()
	if p.used == nil {
		p.used = map[*inputs.File]string{}
	}
	if p.used[f] == "" {
		p.used[f] = kind
	}
	return f, nil
}

// lookUp is open for a file that is not yet known to be an input.
func (p *project) lookUp(path, kind string) (*inputs.File, error) {
	full := p.absolute(path)
	name, err := filepath.Rel(p.top, full)
	if err != nil || !filepath.IsLocal(name) {
		return nil, fmt.Errorf("%s lies outside %s, the folder that inputs may come from", path, p.top)
	}
	root, err := p.rootOf(name)
	if err != nil {
		return nil, err
	}
	f, err := p.inputs.Open(root, name, path, kind)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &errMissing{path}
	}
	return f, err
}

// rootOf is where a file of the repository is read from: a commit, if the recipe is one of a commit and it holds the
// file, else the tree.
func (p *project) rootOf(name string) (*os.Root, error) {
	if p.rev != nil {
		if there, err := p.rev.extract(name); there || err != nil {
			return p.rev.root, err
		}
	}
	return p.root, nil
}

// header opens the model that goes in or, if it is not there, its manifest.
func (p *project) header() (*ir.Model, error) {
	return p.manifestOr(p.Model(p.recipe.Model.Path))
}

// Model opens a model that the recipe names.
func (p *project) Model(path string) (*ir.Model, error) {
	if a := p.takeAhead(path); a != nil {
		return a.wait()
	}
	return p.openModel(path, p.recipe.Model)
}

// openModel is Model for a recipe of which only the model that goes in is known.
func (p *project) openModel(path string, in recipe.Model) (*ir.Model, error) {
	if strings.HasPrefix(path, schema.RemoteScheme) {
		return nil, &errMissing{path}
	}
	kind := lock.Model
	if path == in.Manifest {
		kind = lock.Manifest
	}
	path, err := p.modelFile(path)
	if err != nil {
		return nil, err
	}
	f, err := p.open(path, kind) // checks that the file may be read
	if err != nil {
		return nil, err
	}
	m, done, err := p.openFile(path, f)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.files = append(p.files, done)
	p.models = append(p.models, opened{path, kind, m})
	p.mu.Unlock()
	for _, beside := range m.Files {
		if _, err := p.open(slashpath.Join(slashpath.Dir(path), beside), lock.Weights); err != nil {
			return nil, err
		}
	}
	for _, a := range m.Attached {
		if _, err := p.open(slashpath.Join(slashpath.Dir(path), a.Name), lock.Attached); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// openFile opens a model whose file may be read, or takes its header from those that are held.
func (p *project) openFile(path string, f *inputs.File) (*ir.Model, func() error, error) {
	if p.held == nil {
		return formatall.Open(f.Name()) // below the root that it was found in
	}
	m, err := p.held.header(p.absolute(path), f.Info())
	return m, func() error { return nil }, err
}

// modelFile is the file to open where a model is a folder; else the path itself.
func (p *project) modelFile(path string) (string, error) {
	full := p.absolute(path)
	info, err := os.Stat(full)
	if name, relErr := filepath.Rel(p.top, full); err != nil || !info.IsDir() || relErr != nil || !filepath.IsLocal(name) {
		return path, nil // whoever opens it says what is wrong
	}
	base, err := safetensors.FileOf(full)
	if err != nil {
		return "", err
	}
	return slashpath.Join(path, base), nil
}

// ahead is a model that is opened while the steps of the recipe are parsed: for a model of a thousand layers the two
// take about as long.
type ahead struct {
	path  string
	done  chan struct{}
	model *ir.Model
	err   error
	fault any // a panic
}

// openAhead begins to open the model that goes in. Files of a commit are taken out of git one after another.
func (p *project) openAhead(in recipe.Model) {
	if p.held != nil || p.rev != nil {
		return
	}
	a := &ahead{path: in.Path, done: make(chan struct{})}
	p.ahead = a
	go func() {
		defer close(a.done)
		defer func() { a.fault = recover() }()
		a.model, a.err = p.openModel(in.Path, in)
	}()
}

// takeAhead returns the model that is being opened if it is the one of this path, or whichever it is for no path, and nil
// for all who come later.
func (p *project) takeAhead(path string) *ahead {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.ahead
	if a == nil || path != "" && a.path != path {
		return nil
	}
	p.ahead = nil
	return a
}

func (a *ahead) wait() (*ir.Model, error) {
	if a == nil {
		return nil, nil
	}
	<-a.done
	if a.fault != nil {
		panic(a.fault)
	}
	return a.model, a.err
}

// opened is a model with the path that the recipe has for it.
type opened struct {
	path, kind string
	model      *ir.Model
}

// absolute is where a path of the recipe leads.
func (p *project) absolute(path string) string { return filepath.Join(p.dir, filepath.FromSlash(path)) }

// Data opens a data set that the recipe declares, once.
func (p *project) Data(name string) (dataset.Set, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if set := p.sets[name]; set != nil {
		return set, nil
	}
	for _, d := range p.recipe.Data {
		if d.Name != name {
			continue
		}
		if d.Importance != "" {
			return nil, usageError{fmt.Sprintf("the data set %s is an importance matrix; name one that holds samples", name)}
		}
		set, err := p.openData(d)
		if err != nil {
			return nil, fmt.Errorf("data %s: %w", name, err)
		}
		p.sets[name] = set
		return set, nil
	}
	return nil, usageError{fmt.Sprintf("%s declares no data set %q%s", p.source.Name, name, diag.Suggest(name, p.dataNames()))}
}

func (p *project) dataNames() []string {
	var names []string
	for _, d := range p.recipe.Data {
		names = append(names, d.Name)
	}
	return names
}

func (p *project) openData(d recipe.Data) (dataset.Set, error) {
	images, err := p.open(d.Images, lock.Data)
	if err != nil {
		return nil, err
	}
	var labels io.Reader
	if d.Labels != "" {
		f, err := p.open(d.Labels, lock.Data)
		if err != nil {
			return nil, err
		}
		labels = f.Reader()
	}
	return dataset.OpenIDX(d.Name, images.Reader(), labels, idxOptions(d))
}

func idxOptions(d recipe.Data) dataset.IDXOptions {
	return dataset.IDXOptions{Skip: d.Skip, Samples: d.Samples, Mean: d.Mean, Std: d.Std}
}

// missing reports an input that is not there at the place where the recipe names it, or returns the error.
func (p *project) missing(err error, n *syntax.Node, severity diag.Severity) error {
	var m *errMissing
	if !errors.As(err, &m) {
		return err
	}
	message := m.path + " is not there; paths are relative to the recipe"
	if strings.HasPrefix(m.path, schema.RemoteScheme) {
		message = "this version of pare fetches no models, so " + m.path + " cannot be read; download it and write its path"
	}
	p.report.Add(diag.Diagnostic{Severity: severity, Code: "file-missing", Span: naming(n, m.path), Message: message})
	return nil
}

// naming is where a mapping names a path, else the mapping. The path may count from another folder than it is written
// in, so only the file's name is compared.
func naming(n *syntax.Node, name string) diag.Span {
	for _, pair := range n.Pairs {
		if v := pair.Value; v.Kind == syntax.Scalar && slashpath.Base(v.Text) == slashpath.Base(name) {
			return v.Span
		}
	}
	return n.Span
}
