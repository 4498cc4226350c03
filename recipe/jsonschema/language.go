package jsonschema

import (
	"fmt"
	"slices"

	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/schema"
)

// New returns the schema of recipes in the language l.
func New(l *recipe.Language) *Schema {
	g := &generator{lang: l}
	fields := l.Fields()
	root := g.object(fields)
	root.Version = "http://json-schema.org/draft-07/schema#"
	root.ID = ID
	root.Title = fmt.Sprintf("pare recipe, version %d of the language", recipe.Version)
	root.Comment = "Generated from the records of the language; see docs/recipe.md. `pare lint` checks more."
	g.refine(root)
	root.Definitions = g.definitions()
	return root
}

// generator walks the records of a language.
type generator struct{ lang *recipe.Language }

// object is the schema of a mapping, or of the short form that stands for it.
func (g *generator) object(o schema.Object) *Schema {
	s := &Schema{Type: "object", Description: o.Doc, Additional: false}
	for _, f := range o.Fields {
		s.Properties = append(s.Properties, Member{f.Name, g.value(f)})
		if f.Required {
			s.Required = append(s.Required, f.Name)
		}
	}
	if o.Short == "" {
		return s
	}
	return or(g.kind(o.Field(o.Short)), s)
}

// any is the schema of a value that the parser reads by hand.
func (g *generator) any(f *schema.Field) *Schema {
	switch f.Format {
	case schema.FormatSelectors:
		return &Schema{AllOf: []*Schema{ref(selectors)}}
	case schema.FormatCondition:
		return &Schema{AllOf: []*Schema{ref(condition)}}
	case schema.FormatVars:
		return &Schema{
			Type:       "object",
			Names:      &Schema{Pattern: varPattern},
			Additional: &Schema{Type: []string{"string", "number", "boolean"}, Not: &Schema{Type: "string", Pattern: `\$\{\{`}},
		}
	case schema.FormatSteps:
		return &Schema{Type: "array", MaxItems: mostSteps, Items: ref("step")}
	case schema.FormatSet:
		return &Schema{Type: "object", MinProperties: 1}
	}
	return &Schema{}
}

// What the parser allows of names and sizes; a test holds the two together.
const (
	namePattern = `^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$`
	varPattern  = `^[A-Za-z_][A-Za-z0-9_]{0,63}$`
	mostSteps   = 1000
	longest     = 500 // bytes of a selector
)

func (g *generator) definitions() Members {
	d := Members{
		{filled, &Schema{
			Description: "Filled in when the recipe is read, from vars, model and target facts. Quote it inside { }.",
			Type:        "string", Pattern: filledPattern,
		}},
		{mixed, &Schema{
			Description: "Filled in when the recipe is read, from vars, model and target facts.",
			Type:        "string", Pattern: mixedPattern,
		}},
		{selectors, &Schema{Type: "array", MinItems: 1, Items: ref(selector)}},
		{selector, g.selector()},
		{condition, &Schema{
			Type: []string{"string", "boolean"}, Not: &Schema{Type: "string", Pattern: `\$\{\{`},
			Examples: []any{`layer.params > 1e6 && layer.type == "conv"`},
		}},
		{"step", g.step()},
	}
	for _, w := range g.lang.Passes {
		d = append(d, Member{"pass-" + w.Name, g.pass(w)})
		if !w.Whole {
			d = append(d, Member{"set-" + w.Name, g.set(w)})
		}
	}
	return d
}

// selector is a text, or patterns with a condition.
func (g *generator) selector() *Schema {
	kinds := &Schema{}
	for _, list := range []struct {
		prefix string
		words  []recipe.Word
	}{{"type:", g.lang.Types}, {"role:", g.lang.Roles}} {
		for _, w := range list.words {
			kinds.Enum = append(kinds.Enum, list.prefix+w.Name)
			kinds.EnumDescriptions = append(kinds.EnumDescriptions, w.Doc)
		}
	}
	pattern := &Schema{
		Type: []string{"string", "number", "boolean"}, MinLength: 1, MaxLength: longest,
		Not:      &Schema{Type: "string", Pattern: `^(type|role):`},
		Examples: []any{"block1.**", "**.conv1", "re:block[12]\\.conv\\d", "type:conv", "role:head"},
	}
	conditional := &Schema{
		Type: "object", Additional: false, Required: []string{"targets"},
		Properties: Members{
			{"targets", &Schema{Description: "selectors of which one must match", AllOf: []*Schema{ref(selectors)}}},
			{"when", &Schema{Description: "condition over the layer", AllOf: []*Schema{ref(condition)}}},
		},
	}
	s := or(kinds, pattern, ref(mixed), conditional)
	s.Description = "A glob over the whole name (* stays in a segment, ** crosses, {a,b}, [0-9]), re: and an RE2 expression, type: or role:."
	return s
}

// step is one entry of passes: the keys of every step, and exactly one pass.
func (g *generator) step() *Schema {
	s := g.object(g.lang.StepFields())
	for i, p := range s.Properties {
		w := g.passWord(p.Name)
		if w == nil {
			continue
		}
		s.Properties[i].Schema = &Schema{Description: w.Doc, Markdown: PassHelp(w), AllOf: []*Schema{ref("pass-" + w.Name)}}
		s.OneOf = append(s.OneOf, &Schema{Required: []string{w.Name}})
		s.AllOf = append(s.AllOf, &Schema{If: &Schema{Required: []string{w.Name}}, Then: g.overrides(w)})
	}
	if id := s.Properties.Get("id"); id != nil {
		id.Type, id.AnyOf = nil, []*Schema{{Type: "string", Pattern: namePattern}, ref(mixed)}
	}
	if gates := s.Properties.Get("gates"); gates != nil {
		g.refineGate(gates.Items)
	}
	if e := s.Properties.Get("expect"); e != nil {
		refineExpect(e.AnyOf[len(e.AnyOf)-1])
	}
	if o := s.Properties.Get("overrides"); o != nil && o.Items != nil {
		o.Items.AnyOf = []*Schema{{Required: []string{"targets"}}, {Required: []string{"when"}}}
	}
	return s
}

// overrides is what a step of a pass adds: what its overrides may set, or that it takes none.
func (g *generator) overrides(w *recipe.PassWord) *Schema {
	if w.Whole {
		return &Schema{Not: &Schema{Required: []string{"overrides"}}}
	}
	set := &Schema{Properties: Members{{"set", ref("set-" + w.Name)}}}
	return &Schema{Properties: Members{{"overrides", &Schema{Items: set}}}}
}

func (g *generator) passWord(name string) *recipe.PassWord {
	i := slices.IndexFunc(g.lang.Passes, func(w recipe.PassWord) bool { return w.Name == name })
	if i < 0 {
		return nil
	}
	return &g.lang.Passes[i]
}

// pass are the parameters of a step. A pass that needs none may stand without any.
func (g *generator) pass(w recipe.PassWord) *Schema {
	s := g.object(parameters(w))
	s.Title = w.Name
	if len(s.Required) == 0 {
		s.Type = []string{"object", "null"}
	}
	return s
}

// set are parameters of an override, which are laid over the step's: none is required.
func (g *generator) set(w recipe.PassWord) *Schema {
	s := g.object(partial(parameters(w)))
	s.Title, s.MinProperties = w.Name, 1
	return s
}

func parameters(w recipe.PassWord) schema.Object {
	if w.Fields == nil {
		return schema.Object{}
	}
	return w.Fields()
}

// partial returns the records of an object that is laid over another. Lists replace lists, so their items stay whole.
func partial(o schema.Object) schema.Object {
	fields := o.Fields
	o.Fields = nil
	for _, f := range fields {
		c := *f
		// A required number has no default that could excuse it, and stays bound by its range: an empty default says so.
		if c.Required {
			c.Required, c.Default = false, ""
		}
		if c.Kind == schema.KindObject {
			inner := partial(*c.Fields)
			c.Fields = &inner
		}
		o.Fields = append(o.Fields, &c)
	}
	return o
}
