package recipe

import (
	"strings"

	"github.com/pare-ml/pare/recipe/condition"
	"github.com/pare-ml/pare/recipe/schema"
)

// needsDataSet tells whether a condition asks for a metric, which is known only once the model so far has run. It
// reports one that is measured on data in a recipe that declares none.
func (p *parser) needsDataSet(c *condition.Condition) bool {
	if c == nil {
		return false
	}
	asks := false
	for _, use := range c.Uses {
		space, name, _ := strings.Cut(use, ".")
		fact := p.lang.Env.Fact(use)
		if fact == nil || fact.Price != condition.Result {
			continue
		}
		asks = true
		metric := word(p.lang.Metrics, name)
		if space == "artifact" || metric == nil || metric.NoData || len(p.dataNames) > 0 || p.dataBroken || p.recipe.partial {
			continue
		}
		p.report.Errorf(placeOf(c, use), "fact-without-data", "%s is measured on a data set, and the recipe declares none; add data: {test: …}", use)
	}
	return asks
}

// needsData reports conditions about layers that ask for what is measured on data in a step that names no data.
func (p *parser) needsData(s *Step, w *PassWord) {
	fields := w.fields()
	key := ""
	for _, f := range fields.Fields {
		if f.Format != schema.FormatData {
			continue
		}
		if f.Default != "" || s.Params.Get(f.Name) != nil {
			return
		}
		key = f.Name
	}
	advice := "; " + s.Pass + " takes no data, so ask for a fact that the header or the weights give"
	if key != "" {
		advice = "; add " + key + ": to the step's parameters"
	}
	for _, c := range s.conditions() {
		for _, use := range c.Uses {
			if fact := p.lang.Env.Fact(use); fact != nil && fact.Price == condition.Data {
				p.report.Errorf(placeOf(c, use), "fact-without-data", "%s is measured on data, and step %s names none%s", use, s.title(), advice)
			}
		}
	}
}

// title is the step's id, else its pass: ids that are not written are given only at the end.
func (s *Step) title() string {
	if s.ID != "" {
		return s.ID
	}
	return s.Pass
}

// conditions lists the conditions over layers of a step.
func (s *Step) conditions() []*condition.Condition {
	var out []*condition.Condition
	add := func(list []*Selector) {
		for _, sel := range list {
			if sel.When != nil {
				out = append(out, sel.When)
			}
		}
	}
	add(s.Targets)
	add(s.Ignore)
	for _, o := range s.Overrides {
		add(o.Targets)
		if o.When != nil {
			out = append(out, o.When)
		}
	}
	return out
}
