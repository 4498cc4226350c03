package lsp

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/condition"
	"github.com/pare-ml/pare/recipe/jsonschema"
	"github.com/pare-ml/pare/recipe/schema"
)

// hover says what stands at an offset.
func (s *server) hover(d *document, offset int) any {
	h := &hovering{words: words{s.Language, d.structure()}, result: s.checked(d), offset: offset}
	text, start, end := h.help()
	if text == "" {
		return nil
	}
	r := d.lines.span(start, end)
	return hoverResult{Contents: s.markup(text), Range: &r}
}

// markup returns Markdown, for a client that does not show it without its marks.
func (s *server) markup(text string) markupContent {
	if s.markdown {
		return markupContent{"markdown", text}
	}
	return markupContent{"plaintext", strings.NewReplacer("**", "", "`", "", "*", "", "```yaml\n", "", "```\n", "").Replace(text)}
}

// hovering is one question about an offset.
type hovering struct {
	words
	result *Result // nil for a text that is no recipe
	offset int
}

// recipe returns the recipe as it was parsed, or nil.
func (h *hovering) recipe() *recipe.Recipe {
	if h.result == nil {
		return nil
	}
	return h.result.Recipe
}

// help returns what there is to say, in Markdown, and about which bytes.
func (h *hovering) help() (text string, start, end int) {
	sp := h.find(h.offset)
	switch {
	case sp == nil || sp.at == nil:
		return "", 0, 0
	case !sp.at.item && h.offset <= sp.at.keyEnd:
		return h.key(sp), sp.at.start, sp.at.keyEnd
	}
	p := h.place(sp.at)
	if e := h.expression(sp, p, h.offset); e != nil {
		return h.fact(e)
	}
	return h.value(sp, p), sp.start, sp.end
}

// key is help on a key, or on a name that the user chose.
func (h *hovering) key(sp *spot) string {
	p := h.place(sp.in)
	name := sp.at.key
	switch {
	case p.format() == schema.FormatVars:
		return h.variable(name)
	case p.names:
		return h.data(name)
	case p.object == nil:
		return ""
	}
	f := p.object.Field(name)
	if f == nil {
		return ""
	}
	if w := h.passWord(name); w != nil && p.step != nil && sp.in == p.step {
		return "**" + name + "** (pass)\n\n" + jsonschema.PassHelp(w) + h.treated(sp.in)
	}
	text := fmt.Sprintf("**%s** (%s)\n\n%s%s", name, kindOf(f), jsonschema.Help(f), choices(f))
	if v := h.resolved(sp.at); v != "" {
		text += "\n\nHere: `" + v + "`"
	}
	switch {
	case p.asks == recipe.AskLayer && p.owner != nil && sp.in == p.owner:
		text += h.override(sp.in)
	case p.step != nil && sp.in == p.step && (name == "targets" || name == "ignore"):
		text += h.treated(sp.in)
	}
	return text
}

// choices lists the words of an enumeration.
func choices(f *schema.Field) string {
	if f.Kind != schema.KindEnum {
		return ""
	}
	text := "\n"
	for _, c := range f.Choices {
		text += "\n- `" + c.Name + "`"
		if c.Doc != "" {
			text += ": " + c.Doc
		}
	}
	return text
}

// kindOf puts the kind of a field in a word.
func kindOf(f *schema.Field) string {
	switch {
	case f.Kind == schema.KindAny && f.Format != "":
		return string(f.Format)
	case f.Kind == schema.KindString && f.Format.NamesData():
		return "data set"
	case f.Kind == schema.KindString && f.Format != "":
		return string(f.Format)
	case f.Kind == schema.KindEnum:
		return "word"
	case f.Kind == schema.KindString:
		return "text"
	case f.Kind == schema.KindBool:
		return "true or false"
	case f.Kind == schema.KindAny:
		return "value"
	}
	return string(f.Kind)
}

// resolved returns the value of a key whose text fills in ${{ }}, or "".
func (h *hovering) resolved(e *entry) string {
	r := h.recipe()
	if r == nil || !e.hasScalar() || !strings.Contains(string(h.text[e.value:e.end]), "${{") {
		return ""
	}
	n := scalarAt(r.Root, r.Source, e.value)
	if n == nil {
		return ""
	}
	facts := condition.Facts{}
	if h.result.Model != nil {
		facts["model"] = graph.FactsOfModel(h.result.Model)
	}
	v := schema.Inline(r.Decoder(facts, nil).Resolve(n))
	if strings.Contains(v, "${{") {
		return ""
	}
	return v
}

// variable is help on a declared variable.
func (h *hovering) variable(name string) string {
	for _, v := range h.variables(h.recipe()) {
		if v.name != name {
			continue
		}
		text := fmt.Sprintf("**vars.%s** = `%s`", name, v.value)
		if v.typ != "" {
			text += " (" + v.typ + ")"
		}
		text += "\n\nA variable of the recipe."
		if v.key == nil {
			text = strings.TrimSuffix(text, ".") + ", declared in " + v.at.Node.Span.Source.Name + "."
		}
		return text + fmt.Sprintf(" `--set %s=…` gives it another value.", name)
	}
	return ""
}

// data is help on a data set.
func (h *hovering) data(name string) string {
	r := h.recipe()
	if r == nil {
		return ""
	}
	for _, d := range r.Data {
		if d.Name != name {
			continue
		}
		var lines []string
		for _, file := range []struct{ what, path string }{{"images", d.Images}, {"labels", d.Labels}, {"path", d.Path}, {"importance matrix", d.Importance}} {
			if file.path != "" {
				lines = append(lines, fmt.Sprintf("- %s: `%s`", file.what, file.path))
			}
		}
		if d.Skip > 0 {
			lines = append(lines, fmt.Sprintf("- without the first %d samples", d.Skip))
		}
		if d.Samples > 0 {
			lines = append(lines, fmt.Sprintf("- %d samples", d.Samples))
		}
		return "**" + name + "** (data set)\n\n" + strings.Join(lines, "\n")
	}
	return ""
}

// value is help on a scalar: a word of an enumeration, a data set, a selector.
func (h *hovering) value(sp *spot, p place) string {
	text := unquote(strings.TrimSpace(string(h.text[sp.start:sp.end])))
	if p.format() == schema.FormatSelectors && !p.list {
		return h.selector(sp.start)
	}
	f := p.scalar()
	if f == nil {
		return ""
	}
	switch {
	case f.Format.NamesData():
		return h.data(text)
	case f.Format == schema.FormatTarget:
		return wordHelp(h.lang.Targets, text)
	}
	for _, c := range f.Choices {
		if c.Name == text && c.Doc != "" {
			return fmt.Sprintf("`%s`: %s", c.Name, c.Doc)
		}
	}
	return ""
}

func wordHelp(list []recipe.Word, name string) string {
	for _, w := range list {
		if w.Name == name {
			return fmt.Sprintf("`%s`: %s", w.Name, w.Doc)
		}
	}
	return ""
}

// fact is help on the word of an expression at the offset.
func (h *hovering) fact(e *expression) (text string, start, end int) {
	i := e.token(h.offset)
	if i < 0 || e.tokens[i].kind != exprWord {
		return "", 0, 0
	}
	t := e.tokens[i]
	space, name, dotted := strings.Cut(t.text, ".")
	for _, ns := range h.env(e.asks, h.recipe()) {
		switch {
		case ns.Name != space:
		case !dotted || h.offset <= t.start+len(space):
			return fmt.Sprintf("**%s**\n\n%s", ns.Name, sentence(ns.Doc)), t.start, t.start + len(space)
		case space == "vars":
			return h.variable(name), t.start, t.end
		default:
			for _, f := range ns.Facts {
				if f.Name == name {
					return h.factHelp(ns.Name, f), t.start, t.end
				}
			}
		}
	}
	return "", 0, 0
}

// factHelp describes a fact, with its value if the model has told it.
func (h *hovering) factHelp(space string, f condition.Fact) string {
	text := fmt.Sprintf("**%s.%s** (%s)\n\n%s", space, f.Name, f.Type, sentence(f.Doc))
	if len(f.Values) > 0 {
		var quoted []string
		for _, v := range f.Values {
			quoted = append(quoted, fmt.Sprintf("`%q`", v))
		}
		text += "\n\nOne of " + strings.Join(quoted, ", ") + "."
	}
	text += fmt.Sprintf("\n\nKnown from: %s.", priceWords[f.Price])
	if space == "model" && h.result != nil && h.result.Model != nil {
		if v, ok := graph.FactsOfModel(h.result.Model)[f.Name]; ok {
			text += fmt.Sprintf(" Here: `%v`", v)
		}
	}
	return text
}

// sentence makes a sentence of a record's words.
func sentence(doc string) string {
	if doc == "" || strings.HasSuffix(doc, ".") {
		return doc
	}
	first, size := utf8.DecodeRuneInString(doc)
	return string(unicode.ToUpper(first)) + doc[size:] + "."
}

// priceWords say what must be read before a fact is known.
var priceWords = map[condition.Price]string{
	condition.Header:  "the model's header",
	condition.Weights: "the layer's weights",
	condition.Data:    "running the model on data",
	condition.Result:  "the result, once it is measured",
}
