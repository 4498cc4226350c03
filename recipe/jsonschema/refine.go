package jsonschema

import (
	"slices"

	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/schema"
)

// refine adds what the records of a recipe do not say because it is about several keys: the parser checks it by hand.
func (g *generator) refine(root *Schema) {
	if v := root.Properties.Get("version"); v != nil {
		root.Required = append([]string{"version"}, root.Required...)
		v.AnyOf, v.Type = []*Schema{{Const: recipe.Version}, ref(filled)}, nil
	}
	if i := root.Properties.Get("imports"); i != nil {
		i.MinItems = 1
		i.Items.AnyOf[0].AllOf = []*Schema{{Pattern: fragmentPattern}}
		// What a recipe needs may come from a file that it imports.
		root.AllOf = []*Schema{{If: &Schema{Not: &Schema{Required: []string{"imports"}}}, Then: &Schema{Required: root.Required}}}
		root.Required = []string{"version"}
	}
	if d := root.Properties.Get("data"); d != nil {
		d.Names = &Schema{Pattern: namePattern}
		refineData(d.Additional.(*Schema))
	}
	if gates := root.Properties.Get("gates"); gates != nil {
		g.refineGate(gates.Items)
	}
}

// refineData: a data set has images, with or without labels, or a path; or it is an importance matrix and has nothing else.
func refineData(s *Schema) {
	alone := &Schema{}
	for _, m := range s.Properties {
		if m.Name != "importance" {
			alone.Properties = append(alone.Properties, Member{m.Name, never("an importance matrix has no samples")})
		}
	}
	s.If, s.Then = &Schema{Required: []string{"importance"}}, alone
	s.Else = &Schema{OneOf: []*Schema{{Required: []string{"images"}}, {Required: []string{"path"}}}}
	s.Dependencies = map[string][]string{"labels": {"images"}}
}

// refineExpect: so many layers exactly, or bounds.
func refineExpect(s *Schema) {
	s.MinProperties = 1
	s.Not = &Schema{Required: []string{"matches"}, AnyOf: []*Schema{{Required: []string{"min"}}, {Required: []string{"max"}}}}
}

// refineGate: a gate is an expression alone, or a metric with one limit in the metric's unit.
func (g *generator) refineGate(s *Schema) {
	limits := []string{string(recipe.Threshold), string(recipe.MaxDegradation), string(recipe.PercentMaxDegradation)}
	var one, others []*Schema
	for _, l := range limits {
		one = append(one, &Schema{Required: []string{l}})
	}
	for _, key := range append([]string{"metric", "data", "at", "confidence"}, limits...) {
		others = append(others, &Schema{Required: []string{key}})
	}
	s.If = &Schema{Required: []string{"expect"}}
	s.Then = &Schema{Not: or(others...)}
	s.Else = &Schema{Required: []string{"metric"}, OneOf: one}

	var without, with []string
	units := map[string][]string{}
	var order []string
	for _, m := range g.lang.Metrics {
		if m.NoData {
			without = append(without, m.Name)
		} else {
			with = append(with, m.Name)
		}
		if !slices.Contains(order, m.Unit) {
			order = append(order, m.Unit)
		}
		units[m.Unit] = append(units[m.Unit], m.Name)
	}
	if len(with) > 0 {
		s.AllOf = append(s.AllOf, &Schema{If: isMetric(with), Then: &Schema{Required: []string{"data"}}})
	}
	if len(without) > 0 {
		s.AllOf = append(s.AllOf, &Schema{If: isMetric(without),
			Then: &Schema{Properties: Members{{"data", never("this metric is not measured on data")}}}})
	}
	for _, unit := range order {
		s.AllOf = append(s.AllOf, &Schema{If: isMetric(units[unit]), Then: &Schema{Properties: Members{
			{limits[0], g.limit(unit, false)}, {limits[1], g.limit(unit, true)},
		}}})
	}
	if p := s.Properties.Get(limits[2]); p != nil {
		p.AnyOf = g.limit("share", true).AnyOf
	}
}

// isMetric holds for a gate on one of some metrics.
func isMetric(names []string) *Schema {
	return &Schema{Required: []string{"metric"}, Properties: Members{{"metric", &Schema{Enum: names}}}}
}

// limit is a gate's limit in the unit of its metric.
func (g *generator) limit(unit string, drop bool) *Schema {
	var number float64
	f := schema.Float(&number, "limit", 0, "")
	switch unit {
	case "share":
		f = schema.Ratio(&number, "limit", 0, "").Between(0, 1)
	case "bytes":
		var size int64
		f = schema.Bytes(&size, "limit", 0, "")
	case "":
		return or(&Schema{Type: "number"}, &Schema{Type: "string"})
	}
	if drop && f.Max == nil {
		f.AtLeast(0)
	}
	return g.kind(f.Require())
}
