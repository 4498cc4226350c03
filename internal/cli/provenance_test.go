package cli

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pare-ml/pare/graph/lock"
	"github.com/pare-ml/pare/graph/provenance"
)

// The bill of materials of a real build fits the published schema, and has the gate's interval.
func TestMaterialsOfBuildFitSchema(t *testing.T) {
	dir := recipeFolder(t)
	out := filepath.Join(dir, "dist", "small")
	if code, said := run(t, nil, "build", filepath.Join(dir, "small.yaml"), "--out", out, "--quiet", "--no-cache"); code != exitFine {
		t.Fatal(said)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, name := range []string{"spdx.schema.json", "jsf-0.82.schema.json", "bom-1.6.schema.json"} {
		f, err := os.Open(filepath.Join("../../graph/provenance/testdata", name+".gz"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(z)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource("http://cyclonedx.org/schema/"+name, doc); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := c.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(out, provenance.BOMName))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(doc); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	for _, want := range []string{`"type": "top1 max_degradation"`, `"lowerBound"`, `"name": "calibration"`, `"description": "used for training or calibration"`, `"gate top1 on test: met`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the bill of materials has no %s:\n%s", want, text)
		}
	}
}

// message is a protobuf message of fields; field is one with bytes, number one with a varint.
func message(fields ...[]byte) []byte { return bytes.Join(fields, nil) }

func field(no protowire.Number, b []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, no, protowire.BytesType), b)
}

func number(no protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, no, protowire.VarintType), v)
}

// withExternalData is y = x · w for w of 4 x 4, which lies in another file.
func withExternalData() []byte {
	value := func(name string) []byte {
		dim := field(1, number(1, 4))
		return message(field(1, []byte(name)), field(2, field(1, message(number(1, 1), field(2, message(dim, dim))))))
	}
	entry := func(key, value string) []byte {
		return field(13, message(field(1, []byte(key)), field(2, []byte(value))))
	}
	w := message(number(1, 4), number(1, 4), number(2, 1), field(8, []byte("head.weight")), entry("location", "weights/w.bin"), number(14, 1))
	node := message(field(1, []byte("x")), field(1, []byte("head.weight")), field(2, []byte("y")), field(3, []byte("head")), field(4, []byte("MatMul")))
	graph := message(field(1, node), field(2, []byte("g")), field(5, w), field(11, value("x")), field(12, value("y")))
	return message(number(1, 8), field(7, graph), field(8, message(field(1, nil), number(2, 17))))
}

// A file beside the model that holds its weights is an input like the model itself.
func TestExternalDataIsLocked(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "weights"), 0o777); err != nil {
		t.Fatal(err)
	}
	weights := filepath.Join(dir, "weights", "w.bin")
	write(t, weights, bytes.Repeat([]byte{0, 0, 128, 63}, 16)) // ones
	write(t, filepath.Join(dir, "m.onnx"), withExternalData())
	recipe := filepath.Join(dir, "r.yaml")
	write(t, recipe, []byte("version: 1\nmodel: {path: m.onnx}\npasses: [quantize: {scheme: W8A16}]\ngates: [{expect: artifact.bytes <= 1MB}]\noutputs: [{path: out.onnx}]\n"))
	out := filepath.Join(dir, "dist")
	build := func(extra ...string) (int, string) {
		return run(t, nil, append([]string{"build", recipe, "--out", out, "--quiet", "--no-cache"}, extra...)...)
	}
	if code, said := build(); code != exitFine {
		t.Fatal(said)
	}
	text, err := os.ReadFile(filepath.Join(dir, lock.Name))
	if err != nil || !strings.Contains(string(text), "weights/w.bin: {kind: weights, ") {
		t.Fatalf("%v: the lock does not hold the weights:\n%s", err, text)
	}
	var report struct {
		Baseline struct{ Bytes int64 }
	}
	if text, err = os.ReadFile(filepath.Join(out, "report.json")); err == nil {
		err = json.Unmarshal(text, &report)
	}
	if want := int64(len(withExternalData()) + 64); err != nil || report.Baseline.Bytes != want {
		t.Errorf("the baseline has %d bytes (%v); with its weights it has %d", report.Baseline.Bytes, err, want)
	}
	if code, said := run(t, nil, "verify", out, "--recipe", recipe); code != exitFine {
		t.Error(said)
	}
	if err := flipAt(weights, 21); err != nil {
		t.Fatal(err)
	}
	if code, said := build("--locked"); code != exitIntegrity || !strings.Contains(said, "weights/w.bin has changed") || !strings.Contains(said, "in tensor head.weight") {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	if err := os.Remove(weights); err != nil {
		t.Fatal(err)
	}
	if code, said := build("--locked"); code != exitIntegrity || !strings.Contains(said, "weights/w.bin is in the lock and is not there") {
		t.Errorf("without the weights: exit code %d:\n%s", code, said)
	}
}
