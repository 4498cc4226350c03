package recipe

import (
	"slices"
	"strings"

	"github.com/pare-ml/pare/recipe/condition"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// Bounds of what selectors may ask for: 1,000 selectors over 10,000 layers are matched in well under a second.
const (
	longestPattern = 500 // bytes
	mostSelectors  = 1000
)

// Selector picks layers. Made by Parse. It is safe for concurrent use.
type Selector struct {
	Text string
	Node *syntax.Node
	When *condition.Condition // of the form {targets: […], when: …}, over layer, model and vars facts; else nil

	match  func(name, typ, role string) bool
	byName bool        // match looks at nothing else
	inner  []*Selector // of the form with a condition: its patterns
}

// Match tells whether the selector picks a layer of this name, type and role. It does not look at When.
func (s *Selector) Match(name, typ, role string) bool { return s.match(name, typ, role) }

// ByName tells whether Match looks at the name alone.
func (s *Selector) ByName() bool { return s.byName }

// Parts returns the patterns of a selector of the form {targets: […], when: …}, nil for any other.
func (s *Selector) Parts() []*Selector { return s.inner }

// Selector reads a selector that stands outside a recipe, in a test of one, say. It returns nil after reporting what is
// wrong with it.
func (l *Language) Selector(n *syntax.Node, report *diag.List) *Selector {
	p := &parser{lang: l, report: report, recipe: &Recipe{lang: l}, varsUsed: map[string]bool{}}
	return p.textSelector(n)
}

// selectors reads the list behind targets or ignore. The list must not be empty.
func (p *parser) selectors(n *syntax.Node, key string) []*Selector {
	list := p.list(n, key, "a list of selectors")
	var out []*Selector
	for at, item := range list {
		if s := p.selector(item, key); s != nil {
			if i := slices.IndexFunc(out, func(o *Selector) bool { return o.Text == s.Text && o.When == nil && s.When == nil }); i >= 0 {
				p.report.Add(diag.Diagnostic{Severity: diag.Warning, Code: "selector-repeated", Span: s.Node.Span,
					Message: key + " names " + quote(s.Text) + " twice", Related: []diag.Related{{Span: out[i].Node.Span, Message: "the first one"}}})
				p.report.Fix(removeItem(list, at))
				continue
			}
			out = append(out, s)
		}
	}
	return out
}

// list returns the items behind a key that must hold a list with something in it.
func (p *parser) list(n *syntax.Node, key, what string) []*syntax.Node {
	switch {
	case n == nil:
		return nil
	case n.Kind == syntax.Null || n.Kind == syntax.Sequence && len(n.Items) == 0:
		p.report.Errorf(n.Span, "empty-value", "%s is empty; it must be %s, or be left out", key, what)
	case n.Kind == syntax.Scalar:
		p.report.Errorf(n.Span, "wrong-type", "%s is the text %s; it must be %s: write [%s]", key, quote(n.Text), what, asWritten(n))
		if !strings.ContainsAny(n.Span.Text(), "\r\n") {
			p.report.Fix(diag.Replace(n.Span, "["+asWritten(n)+"]"))
		}
	case n.Kind == syntax.Mapping:
		p.report.Errorf(n.Span, "wrong-type", "%s is a mapping; it must be %s", key, what)
	default:
		return n.Items
	}
	return nil
}

// asWritten quotes a scalar for use inside [ ].
func asWritten(n *syntax.Node) string { return schema.FormatValue(n.Text, schema.KindString) }

func (p *parser) selector(n *syntax.Node, key string) *Selector {
	p.selectorCount++
	if p.selectorCount == mostSelectors+1 {
		p.report.Errorf(n.Span, "too-many", "a recipe may have %d selectors; this is one more. Use globs", mostSelectors)
	}
	if p.selectorCount > mostSelectors {
		return nil
	}
	switch n.Kind {
	case syntax.Mapping:
		return p.conditional(n)
	case syntax.Scalar:
		return p.textSelector(n)
	case syntax.Null:
		p.report.Errorf(n.Span, "empty-value", "an entry of %s is empty; it must be a selector such as block1.** or type:conv", key)
	default:
		p.report.Errorf(n.Span, "wrong-type", "an entry of %s is a list; it must be a selector such as block1.** or type:conv", key)
	}
	return nil
}

// conditional reads a selector of the form {targets: […], when: …}.
func (p *parser) conditional(n *syntax.Node) *Selector {
	var targets, when *syntax.Node
	ok := p.decoder(varFacts, nil, p.report).Decode(n, selectorFields(&targets, &when))
	if !ok {
		return nil
	}
	s := &Selector{Node: n, When: p.condition(when, "when", overrideFacts)}
	inner := p.selectors(targets, "targets")
	var texts []string
	for _, t := range inner {
		if t.When != nil {
			p.report.Errorf(t.Node.Span, "wrong-type", "a selector with a condition stands inside another; write its patterns here and one condition")
			return nil
		}
		texts = append(texts, t.Text)
	}
	if len(inner) == 0 || when != nil && s.When == nil {
		return nil // reported
	}
	s.Text, s.inner = strings.Join(texts, ", "), inner
	s.match = func(name, typ, role string) bool {
		return slices.ContainsFunc(inner, func(t *Selector) bool { return t.Match(name, typ, role) })
	}
	return s
}

// The prefixes of a selector, and what people write instead.
var (
	selectorPrefixes = []string{"re:", "type:", "role:"}
	otherPrefixes    = map[string]string{"regex:": "re:", "regexp:": "re:", "kind:": "type:", "types:": "type:", "roles:": "role:"}
)

func (p *parser) textSelector(n *syntax.Node) *Selector {
	text := n.Text
	if schema.HasTemplate(n) {
		var ok bool
		f := schema.String(&text, "the selector", "", "")
		if ok = p.decoder(varFacts, nil, p.report).DecodeValue(n, f); !ok {
			return nil
		}
	}
	s := &Selector{Text: text, Node: n}
	if len(text) > longestPattern {
		p.report.Errorf(n.Span, "bad-selector", "the selector is %d bytes long; it may have %d", len(text), longestPattern)
		return nil
	}
	switch {
	case text == "":
		p.report.Errorf(n.Span, "bad-selector", "the selector is empty; write ** for every layer")
		return nil
	case strings.HasPrefix(text, "re:"):
		re, err := compileRegex(text[len("re:"):])
		if err != nil {
			p.badPattern(s, err, len("re:"))
			return nil
		}
		s.byName, s.match = true, func(name, _, _ string) bool { return re.MatchString(name) }
	case strings.HasPrefix(text, "type:"):
		word := p.word(s, "type", p.lang.Types)
		s.match = func(_, typ, _ string) bool { return typ == word }
		return orNone(s, word)
	case strings.HasPrefix(text, "role:"):
		word := p.word(s, "role", p.lang.Roles)
		s.match = func(_, _, role string) bool { return role == word }
		return orNone(s, word)
	default:
		return p.globSelector(s)
	}
	return s
}

func orNone(s *Selector, word string) *Selector {
	if word == "" {
		return nil
	}
	return s
}

func (p *parser) globSelector(s *Selector) *Selector {
	if prefix, _, ok := strings.Cut(s.Text, ":"); ok {
		prefix += ":"
		use := otherPrefixes[strings.ToLower(prefix)]
		if use == "" && !strings.HasPrefix(s.Text, prefix+":") {
			use = diag.Near(prefix, selectorPrefixes)
		}
		if use != "" {
			p.report.Errorf(p.within(s, 0, len(prefix)), "bad-selector", "unknown selector prefix %s; did you mean %s?", quote(prefix), quote(use))
			if span := p.within(s, 0, len(prefix)); span.Text() == prefix {
				p.report.Fix(diag.Replace(span, use))
			}
			return nil
		}
	}
	g, err := compileGlob(s.Text)
	if err != nil {
		p.badPattern(s, err, 0)
		return nil
	}
	s.byName, s.match = true, func(name, _, _ string) bool { return g.match(name) }
	return s
}

// word returns the type or role that a selector names, or "" after reporting that there is no such.
func (p *parser) word(s *Selector, kind string, words []Word) string {
	word := s.Text[len(kind)+1:]
	known := names(words)
	if slices.Contains(known, word) {
		return word
	}
	p.report.Errorf(p.within(s, len(kind)+1, len(s.Text)), "unknown-"+kind, "unknown layer %s %s%s", kind, quote(word), diag.Suggest(word, known))
	p.report.Fix(diag.Rename(p.within(s, len(kind)+1, len(s.Text)), word, known))
	return ""
}

func (p *parser) badPattern(s *Selector, e *globError, offset int) {
	p.report.Errorf(p.within(s, e.at+offset, e.end+offset), "bad-selector", "selector %s: %s", quote(s.Text), e.message)
}

// within is the place of the bytes [i:j] of a selector's text; the whole of it if templates were filled in.
func (p *parser) within(s *Selector, i, j int) diag.Span {
	if s.Text != s.Node.Text {
		return s.Node.Span
	}
	return s.Node.Sub(i, j)
}

func names(words []Word) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = w.Name
	}
	return out
}
