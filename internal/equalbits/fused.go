package equalbits

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"math"
)

// fused finds products that may be fused with a sum. A product without a conversion is followed through variables,
// arguments of calls and results of functions, without regard to the order of statements; through elements and fields
// as far as one function names them in the same words.
func (c *checker) fused() {
	s := &sums{checker: c, vars: map[types.Object]token.Pos{}, results: map[*types.Func]map[int]token.Pos{}}
	for s.changed = true; s.changed; {
		s.changed = false
		s.walk()
	}
	s.report = true
	s.walk()
}

type sums struct {
	*checker
	vars    map[types.Object]token.Pos        // variables that may hold a product, and where it is made
	results map[*types.Func]map[int]token.Pos // functions that may return one
	changed bool
	report  bool

	info  *types.Info          // of the package at hand
	fn    *types.Func          // the function at hand; nil in a function literal
	named []types.Object       // its named results
	words map[string]token.Pos // elements and fields that may hold a product, as this function writes them
}

func (s *sums) walk() {
	s.program.each(func(pkg *Package, f *ast.File) {
		s.info = pkg.Info
		for _, d := range f.Decls {
			s.fn, s.named, s.words = nil, nil, map[string]token.Pos{}
			decl, ok := d.(*ast.FuncDecl)
			if !ok {
				s.body(d)
				continue
			}
			if decl.Body == nil {
				continue
			}
			s.fn = s.info.Defs[decl.Name].(*types.Func)
			if decl.Type.Results != nil {
				for _, field := range decl.Type.Results.List {
					for _, name := range field.Names {
						s.named = append(s.named, s.info.Defs[name])
					}
				}
			}
			for n := -1; n != len(s.words); { // words grow until all are known
				n = len(s.words)
				report := s.report
				s.report = false
				s.body(decl.Body)
				s.report = report
			}
			if s.report {
				s.body(decl.Body)
			}
			for i, v := range s.named {
				if at, ok := s.vars[v]; ok {
					s.returns(i, at)
				}
			}
		}
	})
}

func (s *sums) body(n ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			fn := s.fn
			s.fn = nil
			s.body(n.Body)
			s.fn = fn
			return false
		case *ast.BinaryExpr:
			if n.Op == token.ADD || n.Op == token.SUB {
				s.sum(n.X, n)
				s.sum(n.Y, n)
			}
		case *ast.AssignStmt:
			s.assign(n)
		case *ast.ValueSpec:
			for i, name := range n.Names {
				if len(n.Values) == len(n.Names) {
					s.holds(name, n.Values[i])
				} else if len(n.Values) == 1 {
					s.holdsResult(name, n.Values[0], i)
				}
			}
		case *ast.IncDecStmt:
			s.sum(n.X, n.X)
		case *ast.ReturnStmt:
			for i, e := range n.Results {
				if at, ok := s.product(e); ok {
					s.returns(i, at)
				}
			}
		case *ast.CallExpr:
			s.call(n)
		}
		return true
	})
}

// sum is told of each operand of a sum, which is sum or assigned by it.
func (s *sums) sum(operand, sum ast.Expr) {
	t := s.info.Types[sum]
	if t.Value != nil || !s.float(s.info.TypeOf(operand)) {
		return
	}
	at, ok := s.product(operand)
	if !ok || !s.report {
		return
	}
	typ := s.info.TypeOf(operand).String()
	if made, used := s.program.Fset.Position(at), s.program.Fset.Position(operand.Pos()); made.Line != used.Line || made.Filename != used.Filename {
		s.find(at, "this product may be fused with the sum at %s:%d; write %s(...)", base(used.Filename), used.Line, typ)
		return
	}
	s.find(at, "this product may be fused with its sum; write %s(...)", typ)
}

// product tells whether an expression may be a product that was not rounded, and where that is made.
func (s *sums) product(e ast.Expr) (token.Pos, bool) {
	if s.info.Types[e].Value != nil {
		return 0, false
	}
	switch e := e.(type) {
	case *ast.ParenExpr:
		return s.product(e.X)
	case *ast.UnaryExpr:
		if e.Op == token.SUB || e.Op == token.ADD {
			return s.product(e.X)
		}
	case *ast.BinaryExpr:
		// A compiler divides by a power of two by a product with its inverse.
		return e.Pos(), s.float(s.info.TypeOf(e)) && (e.Op == token.MUL || e.Op == token.QUO && powerOfTwo(s.info.Types[e.Y].Value))
	case *ast.CallExpr:
		if len(e.Args) == 1 && s.info.Types[e.Fun].IsType() && s.wider(s.info.TypeOf(e), s.info.TypeOf(e.Args[0])) {
			return s.product(e.Args[0]) // rounded, if at all, to more digits than the product has
		}
		return s.result(e, 0)
	case *ast.Ident:
		at, ok := s.vars[s.info.ObjectOf(e)]
		return at, ok && s.float(s.info.TypeOf(e))
	case *ast.IndexExpr, *ast.SelectorExpr, *ast.StarExpr:
		at, ok := s.words[types.ExprString(e)]
		return at, ok
	}
	return 0, false
}

func (s *sums) result(call *ast.CallExpr, i int) (token.Pos, bool) {
	if fn := s.callee(call); fn != nil {
		at, ok := s.results[fn][i]
		return at, ok
	}
	return 0, false
}

func (s *sums) assign(n *ast.AssignStmt) {
	switch n.Tok {
	case token.ADD_ASSIGN, token.SUB_ASSIGN:
		s.sum(n.Lhs[0], n.Lhs[0])
		s.sum(n.Rhs[0], n.Lhs[0])
	case token.MUL_ASSIGN, token.QUO_ASSIGN:
		if s.float(s.info.TypeOf(n.Lhs[0])) && (n.Tok == token.MUL_ASSIGN || powerOfTwo(s.info.Types[n.Rhs[0]].Value)) {
			s.taint(n.Lhs[0], n.Pos())
		}
	case token.ASSIGN, token.DEFINE:
		for i, l := range n.Lhs {
			if len(n.Rhs) == len(n.Lhs) {
				s.holds(l, n.Rhs[i])
			} else {
				s.holdsResult(l, n.Rhs[0], i)
			}
		}
	}
}

// holds is told that a place gets a value.
func (s *sums) holds(place, value ast.Expr) {
	if at, ok := s.product(value); ok {
		s.taint(place, at)
	}
}

func (s *sums) holdsResult(place, value ast.Expr, i int) {
	if call, ok := value.(*ast.CallExpr); ok {
		if at, ok := s.result(call, i); ok {
			s.taint(place, at)
		}
	}
}

func (s *sums) taint(place ast.Expr, at token.Pos) {
	switch e := place.(type) {
	case *ast.ParenExpr:
		s.taint(e.X, at)
	case *ast.Ident:
		if v := s.info.ObjectOf(e); v != nil {
			s.taintVar(v, at)
		}
	case *ast.IndexExpr, *ast.SelectorExpr, *ast.StarExpr:
		if _, ok := s.words[types.ExprString(e)]; !ok {
			s.words[types.ExprString(e)] = at
		}
	}
}

func (s *sums) taintVar(v types.Object, at token.Pos) {
	if _, ok := s.vars[v]; !ok {
		s.vars[v], s.changed = at, true
	}
}

func (s *sums) returns(i int, at token.Pos) {
	if s.fn == nil {
		return
	}
	m := s.results[s.fn]
	if m == nil {
		m = map[int]token.Pos{}
		s.results[s.fn] = m
	}
	if _, ok := m[i]; !ok {
		m[i], s.changed = at, true
	}
}

// call hands products that are arguments to the parameters, as a compiler does that writes the callee in place of the
// call.
func (s *sums) call(n *ast.CallExpr) {
	fn := s.callee(n)
	if fn == nil {
		return
	}
	params := fn.Signature().Params()
	for i, arg := range n.Args {
		at, ok := s.product(arg)
		if ok && i < params.Len() && !(fn.Signature().Variadic() && i >= params.Len()-1) {
			s.taintVar(params.At(i), at)
		}
	}
}

// callee returns the declared function that is called, if that is known.
func (s *sums) callee(n *ast.CallExpr) *types.Func {
	fun := ast.Unparen(n.Fun)
	switch e := fun.(type) {
	case *ast.IndexExpr:
		fun = e.X
	case *ast.IndexListExpr:
		fun = e.X
	}
	var id *ast.Ident
	switch e := fun.(type) {
	case *ast.Ident:
		id = e
	case *ast.SelectorExpr:
		id = e.Sel
	default:
		return nil
	}
	if fn, ok := s.info.Uses[id].(*types.Func); ok {
		return fn.Origin()
	}
	return nil
}

// float tells whether a type is one of floating-point numbers, or a type parameter that may be one.
func (s *sums) float(t types.Type) bool {
	if t == nil {
		return false
	}
	if p, ok := t.(*types.TypeParam); ok {
		found := false
		eachTerm(p.Constraint(), func(t types.Type) { found = found || s.float(t) })
		return found
	}
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&(types.IsFloat|types.IsComplex) != 0
}

// wider tells whether a conversion makes a float64 of a float32.
func (s *sums) wider(to, from types.Type) bool {
	t, ok1 := to.Underlying().(*types.Basic)
	f, ok2 := from.Underlying().(*types.Basic)
	return ok1 && ok2 && t.Kind() == types.Float64 && f.Kind() == types.Float32
}

// powerOfTwo tells whether v is a constant, and a power of two.
func powerOfTwo(v constant.Value) bool {
	if v == nil || v.Kind() != constant.Int && v.Kind() != constant.Float {
		return false
	}
	x, _ := constant.Float64Val(v)
	fraction, _ := math.Frexp(x)
	return math.Abs(fraction) == 0.5
}

// eachTerm calls do for each type that a constraint lists.
func eachTerm(constraint types.Type, do func(types.Type)) {
	i, ok := constraint.Underlying().(*types.Interface)
	if !ok {
		return
	}
	for e := range i.EmbeddedTypes() {
		switch e := e.(type) {
		case *types.Union:
			for term := range e.Terms() {
				do(term.Type())
			}
		case *types.Named, *types.Alias:
			if types.IsInterface(e) {
				eachTerm(e, do)
			} else {
				do(e)
			}
		default:
			do(e)
		}
	}
}
