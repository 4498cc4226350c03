package passes_test

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/passes/passtest"
	"github.com/pare-ml/pare/recipe/schema"
)

type params struct{ Scale float64 }

func spec() passes.Spec[params] {
	return passes.Spec[params]{
		Fields: func(p *params) schema.Object {
			return schema.Object{Fields: []*schema.Field{schema.Float(&p.Scale, "scale", 2, "what to multiply by")}}
		},
		Run: func(_ context.Context, _ *passes.Site, u passes.Unit[params]) ([]passes.Effect, error) {
			var out []passes.Effect
			for _, l := range u.Layers {
				s := passes.StateOf(l.Layer)
				out = append(out, passes.Effect{Layer: l.Name, From: s, To: s})
			}
			return out, nil
		},
	}
}

var info = passes.Info{Name: "scale", Doc: "Multiplies.", Version: 1}

// A pass that says nothing of its own changes nothing in the forecast and takes each layer alone.
func TestDefaults(t *testing.T) {
	p := passes.Define(info, spec())
	m := passtest.ResNet()
	r := passtest.Run(t, p, m, passtest.Step{})
	if len(r.Effects) != len(m.Layers()) {
		t.Errorf("%d effects for %d layers", len(r.Effects), len(m.Layers()))
	}
	if got := string(r.Params.Canonical()); got != `{"scale":2}` {
		t.Errorf("canonical parameters are %s", got)
	}
	layers := make([]passes.LayerParams, 3)
	if groups, err := p.Join(m, layers); err != nil || !reflect.DeepEqual(groups, [][]int{{0}, {1}, {2}}) {
		t.Errorf("groups %v, %v", groups, err)
	}
	whole := info
	whole.Whole = true
	if groups, err := passes.Define(whole, spec()).Join(m, layers); err != nil || !reflect.DeepEqual(groups, [][]int{{0, 1, 2}}) {
		t.Errorf("groups of a whole pass %v, %v", groups, err)
	}
}

func TestJoinIsChecked(t *testing.T) {
	tests := []struct {
		groups [][]int
		want   [][]int
		err    string
	}{
		{[][]int{{2, 1}, {}, {0}}, [][]int{{0}, {1, 2}}, ""},
		{[][]int{{0, 1}}, nil, "scale puts layer c into no group"},
		{[][]int{{0, 1}, {1, 2}}, nil, "scale puts layer b into two groups"},
		{[][]int{{0, 3}}, nil, "scale groups layer 3 of 3"},
	}
	for _, tt := range tests {
		s := spec()
		s.Join = func(*ir.Model, []passes.Treated[params]) ([][]int, error) { return tt.groups, nil }
		p := passes.Define(info, s)
		x, err := passtest.Decode(p, nil)
		if err != nil {
			t.Fatal(err)
		}
		var layers []passes.LayerParams
		for _, name := range []string{"a", "b", "c"} {
			layers = append(layers, passes.LayerParams{Layer: ir.Layer{Name: name}, Params: x})
		}
		got, err := p.Join(nil, layers)
		if tt.err != "" {
			if err == nil || err.Error() != tt.err {
				t.Errorf("%v: error %v, want %q", tt.groups, err, tt.err)
			}
		} else if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%v: got %v, %v, want %v", tt.groups, got, err, tt.want)
		}
	}
}

func TestValidate(t *testing.T) {
	good := passes.Define(info, spec())
	if err := passes.Validate([]*passes.Pass{good}); err != nil {
		t.Errorf("a good pass is refused: %v", err)
	}
	undocumented := spec()
	undocumented.Fields = func(p *params) schema.Object {
		return schema.Object{Fields: []*schema.Field{schema.Float(&p.Scale, "scale", 2, "")}}
	}
	tests := []struct {
		passes []*passes.Pass
		want   string
	}{
		{[]*passes.Pass{good, good}, "pass scale is listed twice"},
		{[]*passes.Pass{passes.Define(passes.Info{Name: "Scale", Doc: "d", Version: 1}, spec())}, `pass name "Scale"`},
		{[]*passes.Pass{passes.Define(passes.Info{Name: "scale", Version: 1}, spec())}, "has no doc"},
		{[]*passes.Pass{passes.Define(passes.Info{Name: "scale", Doc: "d"}, spec())}, "has version 0; versions start at 1"},
		{[]*passes.Pass{passes.Define(info, undocumented)}, `field "scale": it has no help`},
		{[]*passes.Pass{passes.Define(passes.Info{Name: "scale", Doc: "d", Version: 1, Order: []passes.Order{{Before: "gone", Why: "w"}}}, spec())},
			"order rule names gone, which is not in the list"},
		{[]*passes.Pass{passes.Define(passes.Info{Name: "a", Doc: "d", Version: 1, Order: []passes.Order{{Before: "b", Why: "w"}}}, spec()),
			passes.Define(passes.Info{Name: "b", Doc: "d", Version: 1, Order: []passes.Order{{Before: "a", Why: "w"}}}, spec())},
			"passes a and b both ask to stand first"},
	}
	for _, tt := range tests {
		if err := passes.Validate(tt.passes); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error %v, want %q", err, tt.want)
		}
	}
}
