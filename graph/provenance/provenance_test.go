package provenance

import (
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/evaluate/classification"
	"github.com/pare-ml/pare/evaluate/size"
	"github.com/pare-ml/pare/graph/lock"
)

func sum(s string) string { return strings.Repeat(s, 64/len(s)) }

func sample() *Build {
	top1 := &evaluate.Score{Metric: classification.Top1, Data: "test", N: 1000, Value: 0.8875, Interval: &evaluate.Interval{Low: 0.8663, High: 0.9058, Confidence: 0.95}}
	r := &evaluate.Report{
		Tool:      evaluate.Tool{Name: "pare", Version: "v1.2.0"},
		Recipe:    evaluate.Recipe{Path: "recipes/fashion.yaml", Name: "fashion", Description: "clothes <script>", Seed: 1},
		Baseline:  evaluate.File{Path: "models/fashion.onnx", SHA256: sum("b0")},
		Artifacts: []evaluate.File{{Path: "fashion.onnx", SHA256: sum("a7"), Bytes: 271098}, {Path: "fashion.bin", SHA256: sum("a8")}},
		Data:      []evaluate.Data{{Name: "test", Samples: 1000}},
		Metrics:   []evaluate.Row{{Score: top1}, {Score: &evaluate.Score{Metric: size.Bytes, Value: 271098}}},
		Gates: []evaluate.Decision{
			{Gate: evaluate.GateSpec{Name: "top1 on test", Metric: "top1", Data: "test", Limit: evaluate.MaxDegradation}, Outcome: evaluate.Met, Value: 0.002,
				Interval: &evaluate.Interval{Low: math.Inf(-1), High: 0.0081}, Message: "drops by 0.2 points"},
			{Gate: evaluate.GateSpec{Name: "artifact.bytes <= 1", Limit: evaluate.Expect}, Outcome: evaluate.NotMet, Value: math.NaN(), Message: "it is 271098"},
		},
		Steps: []evaluate.Step{{ID: "fold", Pass: "fold"}, {ID: "gone", Pass: "prune", LeftOut: "why"}, {ID: "pack", Pass: "quantize"}},
	}
	l := &lock.Recipe{Name: "fashion.yaml", Effective: sum("e1"), Tool: "v1.2.0", Seed: 1,
		Vars: []lock.Var{{Name: "sparsity", Value: "0.7"}}, Passes: []lock.Uses{{Name: "fold", Version: 1}}, Metrics: []lock.Uses{{Name: "top1"}},
		Inputs: []lock.Input{
			{Path: "data/test.gz", Kind: lock.Data, SHA256: sum("d1"), Size: 12}, {Path: "models/a-teacher.onnx", Kind: lock.Model, SHA256: sum("b1"), Size: 5},
			{Path: "models/fashion.onnx", Kind: lock.Model, SHA256: sum("b0"), Size: 904759}, {Path: "models/weights.bin", Kind: lock.Weights, SHA256: sum("b2"), Size: 7},
		}}
	return &Build{Report: r, Lock: l, Target: "cortex-m7", Datasets: []Dataset{{Name: "test", Use: "evaluation", Paths: []string{"data/test.gz"}}},
		Files: []File{{"recipe.yaml", sum("e1")}, {"fashion.onnx", sum("a7")}}}
}

// schema compiles a published JSON schema with those that it refers to.
func schema(t *testing.T, names ...string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, name := range names {
		f, err := os.Open(filepath.Join("testdata", name+".gz"))
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
	s, err := c.Compile("http://cyclonedx.org/schema/" + names[0])
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestBOMFitsSchema(t *testing.T) {
	s := schema(t, "bom-1.6.schema.json", "spdx.schema.json", "jsf-0.82.schema.json")
	plain := sample()
	plain.Report.Gates, plain.Report.Metrics, plain.Datasets, plain.Report.Recipe.Name = nil, nil, nil, ""
	for name, b := range map[string]*Build{"sample": sample(), "plain": plain} {
		text, err := BOM(b)
		if err != nil {
			t.Fatal(err)
		}
		check := func(text []byte) error {
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			return s.Validate(doc)
		}
		if err := check(text); err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
		for _, edit := range [][2]string{{`"specVersion": "1.6"`, `"specVersion": 16`}, {`"machine-learning-model"`, `"learned"`}, {"urn:uuid:", "uuid:"}, {`"alg": "SHA-256"`, `"alg": "sha256"`}} {
			bad := bytes.Replace(text, []byte(edit[0]), []byte(edit[1]), 1)
			if bytes.Equal(bad, text) || check(bad) == nil {
				t.Errorf("%s: %s instead of %s passes", name, edit[1], edit[0])
			}
		}
	}
}

func TestBOMSays(t *testing.T) {
	text, err := BOM(sample())
	if err != nil {
		t.Fatal(err)
	}
	var doc bom
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	m := doc.Metadata.Component
	if a := m.Pedigree.Ancestors; len(a) != 2 || a[0].Name != "models/fashion.onnx" || len(a[0].Components) != 1 {
		t.Errorf("the ancestors are %+v; want the base model first, with its weights", a)
	}
	if q := m.Card.Analysis.Metrics; len(q) != 3 || *q[0].Interval != (interval{"0.8663", "0.9058"}) || q[2].Type != "top1 max_degradation" || q[2].Interval.Lower != "-Inf" {
		t.Errorf("the metrics are %+v", q)
	}
	if q := m.Card.Considerations.Tradeoffs; len(q) != 3 || !strings.HasPrefix(q[1], "gate artifact.bytes <= 1: not_met: ") {
		t.Errorf("the tradeoffs are %q", q)
	}
	if got := doc.Components[0]; got.Components[0].Hashes[0].Content != sum("d1") || got.Description != "1000 samples" {
		t.Errorf("the data are %+v", got)
	}
	other := sample()
	other.Report.Artifacts[0].SHA256 = sum("ff")
	if serial(other) == serial(sample()) {
		t.Error("another artefact has the same serial number")
	}
}

func TestStatementFitsProtos(t *testing.T) {
	types := protos(t)
	text, err := NewStatement(sample()).Encode()
	if err != nil {
		t.Fatal(err)
	}
	problems := func(text []byte) []string {
		var doc map[string]any
		if err := json.Unmarshal(text, &doc); err != nil {
			t.Fatal(err)
		}
		out := types.check("Statement", "", doc)
		predicate, _ := doc["predicate"].(map[string]any)
		return append(out, types.check("Provenance", ".predicate", predicate)...)
	}
	if p := problems(text); p != nil {
		t.Errorf("%s\n%s", strings.Join(p, "\n"), text)
	}
	for _, edit := range [][2]string{{`"_type"`, `"type"`}, {`"predicateType"`, `"predicate_type"`}, {`"sha256": "a7`, `"sha256": 7, "x": "a7`},
		{`"builder": {`, `"builder": [`}, {`"resolvedDependencies"`, `"materials"`}, {`"subject": [`, `"subject": [7,`}} {
		bad := bytes.Replace(text, []byte(edit[0]), []byte(edit[1]), 1)
		if edit[1] == `"builder": [` {
			bad = bytes.Replace(text, []byte(`"builder": {`), []byte(`"builder": 7, "metadata": {`), 1)
		}
		if bytes.Equal(bad, text) || problems(bad) == nil {
			t.Errorf("%s instead of %s passes", edit[1], edit[0])
		}
	}
	// What the specification requires, and protobuf cannot say (https://slsa.dev/spec/v1.0/provenance).
	s, err := ReadStatement(text)
	if err != nil {
		t.Fatal(err)
	}
	if d := s.Predicate.Definition; len(s.Subject) != 2 || s.Subject[0].Name != "fashion.onnx" || d.BuildType == "" || d.External.Recipe.Digest.SHA256 != sum("e1") ||
		d.External.Vars["sparsity"] != "0.7" || len(d.Dependencies) != 4 || s.Predicate.Run.Builder.ID == "" || d.Internal.Lock.SHA256 != sample().Lock.Digest() {
		t.Errorf("the statement reads as %+v", s)
	}
	for _, edit := range [][2]string{{`"_type": "https://in-toto.io/Statement/v1"`, `"_type": "x"`}, {`provenance/v1"`, `provenance/v2"`}, {`#build-type-1`, `#build-type-2`},
		{`"name": "recipe.yaml"`, `"name": "fashion.onnx"`}, {`"subject"`, `"more": 1, "subject"`}} {
		bad := bytes.Replace(text, []byte(edit[0]), []byte(edit[1]), 1)
		if _, err := ReadStatement(bad); bytes.Equal(bad, text) || err == nil {
			t.Errorf("%s instead of %s is read", edit[1], edit[0])
		}
	}
	if _, err := ReadStatement(append(text, '{', '}')); err == nil {
		t.Error("two statements are read")
	}
}

func keys() (ed25519.PrivateKey, ed25519.PublicKey) {
	k := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	return k, k.Public().(ed25519.PublicKey)
}

func TestSign(t *testing.T) {
	private, public := keys()
	statement := []byte(`{"a":1}`)
	text, err := Sign(statement, private)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Open(text, public)
	if err != nil || !bytes.Equal(got, statement) {
		t.Fatalf("Open gives %q, %v", got, err)
	}
	other := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, 32)).Public().(ed25519.PublicKey)
	if _, err := Open(text, other); err == nil || !strings.Contains(err.Error(), "not by the key") {
		t.Errorf("another key: %v", err)
	}
	for at := range text {
		bad := bytes.Clone(text)
		bad[at] ^= 1
		if got, err := Open(bad, public); err == nil && !bytes.Equal(got, statement) {
			t.Fatalf("byte %d is flipped, and %q is signed", at, got)
		}
	}
	// The protocol's own example of the encoding.
	if got := string(authenticated([]byte("hello"))); got != "DSSEv1 28 application/vnd.in-toto+json 5 hello" {
		t.Errorf("what is signed is %q", got)
	}
}

// The keys are those that openssl genpkey -algorithm ed25519 and openssl pkey -pubout wrote.
func TestKeys(t *testing.T) {
	read := func(name string) []byte {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	private, err := PrivateKey(read("key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	public, err := PublicKey(read("pub.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if !private.Public().(ed25519.PublicKey).Equal(public) {
		t.Error("the keys are no pair")
	}
	if _, err := PrivateKey(read("pub.pem")); err == nil || !strings.Contains(err.Error(), `it holds a "PUBLIC KEY", not a PRIVATE KEY`) {
		t.Errorf("a public key in place of a private one: %v", err)
	}
	if _, err := PublicKey([]byte("hello")); err == nil {
		t.Error("a text is a key")
	}
	if _, err := PublicKey(read("rsa.pem")); err == nil || !strings.Contains(err.Error(), "another kind than ed25519") {
		t.Errorf("an RSA key: %v", err)
	}
}

func FuzzReadStatement(f *testing.F) {
	text, err := NewStatement(sample()).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) { ReadStatement(text) })
}

func FuzzOpen(f *testing.F) {
	private, public := keys()
	text, err := Sign([]byte("{}"), private)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		if got, err := Open(text, public); err == nil && string(got) != "{}" {
			t.Errorf("%q passes for signed", got)
		}
	})
}
