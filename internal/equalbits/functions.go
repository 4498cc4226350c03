package equalbits

import (
	"go/ast"
	"go/types"
	"strconv"
)

// exact are the functions of package math whose results are exact or rounded correctly, hence the same everywhere.
// What is not here has assembly on some processors, or may get it, or is made of products and sums.
var exact = map[string]bool{
	"Abs": true, "Ceil": true, "Copysign": true, "Dim": true, "FMA": true, "Float32bits": true, "Float32frombits": true,
	"Float64bits": true, "Float64frombits": true, "Floor": true, "Frexp": true, "Ilogb": true, "Inf": true, "IsInf": true,
	"IsNaN": true, "Ldexp": true, "Logb": true, "Max": true, "Min": true, "Mod": true, "Modf": true, "NaN": true,
	"Nextafter": true, "Nextafter32": true, "Remainder": true, "Round": true, "RoundToEven": true, "Signbit": true,
	"Sqrt": true, "Trunc": true,
}

// unequal are packages whose results differ between machines, runs or versions of Go, and what serves instead.
var unequal = map[string]string{
	"hash/maphash": "its seed differs from run to run; use crypto/sha256",
	"math/cmplx":   "its functions differ between processors",
	"math/rand":    "its numbers are not ours to keep; use internal/rng",
	"math/rand/v2": "its numbers are not ours to keep; use internal/rng",
}

// functions finds functions and packages whose results are not the same everywhere.
func (c *checker) functions(pkg *Package) {
	for _, f := range pkg.Files {
		for _, spec := range f.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			if why := unequal[path]; why != "" {
				c.find(spec.Pos(), "%s: %s", path, why)
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			fn, ok := pkg.Info.Uses[id].(*types.Func)
			if ok && fn.Pkg() != nil && fn.Pkg().Path() == "math" && !exact[fn.Name()] {
				c.find(id.Pos(), "math.%s has other last bits on other processors; use internal/kernel's", fn.Name())
			}
			return true
		})
	}
}
