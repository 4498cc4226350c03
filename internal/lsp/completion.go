package lsp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/jsonschema"
	"github.com/pare-ml/pare/recipe/schema"
)

// maxItems bounds one list of proposals. More are there once more has been typed.
const maxItems = 300

// completion proposes what may be written at an offset. It works on the text as it is, which mostly is not complete.
func (s *server) completion(d *document, offset int) any {
	list := completionList{Items: []completionItem{}}
	if d.refused {
		return list
	}
	c := &completing{words: words{s.Language, d.structure()}, server: s, doc: d, offset: offset}
	sp := c.find(offset)
	if sp == nil {
		return list
	}
	if sp.value {
		c.values(sp)
	}
	if sp.key && !c.isExpression {
		c.keys(sp)
	}
	if len(c.items) > maxItems {
		c.items, list.IsIncomplete = c.items[:maxItems], true
	}
	list.Items = append(list.Items, c.items...)
	return list
}

// completing is one question for proposals.
type completing struct {
	words
	server *server
	doc    *document
	offset int
	items  []completionItem

	isExpression bool
}

// add proposes text in place of the bytes from start to end.
func (c *completing) add(item completionItem, start, end int, text string) {
	if c.offset < start || c.offset > end {
		start, end = c.offset, c.offset
	}
	if _, lineEnd := lineAt(c.text, start); end > lineEnd { // an edit stays in its line
		end = max(lineEnd, c.offset)
	}
	if start == end && start > 0 && (c.text[start-1] == ':' || c.text[start-1] == ',') {
		text = " " + text
	}
	item.TextEdit = &textEdit{c.doc.lines.span(start, end), text}
	if item.InsertFormat == 0 {
		item.InsertFormat = insertPlain
	}
	c.items = append(c.items, item)
}

func (c *completing) documentation(text string) *markupContent {
	if text == "" {
		return nil
	}
	m := c.server.markup(text)
	return &m
}

// keys proposes the keys of the mapping at a spot: first those that are required, then those that may be there, last
// those that are there already.
func (c *completing) keys(sp *spot) {
	p := c.place(sp.in)
	prefix, in := "", sp.in
	if p.list {
		if sp.in.flow != 0 || sp.at != nil && sp.at.item {
			return
		}
		in = &entry{item: true, parent: sp.in, start: c.offset}
		p, prefix = c.below(p, in), "- "
	}
	if p.object == nil || p.names {
		return
	}
	used := map[string]bool{}
	for _, k := range in.kids {
		if k != sp.at && !k.item {
			used[k.key] = true
		}
	}
	isStep := p.step != nil && p.step == in
	for i, f := range p.object.Fields {
		if f.Deprecated != "" && !used[f.Name] {
			continue
		}
		item := completionItem{Label: f.Name, Kind: kindProperty, Detail: detail(f), Documentation: c.documentation(jsonschema.Help(f))}
		rank := 1
		switch w := c.passWord(f.Name); {
		case isStep && w != nil && p.pass != nil && p.pass.Name != f.Name:
			continue // a step has one pass
		case isStep && w != nil:
			rank, item.Kind, item.Detail = 0, kindFunction, "pass"
			item.Documentation = c.documentation(jsonschema.PassHelp(w))
		case f.Required:
			rank = 0
		}
		if used[f.Name] {
			rank, item.Detail = 2, strings.TrimSpace(item.Detail+" · is there already")
		}
		item.SortText = fmt.Sprintf("%d%03d", rank, i)
		text, snippet := f.Name, false
		if sp.at == nil || sp.at.colon < 0 {
			text, snippet = c.keyText(f, isStep)
		}
		if snippet {
			item.InsertFormat = insertSnippet
		}
		c.add(item, sp.start, sp.end, prefix+text)
	}
}

// detail says in a line what a key takes.
func detail(f *schema.Field) string {
	text := kindOf(f)
	switch {
	case f.Required:
		text += ", required"
	case f.Default != "":
		text += ", default " + f.Default
	}
	return text
}

// keyText is what is inserted for a key, in one line, so that no client has to guess its indentation. With snippets the
// values that are required have their places.
func (c *completing) keyText(f *schema.Field, isStep bool) (text string, snippet bool) {
	isPass := isStep && c.passWord(f.Name) != nil
	switch {
	case !c.server.snippets:
		if isPass && len(required(f.Fields)) == 0 {
			return f.Name + ": {}", false
		}
		return f.Name + ": ", false
	case f.Kind == schema.KindObject && f.Fields.Short != "", f.Kind == schema.KindMap, f.Format == schema.FormatVars,
		f.Format == schema.FormatSteps, f.Kind == schema.KindList && f.Fields != nil:
		return f.Name + ":", false
	case f.Kind == schema.KindObject, isPass, f.Format == schema.FormatSet:
		var parts []string
		for i, r := range required(f.Fields) {
			parts = append(parts, fmt.Sprintf("%s: $%d", r, i+1))
		}
		if parts == nil {
			return f.Name + ": {$0}", true
		}
		return f.Name + ": {" + strings.Join(parts, ", ") + "}$0", true
	case f.Format == schema.FormatSelectors:
		return f.Name + `: ["$1"]$0`, true
	case f.Kind == schema.KindList:
		return f.Name + ": [$1]$0", true
	}
	return f.Name + ": ", false
}

func required(o *schema.Object) []string {
	var out []string
	if o != nil {
		for _, f := range o.Fields {
			if f.Required {
				out = append(out, f.Name)
			}
		}
	}
	return out
}

// values proposes the values that may stand at a spot.
func (c *completing) values(sp *spot) {
	p := c.place(sp.in)
	if p.list {
		if sp.in.flow != '[' {
			return
		}
		p = c.below(p, &entry{item: true, parent: sp.in, start: c.offset})
	}
	if e := c.expression(sp, p, c.offset); e != nil {
		c.isExpression = true
		c.facts(e)
		return
	}
	if p.format() == schema.FormatSelectors {
		c.selectors(sp)
		return
	}
	f := p.scalar()
	if f == nil {
		return
	}
	rank := 0
	propose := func(label string, kind int, detail, doc string) {
		c.add(completionItem{Label: label, Kind: kind, Detail: detail, Documentation: c.documentation(doc),
			SortText: fmt.Sprintf("%03d", rank), FilterText: c.quoted(sp, label)}, sp.start, sp.end, c.quoted(sp, label))
		rank++
	}
	for _, ch := range f.Choices {
		note := ""
		if ch.Name == f.Default {
			note = "default"
		}
		propose(ch.Name, kindEnumMember, note, ch.Doc)
	}
	switch {
	case f.Kind == schema.KindBool:
		propose("true", kindValue, "", "")
		propose("false", kindValue, "", "")
	case f.Format.NamesData():
		for _, name := range c.dataSets(f.Format == schema.FormatImportance) {
			propose(name, kindReference, "data set", "")
		}
	case f.Format == schema.FormatTarget:
		for _, w := range c.lang.Targets {
			propose(w.Name, kindEnumMember, "device", w.Doc)
		}
	case len(f.Choices) == 0 && f.Default != "" && f.Kind != schema.KindList && f.Kind != schema.KindObject:
		propose(f.Default, kindValue, "default", "")
	}
	if p.field.Optional && p.field.Kind == schema.KindObject {
		propose("none", kindEnumMember, "", "")
	}
	for _, v := range c.variables(c.doc.recipe) {
		if suits(v.typ, f) && p.format() != schema.FormatVars {
			propose("${{ vars."+v.name+" }}", kindVariable, "= "+v.value, "")
		}
	}
}

// suits tells whether a variable of a type may fill a field.
func suits(typ string, f *schema.Field) bool {
	switch f.Kind {
	case schema.KindBool, schema.KindInt:
		return typ == string(f.Kind)
	case schema.KindFloat, schema.KindRatio:
		return typ == string(schema.KindInt) || typ == string(schema.KindFloat) || typ == string(schema.KindRatio)
	case schema.KindBytes:
		return typ == string(schema.KindBytes)
	case schema.KindString, schema.KindEnum:
		if f.Format != "" {
			return false
		}
		return typ == string(schema.KindString)
	}
	return false
}

// quoted puts a text into the quotes that stand at the spot, if any do.
func (c *completing) quoted(sp *spot, text string) string {
	if sp.start < sp.end && c.quotedAt(sp.start) {
		q := string(c.text[sp.start : sp.start+1])
		return q + text + q
	}
	return text
}

// dataSets lists the names of the data sets that the text declares, then those that its imports bring in: those that are
// importance matrices, or the others.
func (c *completing) dataSets(matrices bool) []string {
	var out []string
	if data := c.root.kid("data"); data != nil {
		for _, k := range data.kids {
			if !k.item && k.colon >= 0 && (k.kid("importance") != nil) == matrices {
				out = append(out, k.key)
			}
		}
	}
	if r := c.doc.recipe; r != nil {
		for _, d := range r.Data {
			if d.Node != nil && d.Node.Span.Source != r.Source && (d.Importance != "") == matrices && !slices.Contains(out, d.Name) {
				out = append(out, d.Name)
			}
		}
	}
	return out
}

// selectors proposes types, roles and layers.
func (c *completing) selectors(sp *spot) {
	typed := strings.TrimLeft(string(c.text[sp.start:max(sp.start, min(c.offset, sp.end))]), `"'`)
	propose := func(rank int, label string, kind int, detail, doc string) {
		if !strings.HasPrefix(label, typed) && rank > 1 { // layers may be many
			return
		}
		quoted := c.quoted(sp, label)
		if quoted == label {
			quoted = `"` + label + `"`
		}
		c.add(completionItem{Label: label, Kind: kind, Detail: detail, Documentation: c.documentation(doc),
			SortText: fmt.Sprintf("%d%04d", rank, len(c.items)), FilterText: c.quoted(sp, label)}, sp.start, sp.end, quoted)
	}
	words := func(prefix string, list []recipe.Word) {
		for _, w := range list {
			propose(0, prefix+w.Name, kindEnumMember, "", w.Doc)
		}
	}
	words("type:", c.lang.Types)
	words("role:", c.lang.Roles)
	propose(1, "**", kindValue, "every layer", "")
	if c.doc.model != nil {
		for _, l := range c.doc.model.Layers() {
			propose(2, l.Name, kindReference, strings.TrimSpace(l.Type+" "+l.Role), "")
		}
	}
}

// facts proposes what may stand in an expression: groups of facts, facts, and the texts that a fact can be.
func (c *completing) facts(e *expression) {
	env := c.env(e.asks, c.doc.recipe)
	i := e.token(c.offset)
	start, end := c.offset, c.offset
	group := ""
	if i >= 0 {
		t := e.tokens[i]
		start, end = t.start, t.end
		if t.kind == exprString {
			f := env.Fact(e.compared(i))
			for k := 0; f != nil && k < len(f.Values); k++ {
				c.add(completionItem{Label: f.Values[k], Kind: kindEnumMember, SortText: fmt.Sprintf("%03d", k)}, start, end, f.Values[k])
			}
			return
		}
		if space, _, dotted := strings.Cut(t.text, "."); dotted && c.offset > t.start+len(space) {
			group, start = space, t.start+len(space)+1
		}
	}
	for _, ns := range env {
		if group == "" && len(ns.Facts) > 0 {
			c.add(completionItem{Label: ns.Name, Kind: kindModule, Detail: ns.Doc, SortText: fmt.Sprintf("0%03d", len(c.items))}, start, end, ns.Name+".")
		}
		for _, f := range ns.Facts {
			item := completionItem{Label: f.Name, Kind: kindProperty, Detail: string(f.Type), Documentation: c.documentation(f.Doc)}
			if ns.Name == "vars" {
				item.Kind, item.Detail, item.Documentation = kindVariable, "= "+f.Doc, nil
			}
			switch {
			case group == "":
				item.Label, item.SortText = ns.Name+"."+f.Name, fmt.Sprintf("1%03d", len(c.items))
				c.add(item, start, end, item.Label)
			case group == ns.Name:
				item.SortText = fmt.Sprintf("%03d", len(c.items))
				c.add(item, start, end, f.Name)
			}
		}
	}
}
