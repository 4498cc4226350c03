package lazyregexp

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestRegexp(t *testing.T) {
	r := New(`^(a+)b`)
	if !r.MatchString("aab") || r.Match([]byte("b")) {
		t.Error("it does not match as regexp does")
	}
	if m := r.FindStringSubmatch("aab"); len(m) != 2 || m[1] != "aa" {
		t.Error(m)
	}
	if m := New(`a`).FindAllStringSubmatch("aa", -1); len(m) != 2 {
		t.Error(m)
	}
}

// TestAllCompile compiles every expression that a file of the repository gives to New.
func TestAllCompile(t *testing.T) {
	fset := token.NewFileSet()
	seen := 0
	look := func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		f, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || f.Sel.Name != "New" {
			return true
		}
		if x, ok := f.X.(*ast.Ident); !ok || x.Name != "lazyregexp" {
			return true
		}
		seen++
		literal, ok := call.Args[0].(*ast.BasicLit)
		if !ok {
			t.Errorf("%s: write the expression as a literal, so that this test can compile it", fset.Position(call.Pos()))
			return true
		}
		text, err := strconv.Unquote(literal.Value)
		if err == nil {
			_, err = regexp.Compile(text)
		}
		if err != nil {
			t.Errorf("%s: %v", fset.Position(call.Pos()), err)
		}
		return true
	}
	err := filepath.WalkDir(filepath.Join("..", ".."), func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && d.Name() != ".."):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go"):
			return nil
		}
		f, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, look)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 20 {
		t.Errorf("only %d expressions were found: is the walk right?", seen)
	}
}
