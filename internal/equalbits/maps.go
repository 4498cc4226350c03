package equalbits

import (
	"go/ast"
	"go/token"
	"go/types"
	"path/filepath"
	"strings"
)

func base(name string) string { return filepath.Base(name) }

// maps finds loops over a map whose order reaches further: the body appends to a slice that the function does not
// sort, writes text, or adds floating-point numbers up.
func (c *checker) maps(pkg *Package) {
	for _, f := range pkg.Files {
		for _, d := range f.Decls {
			decl, ok := d.(*ast.FuncDecl)
			if !ok || decl.Body == nil {
				continue
			}
			sorted := sortedSlices(pkg.Info, decl.Body)
			ast.Inspect(decl.Body, func(n ast.Node) bool {
				loop, ok := n.(*ast.RangeStmt)
				if ok && isMap(pkg.Info.TypeOf(loop.X)) {
					c.mapLoop(pkg.Info, loop, sorted)
				}
				return true
			})
		}
	}
}

func isMap(t types.Type) bool {
	if t == nil {
		return false
	}
	_, ok := t.Underlying().(*types.Map)
	return ok
}

func (c *checker) mapLoop(info *types.Info, loop *ast.RangeStmt, sorted map[string]bool) {
	ast.Inspect(loop.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			place := n.Lhs[0]
			if inside(info, place, loop) {
				return true
			}
			if b, ok := info.TypeOf(place).Underlying().(*types.Basic); ok && b.Info()&types.IsFloat != 0 &&
				(n.Tok == token.ADD_ASSIGN || n.Tok == token.SUB_ASSIGN || n.Tok == token.MUL_ASSIGN) {
				if _, keyed := place.(*ast.IndexExpr); !keyed {
					c.find(n.Pos(), "numbers are summed in the order of a map, which differs from run to run")
				}
			}
			if call, ok := n.Rhs[0].(*ast.CallExpr); ok && n.Tok == token.ASSIGN && isBuiltin(info, call, "append") {
				if _, keyed := place.(*ast.IndexExpr); !keyed && !sorted[types.ExprString(place)] {
					c.find(n.Pos(), "%s gets the order of a map, which differs from run to run; sort it", types.ExprString(place))
				}
			}
		case *ast.CallExpr:
			name := ""
			switch f := n.Fun.(type) {
			case *ast.SelectorExpr:
				name = f.Sel.Name
			case *ast.Ident:
				name = f.Name
			}
			if strings.HasPrefix(name, "Fprint") || strings.HasPrefix(name, "Write") {
				c.find(n.Pos(), "this is written in the order of a map, which differs from run to run")
			}
		}
		return true
	})
}

// inside tells whether a place is, or belongs to, a variable of the loop itself, which lives for one entry.
func inside(info *types.Info, place ast.Expr, loop *ast.RangeStmt) bool {
	switch e := place.(type) {
	case *ast.Ident:
		v := info.ObjectOf(e)
		return v == nil || loop.Pos() <= v.Pos() && v.Pos() < loop.End()
	case *ast.SelectorExpr:
		return inside(info, e.X, loop)
	case *ast.StarExpr:
		return inside(info, e.X, loop)
	}
	return false
}

// sortedSlices returns the slices that a function sorts, as it writes them.
func sortedSlices(info *types.Info, body ast.Node) map[string]bool {
	sorted := map[string]bool{}
	ast.Inspect(body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		name := types.ExprString(call.Fun)
		if strings.Contains(strings.ToLower(name), "sort") {
			for _, arg := range call.Args {
				sorted[types.ExprString(arg)] = true
			}
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
				sorted[types.ExprString(sel.X)] = true
			}
		}
		return true
	})
	return sorted
}

func isBuiltin(info *types.Info, call *ast.CallExpr, name string) bool {
	id, ok := call.Fun.(*ast.Ident)
	if !ok {
		return false
	}
	b, ok := info.Uses[id].(*types.Builtin)
	return ok && b.Name() == name
}
