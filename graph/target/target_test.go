package target_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/target"
	"github.com/pare-ml/pare/recipe/diag"
)

func TestAll(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range target.All() {
		if p.Name == "" || seen[p.Name] || p.Path != "" || len(p.Formats) == 0 || len(p.Weights) == 0 || len(p.Activations) == 0 {
			t.Errorf("the record of %q is not complete or stands twice", p.Name)
		}
		seen[p.Name] = true
		if first, _, _ := strings.Cut(p.Doc, ". "); len(first) < 20 || len(first) > 130 {
			t.Errorf("%s: the first sentence is %q", p.Name, first)
		}
		for _, list := range [][]target.Numbers{p.Weights, p.Activations} {
			if _, _, ok := target.Runs(list, target.Use{Type: "float32"}); !ok {
				t.Errorf("%s does not run float32", p.Name)
			}
			for _, n := range list {
				for _, typ := range n.Types {
					if _, ok := ir.ParseDType(typ); !ok && !strings.HasPrefix(typ, "q") && !strings.HasPrefix(typ, "iq") && typ != "nvfp4" && typ != "mxfp4" {
						t.Errorf("%s has type %q, which there is not", p.Name, typ)
					}
				}
			}
		}
		facts := p.Facts()
		for _, f := range target.Namespace().Facts {
			if _, ok := facts[f.Name]; !ok || f.Doc == "" {
				t.Errorf("%s lacks the fact %s", p.Name, f.Name)
			}
		}
	}
}

func TestRuns(t *testing.T) {
	list := []target.Numbers{
		{Types: []string{"float32"}},
		{Types: []string{"int4"}, Granularity: []string{"group", "channel"}, Groups: []int{32, 64}},
		{Types: []string{"int8"}, Symmetric: true},
	}
	for _, c := range []struct {
		use       target.Use
		part, why string
	}{
		{target.Use{Type: "float32"}, "", ""},
		{target.Use{Type: "int4", Granularity: "group", Group: 64}, "", ""},
		{target.Use{Type: "int4", Granularity: "channel"}, "", ""},
		{target.Use{Type: "int8", Granularity: "tensor"}, "", ""},
		{target.Use{Type: "int2"}, "type", "it runs float32, int4, int8"},
		{target.Use{Type: "int4", Granularity: "tensor"}, "granularity", "it runs int4 per group or channel"},
		{target.Use{Type: "int4", Granularity: "group", Group: 128}, "group_size", "it runs int4 in groups of 32, 64"},
		{target.Use{Type: "int8", Asymmetric: true}, "symmetric", "it runs int8 with symmetric ranges alone"},
	} {
		part, why, ok := target.Runs(list, c.use)
		if ok != (c.why == "") || !ok && (part != c.part || why != c.why) {
			t.Errorf("%s: %s, %q, %v; want %s, %q", c.use, part, why, ok, c.part, c.why)
		}
	}
	if _, _, ok := target.Runs(nil, target.Use{Type: "anything"}); !ok {
		t.Error("no list must mean no restriction")
	}
}

func parse(text string) (*target.Target, string) {
	var report diag.List
	p := target.Parse(&diag.Source{Name: "p.yaml", Text: []byte(text)}, &report)
	var lines []string
	for _, d := range report {
		lines = append(lines, d.Span.String()+" "+d.Code+" "+d.Message)
	}
	return p, strings.Join(lines, "\n")
}

func TestParse(t *testing.T) {
	p, found := parse(`name: camera
description: A camera.
runtime: onnxruntime
isa: arm64
cores: 2
memory: 16MB
size: 1MiB
formats: [onnx]
opset: {min: 9, max: 17}
operators: [Conv]
domains: [com.microsoft]
weights:
  - types: [int4]
    granularity: [group]
    groups: [32]
    symmetric: true
activations: [{types: [uint8]}]
saturates: true
siblings_apart: true
`)
	want := &target.Target{Name: "camera", Doc: "A camera.", Path: "p.yaml", Runtime: "onnxruntime", ISA: "arm64", Cores: 2, Memory: 16e6, Size: 1 << 20,
		Formats: []string{"onnx"}, Opset: target.Range{Min: 9, Max: 17}, Operators: []string{"Conv"}, Domains: []string{"com.microsoft"},
		Weights:     []target.Numbers{{Types: []string{"int4"}, Granularity: []string{"group"}, Groups: []int{32}, Symmetric: true}},
		Activations: []target.Numbers{{Types: []string{"uint8"}}}, Saturates: true, Apart: true}
	if found != "" || !reflect.DeepEqual(p, want) {
		t.Errorf("got %+v\n%s\nwant %+v", p, found, want)
	}
	for text, want := range map[string]string{
		"":                                 "p.yaml:1:1 yaml-empty",
		"nam: x":                           `p.yaml:1:1 unknown-key unknown key "nam" in a profile; did you mean "name"?`,
		"name: x\nmemory: 4":               "p.yaml:2:9 missing-unit",
		"name: x\nopset: {min: 9, max: 3}": "p.yaml:2:22 out-of-range max is 3, below min, which is 9; no opset will do",
		"name: x\nweights: [{granularity: [row]}]":      `it must be one of tensor, channel, group, block`,
		"name: x\nweights: [{types: [a], groups: [0]}]": "groups",
		"name: x\ncores: ${{ vars.cores }}":             "p.yaml:2:8",
		"- a":                                           "p.yaml:1:1",
		"name: [":                                       "p.yaml",
	} {
		if p, found := parse(text); p != nil || !strings.Contains(found, want) {
			t.Errorf("%q: got %v\n%s\nwant %s", text, p, found, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("name: camera\nweights: [{types: [int8], granularity: [tensor]}]\nopset: {min: 9}\n")
	f.Add("name: x\nmemory: 4")
	f.Fuzz(func(t *testing.T, text string) {
		if p, found := parse(text); p == nil && found == "" {
			t.Error("there is no profile and no finding")
		}
	})
}
