package lsp

import (
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/schema"
)

// place is what the language says of one value of a recipe.
type place struct {
	field  *schema.Field  // whose value it is, or an item of whose list; nil where the user chose the name
	object *schema.Object // the keys that it may have; nil: none, or not known
	names  bool           // its keys are names that the user chooses, each with a mapping of object
	list   bool           // it is a list, with items as of item

	step  *entry           // the step around it, if any
	pass  *recipe.PassWord // that step's, as far as it is known
	asks  recipe.Asking    // where an expression here stands
	owner *entry           // an override or a gate: the entry around it
}

// format says what the text of the value stands for.
func (p place) format() schema.Format {
	if p.field == nil {
		return ""
	}
	return p.field.Format
}

// scalar returns the field that a scalar at this place fills: of a mapping with a short form, that form's.
func (p place) scalar() *schema.Field {
	if p.field == nil || p.list {
		return nil
	}
	if o := p.field.Fields; p.field.Kind == schema.KindObject && o != nil && o.Short != "" {
		return o.Field(o.Short)
	}
	return p.field
}

// place returns what the language says of the value of e.
func (w *words) place(e *entry) place {
	var path []*entry
	for ; e.parent != nil; e = e.parent {
		path = append(path, e)
	}
	fields := w.lang.Fields()
	p := place{object: &fields, asks: recipe.AskVars}
	for i := len(path) - 1; i >= 0; i-- {
		p = w.below(p, path[i])
	}
	return p
}

// below returns the place of the value of e, which stands in the value at p.
func (w *words) below(p place, e *entry) place {
	next := place{step: p.step, pass: p.pass, asks: p.asks, owner: p.owner}
	switch {
	case e.item && p.list:
		w.item(p, e, &next)
	case e.item:
	case p.names:
		next.object = p.object
	case p.object != nil:
		next.field = p.object.Field(e.key)
		w.describe(&next, e)
	}
	return next
}

// item fills in the place of an item of the list at p.
func (w *words) item(p place, e *entry, next *place) {
	switch {
	case p.format() == schema.FormatSteps:
		fields := w.lang.StepFields()
		next.object, next.step, next.pass, next.asks = &fields, e, w.passOf(e), recipe.AskStep
	case p.format() == schema.FormatSelectors:
		fields := recipe.SelectorFields()
		next.field, next.object, next.asks = &schema.Field{Name: p.field.Name, Doc: p.field.Doc, Kind: schema.KindString, Format: schema.FormatSelectors}, &fields, recipe.AskLayer
	case p.field.Item != nil:
		next.field = p.field.Item
	default:
		next.object, next.owner = p.field.Fields, e
		switch p.field.Name {
		case "gates":
			next.asks = recipe.AskGate
		case "overrides":
			next.asks = recipe.AskLayer
		}
	}
}

// describe fills in what a field says of the value of e.
func (w *words) describe(p *place, e *entry) {
	f := p.field
	if f == nil {
		return
	}
	switch {
	case f.Kind == schema.KindList, f.Format == schema.FormatSteps, f.Format == schema.FormatSelectors:
		p.list = true
	case f.Kind == schema.KindMap:
		p.object, p.names = f.Fields, true
	case f.Format == schema.FormatSet:
		if p.pass != nil && p.pass.Fields != nil {
			fields := p.pass.Fields()
			p.object = &fields
		}
		p.asks = recipe.AskFill
	case f.Fields != nil:
		p.object = f.Fields
		if p.step != nil && e.parent == p.step && w.passWord(e.key) != nil {
			p.asks = recipe.AskFill
		}
	}
}

// passOf returns the pass that a step names, as far as it is written.
func (w *words) passOf(step *entry) *recipe.PassWord {
	for _, k := range step.kids {
		if p := w.passWord(k.key); p != nil && !k.item {
			return p
		}
	}
	return nil
}

func (w *words) passWord(name string) *recipe.PassWord {
	for i := range w.lang.Passes {
		if w.lang.Passes[i].Name == name {
			return &w.lang.Passes[i]
		}
	}
	return nil
}

// words are the language with the text that uses it.
type words struct {
	lang *recipe.Language
	*outline
}
