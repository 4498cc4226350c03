package arch_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/arch"
	"github.com/pare-ml/pare/graph/arch/archtest"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/strictjson"
)

var update = flag.Bool("update", false, "write the golden files again")

// built makes the model of a header.
func built(t testing.TB, m *archtest.Model) (*ir.Model, *arch.Built) {
	t.Helper()
	text, err := json.Marshal(m.Config)
	if err != nil {
		t.Fatal(err)
	}
	config, err := strictjson.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	b, err := arch.Build(config, headers(m))
	if err != nil {
		t.Fatalf("%s: %v", m.Name, err)
	}
	model := &ir.Model{Format: "safetensors", Graph: b.Graph, Opsets: b.Opsets}
	if err := model.Check(); err != nil {
		t.Fatalf("%s: %v", m.Name, err)
	}
	return model, b
}

func headers(m *archtest.Model) []*ir.Tensor {
	var list []*ir.Tensor
	for _, t := range m.Tensors {
		list = append(list, &ir.Tensor{Name: t.Name, DType: map[string]ir.DType{"F32": ir.Float32, "F16": ir.Float16, "BF16": ir.BFloat16}[m.DType], Shape: t.Shape})
	}
	return list
}

// The lists of tensors have as many parameters as the publishers say, every tensor is a layer's or a note says why not,
// shapes agree and roles are found.
func TestPublished(t *testing.T) {
	for _, m := range archtest.Published() {
		if want := archtest.PublishedParams(m.Name); m.Params() != want {
			t.Errorf("%s has %d parameters; published are %d", m.Name, m.Params(), want)
		}
		model, b := built(t, m)
		if len(b.Notes) > 0 {
			t.Errorf("%s: %s", m.Name, b.Notes)
		}
		if _, err := ir.Infer(model, nil); err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
		var params int64
		seen := map[*ir.Tensor]bool{}
		for _, l := range model.Layers() {
			if !seen[l.Weight] {
				params += int64(l.Params)
			}
			seen[l.Weight] = true
		}
		if m.Name == "glm-4-9b" {
			params += 32 // the frequencies are no layer
		}
		if strings.HasPrefix(m.Name, "bert") || strings.HasPrefix(m.Name, "roberta") { // the bias of a tied head
			params += int64(m.Config["vocab_size"].(int))
		}
		if params != m.Params() {
			t.Errorf("%s: layers have %d of %d parameters", m.Name, params, m.Params())
		}
	}
}

// What every layer of a small model of each family is found to be.
func TestLayers(t *testing.T) {
	for _, m := range archtest.Tiny() {
		model, b := built(t, m)
		known, err := ir.Infer(model, nil)
		if err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
		for _, n := range model.Graph.Nodes {
			if info := known[n.Output(0)]; info.Shape == nil || info.DType == ir.Undefined {
				t.Errorf("%s: nothing is known of %s", m.Name, n.Output(0))
				break
			}
		}
		var out bytes.Buffer
		for _, l := range model.Layers() {
			fmt.Fprintf(&out, "%-62s %-10s %v", l.Name, l.Type, l.Weight.Shape)
			for _, more := range []struct {
				what string
				list []string
			}{{"", l.Roles}, {"with ", l.Siblings}, {"tied to ", l.TiedWith}} {
				if len(more.list) > 0 {
					fmt.Fprintf(&out, " %s%s", more.what, strings.Join(more.list, " "))
				}
			}
			if l.Bias != nil {
				fmt.Fprint(&out, " biased")
			}
			fmt.Fprintln(&out)
		}
		for _, n := range b.Notes {
			fmt.Fprintf(&out, "note: %s\n", n)
		}
		for _, v := range slices.Concat(model.Graph.Inputs, model.Graph.Outputs) {
			fmt.Fprintf(&out, "%s %s %v\n", v.Name, v.DType, v.Shape)
		}
		golden(t, m.Name, out.Bytes())
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}
