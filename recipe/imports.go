package recipe

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pare-ml/pare/internal/lazyregexp"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// Bounds of what a recipe may import, directly and through others.
const (
	deepestImport = 8
	mostImports   = 50
)

// Import is a recipe fragment that a recipe takes in. A fragment is a recipe that need not be complete.
type Import struct {
	Path   string // relative to the recipe's folder
	Source *diag.Source
	Node   *syntax.Node // where it is named

	root *syntax.Node
	from *Import // the fragment that names it; nil: the recipe does
}

// importer reads fragments, each after those that it imports itself.
type importer struct {
	*parser
	open  func(path string) ([]byte, error)
	full  bool      // more are named than may be
	all   []*Import // in the order in which they are named
	taken []*Import // in the order in which they count
}

// imports reads the files that the recipe imports and lays the recipe over them.
func (p *parser) imports(open func(path string) ([]byte, error)) {
	r := p.recipe
	if r.Root.Pair("imports") == nil {
		return
	}
	i := &importer{parser: p, open: open}
	i.read(r.Root, nil, 1)
	r.Imports = i.taken
	var below *syntax.Node
	for _, f := range i.taken {
		below = overlay(below, fragment(f.root))
	}
	r.Root = overlay(below, without(r.Root, "imports"))
}

// read reads the imports of one file, which is nil for the recipe.
func (i *importer) read(root *syntax.Node, from *Import, depth int) {
	n := root.Get("imports")
	if n == nil {
		return
	}
	items := i.list(n, "imports", "a list of paths")
	if len(items) > mostImports {
		i.tooMany(items[mostImports])
		items = items[:mostImports]
	}
	for _, item := range items {
		file, ok := i.path(item)
		if !ok {
			i.recipe.partial = true
			continue
		}
		f := &Import{Path: file, Node: item, from: from}
		switch again := i.named(file); {
		case i.cycle(f):
			continue
		case again != nil:
			i.report.Add(diag.Diagnostic{Severity: diag.Error, Code: "repeated-import", Span: item.Span,
				Message: quote(item.Text) + " is imported a second time; its steps and gates would stand twice: import it once",
				Related: []diag.Related{{Span: again.Node.Span, Message: "the first time"}}})
			continue
		case depth > deepestImport:
			i.report.Errorf(item.Span, "too-many", "imports lead %d files deep; they may lead %d", depth, deepestImport)
			i.recipe.partial = true
			continue
		case len(i.all) == mostImports:
			i.tooMany(item)
			return
		}
		i.all = append(i.all, f)
		if !i.load(f) {
			i.recipe.partial = true
			continue
		}
		i.read(f.root, f, depth+1)
		i.taken = append(i.taken, f)
	}
}

// tooMany reports the first import beyond the bound.
func (i *importer) tooMany(n *syntax.Node) {
	if !i.full {
		i.report.Errorf(n.Span, "too-many", "a recipe may import %d files; this is one more", mostImports)
	}
	i.full, i.recipe.partial = true, true
}

// path reads an entry of imports: the path relative to the recipe's folder.
func (i *importer) path(n *syntax.Node) (file string, ok bool) {
	d := &schema.Decoder{Report: i.report, Locate: i.recipe.locate}
	if !d.DecodeValue(n, schema.Path(&file, "the import", "", "a recipe fragment").Require()) {
		return "", false
	}
	if ext := strings.ToLower(path.Ext(file)); ext != ".yaml" && ext != ".yml" {
		i.report.Errorf(n.Span, "path-not-allowed", "the import is %s; recipes are files that end in .yaml or .yml", quote(n.Text))
		return "", false
	}
	return path.Clean(file), true
}

// named returns the import of this file, or nil.
func (i *importer) named(file string) *Import {
	if k := slices.IndexFunc(i.all, func(f *Import) bool { return i.same(f.Path, file) }); k >= 0 {
		return i.all[k]
	}
	return nil
}

// same tells whether two paths, relative to the recipe, lead to one file, as far as the text tells.
func (i *importer) same(a, b string) bool {
	return path.Join(i.recipe.folder, a) == path.Join(i.recipe.folder, b)
}

// cycle reports a fragment that imports itself, directly or through others.
func (i *importer) cycle(f *Import) bool {
	chain := []string{f.Path}
	for g := f.from; g != nil; g = g.from {
		chain = append(chain, g.Path)
		if i.same(g.Path, f.Path) {
			i.cycleFound(f, chain)
			return true
		}
	}
	own := i.recipe.Source.Name
	own = own[strings.LastIndexAny(own, `/\`)+1:]
	if i.same(own, f.Path) {
		i.cycleFound(f, append(chain, own))
		return true
	}
	return false
}

func (i *importer) cycleFound(f *Import, chain []string) {
	slices.Reverse(chain)
	i.report.Errorf(f.Node.Span, "import-cycle", "the imports go in a circle: %s; leave one of them out", strings.Join(chain, " → "))
}

// head is what makes a file a recipe. The content of any other file is never shown, so a finding in it is not reported
// but told of as a whole.
var head = lazyregexp.New(`(?m)^[ \t{]*["']?version["']?[ \t]*:`)

// load reads a fragment.
func (i *importer) load(f *Import) bool {
	if i.open == nil {
		i.report.Errorf(f.Node.Span, "import-unreadable", "%s cannot be imported here, where only one text is read", quote(f.Node.Text))
		return false
	}
	text, err := i.open(f.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		i.report.Errorf(f.Node.Span, "file-missing", "%s is not there; imports are relative to the file that names them", f.Node.Text)
		return false
	case err != nil:
		i.report.Errorf(f.Node.Span, "import-unreadable", "%s cannot be read: %v", quote(f.Node.Text), err)
		return false
	}
	f.Source = &diag.Source{Name: beside(i.recipe.Source.Name, f.Path), Text: text}
	found := diag.List{}
	if head.Match(text) {
		f.root = syntax.Parse(f.Source, &found)
	}
	if f.root == nil && len(found) == 0 || f.root != nil && f.root.Kind != syntax.Mapping {
		i.report.Errorf(f.Node.Span, "import-unreadable", "%s is no recipe; a fragment is YAML and begins with version: %d", quote(f.Node.Text), Version)
		return false
	}
	*i.report = append(*i.report, found...)
	i.recipe.dirs[f.Source] = path.Dir(f.Path)
	return f.root != nil && i.fragmentVersion(f.root)
}

// fragmentVersion checks the version of a fragment. Nothing but its number is left of it in what the records see, so it
// must be right here.
func (i *importer) fragmentVersion(root *syntax.Node) bool {
	version := Version
	n := root.Get("version")
	if n != nil && !(&schema.Decoder{Report: i.report}).DecodeValue(n, schema.Int(&version, "version", Version, "")) {
		return false
	}
	return i.version(root) && n != nil
}

// beside is the name of a file that stands at a path relative to the folder of another.
func beside(name, file string) string {
	k := strings.LastIndexAny(name, `/\`)
	if k < 0 {
		return file
	}
	return path.Join(strings.ReplaceAll(name[:k+1], `\`, "/"), file)
}

// locate is schema.Decoder.Locate: a path counts from the folder of the file that it is written in, or in which the
// ${{ }} stands that gives it.
func (r *Recipe) locate(n *syntax.Node, file string) (located, refused string) {
	if dir := r.dirs[n.Span.Source]; dir != "" {
		file = path.Join(dir, file)
	}
	if whole := path.Join(r.folder, file); r.folder != "" && (whole == ".." || strings.HasPrefix(whole, "../")) {
		return "", "is " + quote(n.Text) + ", which leads out of the repository (without one: out of the recipe's folder); a recipe reads nothing outside"
	}
	return file, ""
}

// own tells whether a node stands in the recipe itself, not in a file that it imports.
func (p *parser) own(n *syntax.Node) bool { return n.Span.Source == p.recipe.Source }
