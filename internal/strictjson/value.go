package strictjson

import (
	"math"
	"strconv"
)

// Kind is what a value is.
type Kind byte

const (
	Null Kind = iota
	Bool
	Number
	Text
	List
	Object
)

// Value is a JSON value that knows its place in the text, so that one part can be changed while every other byte stays.
type Value struct {
	Kind       Kind
	Start, End int    // its bytes: text[Start:End]
	Text       string // of Text: the string; of Number and Bool: as it is written
	Items      []*Value
	Members    []Member
}

// Member is an entry of an object, in the text's order.
type Member struct {
	Key   string
	At    int // where the key begins
	Value *Value
}

// Parse reads one value and nothing behind it. The error is an *Error.
func Parse(data []byte) (*Value, error) {
	s := New(data)
	v := s.Value()
	s.End()
	if s.err != nil {
		return nil, s.err
	}
	return v, nil
}

// ParsePython is Parse for what Python's json module writes: NaN, Infinity and -Infinity are numbers too.
func ParsePython(data []byte) (*Value, error) {
	s := New(data)
	s.python = true
	v := s.Value()
	s.End()
	if s.err != nil {
		return nil, s.err
	}
	return v, nil
}

// Value reads whatever value stands next.
func (s *Scanner) Value() *Value {
	c := s.Peek()
	v := &Value{Start: s.pos}
	switch {
	case s.err != nil:
	case c == '{':
		v.Kind = Object
		s.Object(func(key string, at int) { v.Members = append(v.Members, Member{key, at, s.Value()}) })
	case c == '[':
		v.Kind = List
		s.List(func() { v.Items = append(v.Items, s.Value()) })
	case c == '"':
		v.Kind, v.Text = Text, s.Text()
	case s.Word("true"):
		v.Kind, v.Text = Bool, "true"
	case s.Word("false"):
		v.Kind, v.Text = Bool, "false"
	case s.Word("null"):
	case s.Word("NaN"), s.Word("Infinity"), s.Word("-Infinity"):
		v.Kind, v.Text = Number, string(s.data[v.Start:s.pos])
		if !s.python {
			s.FailAt(v.Start, "NaN and Infinity are no JSON")
		}
	default:
		v.Kind = Number
		v.Text, _ = s.Number()
	}
	v.End = s.pos
	return v
}

// Skip reads past whatever value stands next.
func (s *Scanner) Skip() {
	switch c := s.Peek(); {
	case s.err != nil:
	case c == '{':
		s.Object(func(string, int) { s.Skip() })
	case c == '[':
		s.List(s.Skip)
	case c == '"':
		s.Text()
	case s.Word("true"), s.Word("false"), s.Word("null"):
	default:
		s.Number()
	}
}

// Get returns the value of a key, nil if v is no object or has none of that name.
func (v *Value) Get(key string) *Value {
	if v == nil {
		return nil
	}
	for i := range v.Members {
		if v.Members[i].Key == key {
			return v.Members[i].Value
		}
	}
	return nil
}

// Is reports whether there is a value of that kind.
func (v *Value) Is(k Kind) bool { return v != nil && v.Kind == k }

// Int returns a whole number; ok is false for anything else.
func (v *Value) Int() (n int64, ok bool) {
	if !v.Is(Number) {
		return 0, false
	}
	n, err := strconv.ParseInt(v.Text, 10, 64)
	return n, err == nil
}

// Float returns a finite number; ok is false for anything else.
func (v *Value) Float() (f float64, ok bool) {
	if !v.Is(Number) {
		return 0, false
	}
	f, err := strconv.ParseFloat(v.Text, 64)
	return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
}

// TextOr returns a string, other if v is none.
func (v *Value) TextOr(other string) string {
	if v.Is(Text) {
		return v.Text
	}
	return other
}

// True reports whether v is true.
func (v *Value) True() bool { return v.Is(Bool) && v.Text == "true" }
