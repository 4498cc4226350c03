// Package syntax turns the YAML text of a recipe into nodes that know, for every byte of every value, the byte of the
// text it came from. It knows no key of the language. It is the only importer of a YAML library.
//
// The library (gopkg.in/yaml.v3) decides what the text means; it gives a start line and column for each node and no
// more. So a second, small decoder reads each scalar again and is believed only where it comes to the same value
// (scalar.go), a light lexer finds where brackets close and words its syntax errors (lex.go, complain.go), and the walk
// over the library's nodes refuses what the library lets through: duplicate keys, alias bombs and cycles, second
// documents, foreign tags (walk.go).
//
// One thing is ours: `${{ … }}` is a word. Outside quotes YAML would break it up at braces, colons and commas; here it
// holds together, so `{type: ${{ vars.type }}, group_size: 64}` means what it says.
package syntax

import "github.com/pare-ml/pare/recipe/diag"

// Kind of a node.
type Kind uint8

const (
	Null   Kind = iota // nothing, ~ or null, written plain
	Scalar             // one value; its type is decided by whoever decodes it, from Text and Plain
	Sequence
	Mapping
)

// String returns the word that messages use: nothing, a value, a list, a mapping.
func (k Kind) String() string {
	switch k {
	case Null:
		return "nothing"
	case Scalar:
		return "a value"
	case Sequence:
		return "a list"
	}
	return "a mapping"
}

// Node is a value of the text. Nodes are not changed after Parse; Merge makes new ones. Aliases share the nodes of
// their anchor, so a node may have several parents.
type Node struct {
	Kind  Kind
	Span  diag.Span // the value's own bytes, quotes included, tag and anchor left out
	Text  string    // Scalar and Null: the decoded value
	Plain bool      // Scalar and Null: written without quotes and not as a block, so 8 is a number and "8" is not
	Items []*Node   // Sequence
	Pairs []Pair    // Mapping, in the order of the text; keys are unique scalars; merge keys (<<) are already applied

	Alias diag.Span // where the value was brought in by *name, if it was; Span is then the anchor's value

	runs []run // Scalar: where in the source the bytes of Text come from, or nil if that cannot be followed
}

// Pair is a key of a mapping with its value.
type Pair struct{ Key, Value *Node }

// Get returns the value of a key, or nil. It works on a nil node.
func (n *Node) Get(key string) *Node {
	if p := n.Pair(key); p != nil {
		return p.Value
	}
	return nil
}

// Pair returns the pair with this key, or nil.
func (n *Node) Pair(key string) *Pair {
	if n == nil {
		return nil
	}
	for i := range n.Pairs {
		if n.Pairs[i].Key.Text == key {
			return &n.Pairs[i]
		}
	}
	return nil
}

// KeySpan returns the place of a key, or the place where a missing key would be told: the mapping's first line.
func (n *Node) KeySpan(key string) diag.Span {
	if p := n.Pair(key); p != nil {
		return p.Key.Span
	}
	return n.Head()
}

// Head returns the place to mark when a finding is about a whole collection: its first key, its opening bracket, the
// first line of its first item. For a scalar it is the scalar.
func (n *Node) Head() diag.Span {
	if n == nil {
		return diag.Span{}
	}
	s := n.Span
	switch {
	case n.Kind != Sequence && n.Kind != Mapping || s.Source == nil || s.Start >= len(s.Source.Text):
		return s
	case s.Source.Text[s.Start] == '[' || s.Source.Text[s.Start] == '{' || s.Source.Text[s.Start] == '-':
		return diag.Span{Source: s.Source, Start: s.Start, End: s.Start + 1}
	}
	for _, p := range n.Pairs { // the first stands there, unless Merge put others before it
		if p.Key.Span.Source == s.Source && p.Key.Span.Start == s.Start {
			return p.Key.Span
		}
	}
	return s
}
