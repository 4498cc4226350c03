package ir

import (
	"strconv"
	"strings"
)

// Shape is a list of dimensions; a nil Shape means that not even the rank is known.
type Shape []Dim

// Dim is one dimension: a size, or a name ("batch"), or neither (Size -1, no name: unknown).
type Dim struct {
	Size int64 // -1 unless known
	Name string
}

// Unknown is a dimension of which nothing is known.
var Unknown = Dim{Size: -1}

// ShapeOf returns the shape of known sizes; never nil.
func ShapeOf(sizes ...int) Shape {
	s := make(Shape, len(sizes))
	for i, n := range sizes {
		s[i] = Dim{Size: int64(n)}
	}
	return s
}

// Known reports whether the dimension's size is known.
func (d Dim) Known() bool { return d.Size >= 0 }

// Same reports whether two dimensions are surely equal: by size or by name.
func (d Dim) Same(e Dim) bool {
	if d.Known() || e.Known() {
		return d.Size == e.Size
	}
	return d.Name != "" && d.Name == e.Name
}

// String returns the size, the name or "?".
func (d Dim) String() string {
	switch {
	case d.Known():
		return strconv.FormatInt(d.Size, 10)
	case d.Name != "":
		return d.Name
	}
	return "?"
}

// Ints returns the sizes if all are known.
func (s Shape) Ints() (sizes []int, ok bool) {
	if s == nil {
		return nil, false
	}
	sizes = make([]int, len(s))
	for i, d := range s {
		if !d.Known() {
			return nil, false
		}
		sizes[i] = int(d.Size)
	}
	return sizes, true
}

// Elements returns the product of the dimensions if all are known and the product fits.
func (s Shape) Elements() (n int, ok bool) {
	sizes, ok := s.Ints()
	if !ok {
		return 0, false
	}
	n, err := Elements(sizes)
	return n, err == nil
}

// String returns [batch 3 32 32]; "unknown" for a nil shape.
func (s Shape) String() string {
	if s == nil {
		return "unknown"
	}
	words := make([]string, len(s))
	for i, d := range s {
		words[i] = d.String()
	}
	return "[" + strings.Join(words, " ") + "]"
}
