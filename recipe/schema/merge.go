package schema

import "github.com/pare-ml/pare/recipe/syntax"

// Merge lays the mapping over upon base as syntax.Merge does, and knows short forms: `algorithm: gptq` in base with
// `algorithm: {damp: 0.1}` over it keeps gptq. A short form in over replaces what it covers. It returns a node that
// decodes as o; either may be nil.
func (o Object) Merge(base, over *syntax.Node) *syntax.Node {
	return syntax.Merge(o.expand(base, over), over)
}

// expand writes out the short forms of base into which over reaches.
func (o Object) expand(base, over *syntax.Node) *syntax.Node {
	if isEmpty(base) || isEmpty(over) || over.Kind != syntax.Mapping {
		return base
	}
	if base.Kind != syntax.Mapping {
		if o.Short == "" {
			return base
		}
		key := &syntax.Node{Kind: syntax.Scalar, Span: base.Span, Text: o.Short, Plain: true}
		base = &syntax.Node{Kind: syntax.Mapping, Span: base.Span, Pairs: []syntax.Pair{{Key: key, Value: base}}}
	}
	out := *base
	out.Pairs = nil
	for _, p := range base.Pairs {
		f := o.Field(p.Key.Text)
		none := p.Value.Kind == syntax.Scalar && p.Value.Text == "none"
		if f != nil && f.Kind == KindObject && !(f.Optional && none) {
			p.Value = f.Fields.expand(p.Value, over.Get(p.Key.Text))
		}
		out.Pairs = append(out.Pairs, p)
	}
	return &out
}
