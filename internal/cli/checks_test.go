package cli

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

var kebab = regexp.MustCompile(`^[a-z]+(-[a-z]+)+$`)

// reporters are the functions and methods that take a code, followed by a message.
var reporters = regexp.MustCompile(`^(Errorf|Warningf|Notef|error|fail|failFix|bad|warn|giveUp|complain|report|add)$`)

// Every code that the program can report is listed, and every code that is listed can be reported.
func TestEveryCodeIsListed(t *testing.T) {
	listed := map[string]bool{}
	for _, c := range Suite().Language().AllChecks() {
		if listed[c.Code] || c.Doc == "" {
			t.Errorf("%s is listed twice, or without a text", c.Code)
		}
		listed[c.Code] = true
	}
	found := map[string]string{}
	for _, dir := range []string{"../../recipe", "../../graph", "../../passes", "."} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") && filepath.Base(path) != "checks.go" {
				codesOf(t, path, found)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for code, path := range found {
		if !listed[code] {
			t.Errorf("%s reports %s, which no list of checks has", path, code)
		}
	}
	for code := range listed {
		if found[code] == "" && !strings.HasPrefix(code, "unknown-") { // some of those are put together
			t.Errorf("%s is listed, and nothing reports it", code)
		}
	}
}

func codesOf(t *testing.T, path string, found map[string]string) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	add := func(e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if s, err := strconv.Unquote(lit.Value); err == nil && kebab.MatchString(s) {
				found[s] = path
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Code" {
				add(n.Value)
			}
		case *ast.AssignStmt:
			if left, ok := n.Lhs[0].(*ast.SelectorExpr); ok && left.Sel.Name == "Code" && len(n.Rhs) == 1 {
				add(n.Rhs[0])
			}
		case *ast.CallExpr:
			name := ""
			switch f := n.Fun.(type) {
			case *ast.SelectorExpr:
				name = f.Sel.Name
			case *ast.Ident:
				name = f.Name
			}
			if reporters.MatchString(name) {
				for _, arg := range n.Args {
					add(arg)
				}
			}
		}
		return true
	})
}
