package equalbits

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// Program is a set of packages, read and typed together.
type Program struct {
	Fset     *token.FileSet
	Packages []*Package // each after those that it imports
}

// Package is one package without its tests.
type Package struct {
	Path  string
	Files []*ast.File
	Info  *types.Info
}

func (p *Program) each(do func(*Package, *ast.File)) {
	for _, pkg := range p.Packages {
		for _, f := range pkg.Files {
			do(pkg, f)
		}
	}
}

// Load reads the packages of dir's module that the patterns name or need, as the go command builds them with the tags.
// Packages of other modules are not read: their types come from what the compiler exported.
func Load(dir, tags string, patterns ...string) (*Program, error) {
	listed, err := list(dir, tags, patterns)
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	l := &loader{
		dir: dir, program: &Program{Fset: token.NewFileSet()},
		exports: map[string]string{}, own: map[string]*types.Package{},
	}
	l.gc = importer.ForCompiler(l.program.Fset, "gc", func(path string) (io.ReadCloser, error) {
		if l.exports[path] == "" {
			return nil, fmt.Errorf("the go command gave no export data for %s", path)
		}
		return os.Open(l.exports[path])
	})
	for _, p := range listed {
		l.exports[p.ImportPath] = p.Export
		if p.Module == nil || !p.Module.Main {
			continue
		}
		var files []string
		for _, name := range p.GoFiles {
			files = append(files, filepath.Join(p.Dir, name))
		}
		if err := l.add(p.ImportPath, files); err != nil {
			return nil, err
		}
	}
	return l.program, nil
}

type loader struct {
	dir     string // names of files are printed as they are in this folder
	program *Program
	exports map[string]string // file by import path
	own     map[string]*types.Package
	gc      types.Importer
}

// Import gives packages read from source before those that the compiler exported, so that one function is one object
// everywhere.
func (l *loader) Import(path string) (*types.Package, error) {
	if p := l.own[path]; p != nil {
		return p, nil
	}
	return l.gc.Import(path)
}

func (l *loader) add(path string, files []string) error {
	pkg := &Package{Path: path, Info: &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{},
	}}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		short := name
		if rel, err := filepath.Rel(l.dir, name); err == nil && filepath.IsLocal(rel) {
			short = rel
		}
		f, err := parser.ParseFile(l.program.Fset, short, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		pkg.Files = append(pkg.Files, f)
	}
	config := types.Config{Importer: l}
	typed, err := config.Check(path, l.program.Fset, pkg.Files, pkg.Info)
	if err != nil {
		return err
	}
	l.own[path] = typed
	l.program.Packages = append(l.program.Packages, pkg)
	return nil
}

// listing is what the go command says of a package.
type listing struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
	Module                  *struct{ Main bool }
}

// list asks the go command; imported packages come before those that import them.
func list(dir, tags string, patterns []string) ([]listing, error) {
	args := []string{"list", "-deps", "-export", "-json=ImportPath,Dir,Export,GoFiles,Module", "-tags", tags, "--"}
	out, err := run(dir, nil, "go", append(args, patterns...)...)
	if err != nil {
		return nil, err
	}
	var all []listing
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listing
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
}

// run returns what a command writes to its standard output.
func run(dir string, env []string, name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	cmd.Env = append(os.Environ(), env...)
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", name, args[0], err, stderr.Bytes())
	}
	return stdout.Bytes(), nil
}
