package schema

import (
	"fmt"

	"github.com/pare-ml/pare/recipe/syntax"
)

// Nested binds a mapping whose defaults hold when it is absent.
func Nested(name, doc string, o Object) *Field {
	f := &Field{Name: name, Doc: doc, Kind: KindObject, Fields: &o}
	f.bind = func(d *Decoder, n, key *syntax.Node, name string) { d.object(n, key, name, o) }
	f.show = func() any { return o.Settings() }
	return f
}

// Optional binds a mapping that may be absent (or written none): *p is then nil.
func Optional[T any](p **T, name, doc string, fields func(*T) Object) *Field {
	*p = nil
	o := fields(new(T))
	f := &Field{Name: name, Doc: doc, Kind: KindObject, Optional: true, Default: "none", Fields: &o}
	f.bind = func(d *Decoder, n, key *syntax.Node, name string) {
		if n.Kind == syntax.Scalar && n.Text == "none" {
			*p = nil
			return
		}
		v := new(T)
		d.object(n, key, name, fields(v))
		*p = v
	}
	f.show = func() any {
		if *p == nil {
			return "none"
		}
		return settingsOf(**p, fields)
	}
	return f
}

// List binds a list of mappings.
func List[T any](p *[]T, name, doc string, fields func(*T) Object) *Field {
	*p = nil
	o := fields(new(T))
	f := &Field{Name: name, Doc: doc, Kind: KindList, Fields: &o}
	f.bind = func(d *Decoder, n, _ *syntax.Node, name string) {
		if n.Kind != syntax.Sequence {
			d.notList(n, f, name)
			return
		}
		list := make([]T, len(n.Items))
		for i, item := range n.Items {
			name := fmt.Sprintf("%s[%d]", name, i)
			one := Field{Name: name, Kind: KindObject}
			if o := fields(&list[i]); isEmpty(item) {
				d.empty(item, nil, &one, name)
			} else {
				d.object(item, nil, name, o)
			}
		}
		*p = list
	}
	f.show = func() any {
		out := make([]any, len(*p))
		for i, v := range *p {
			out[i] = settingsOf(v, fields)
		}
		return out
	}
	return f
}

// Named is one entry of a mapping whose names the user chooses.
type Named[T any] struct {
	Name  string
	Key   *syntax.Node
	Value T
}

// Map binds a mapping whose names the user chooses, each with a mapping of its own, in the order of the text.
func Map[T any](p *[]Named[T], name, doc string, fields func(*T) Object) *Field {
	*p = nil
	o := fields(new(T))
	f := &Field{Name: name, Doc: doc, Kind: KindMap, Fields: &o}
	f.bind = func(d *Decoder, n, _ *syntax.Node, name string) {
		if n.Kind != syntax.Mapping {
			d.wrongType(n, name, f.wants())
			return
		}
		list := make([]Named[T], len(n.Pairs))
		for i, pair := range n.Pairs {
			list[i].Name, list[i].Key = pair.Key.Text, pair.Key
			one := Field{Name: pair.Key.Text, Kind: KindObject}
			if o := fields(&list[i].Value); isEmpty(pair.Value) {
				d.empty(pair.Value, pair.Key, &one, one.Name)
			} else {
				d.object(pair.Value, pair.Key, one.Name, o)
			}
		}
		*p = list
	}
	f.show = func() any {
		out := make([]Setting, len(*p))
		for i, v := range *p {
			out[i] = Setting{Name: v.Name, Value: settingsOf(v.Value, fields)}
		}
		return out
	}
	return f
}

// settingsOf returns the settings of a value that is bound to no fields at the moment: fields binds a copy, which
// sets it to the defaults, and then takes the value back.
func settingsOf[T any](v T, fields func(*T) Object) []Setting {
	bound := new(T)
	o := fields(bound)
	o.Node = nil
	*bound = v
	return o.Settings()
}
