package provenance

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/graph/lock"
	"github.com/pare-ml/pare/internal/human"
)

// The types of a bill of materials, as far as pare fills it in (https://cyclonedx.org/docs/1.6/json).
type (
	bom struct {
		Schema       string       `json:"$schema"`
		Format       string       `json:"bomFormat"`
		Spec         string       `json:"specVersion"`
		Serial       string       `json:"serialNumber"`
		Version      int          `json:"version"`
		Metadata     metadata     `json:"metadata"`
		Components   []component  `json:"components"`
		Dependencies []dependency `json:"dependencies"`
	}
	metadata struct {
		Tools     tools     `json:"tools"`
		Component component `json:"component"`
	}
	tools struct {
		Components []component `json:"components"`
	}
	component struct {
		Type        string      `json:"type"`
		Ref         string      `json:"bom-ref,omitempty"`
		Name        string      `json:"name"`
		Version     string      `json:"version,omitempty"`
		Description string      `json:"description,omitempty"`
		Hashes      []hash      `json:"hashes,omitempty"`
		Pedigree    *pedigree   `json:"pedigree,omitempty"`
		Components  []component `json:"components,omitempty"`
		Card        *card       `json:"modelCard,omitempty"`
		Data        []data      `json:"data,omitempty"`
		Properties  []property  `json:"properties,omitempty"`
	}
	hash struct {
		Algorithm string `json:"alg"`
		Content   string `json:"content"`
	}
	pedigree struct {
		Ancestors []component `json:"ancestors"`
		Notes     string      `json:"notes,omitempty"`
	}
	data struct {
		Type        string `json:"type"`
		Name        string `json:"name"`
		Description string `json:"description,omitempty"`
	}
	property struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	dependency struct {
		Ref       string   `json:"ref"`
		DependsOn []string `json:"dependsOn,omitempty"`
	}
	card struct {
		Parameters     parameters     `json:"modelParameters"`
		Analysis       analysis       `json:"quantitativeAnalysis"`
		Considerations considerations `json:"considerations"`
	}
	parameters struct {
		Datasets []reference `json:"datasets,omitempty"`
	}
	reference struct {
		Ref string `json:"ref"`
	}
	analysis struct {
		Metrics []metric `json:"performanceMetrics"`
	}
	metric struct {
		Type     string    `json:"type"`
		Value    string    `json:"value"`
		Slice    string    `json:"slice,omitempty"`
		Interval *interval `json:"confidenceInterval,omitempty"`
	}
	interval struct {
		Lower string `json:"lowerBound"`
		Upper string `json:"upperBound"`
	}
	considerations struct {
		Limitations []string `json:"technicalLimitations,omitempty"`
		Tradeoffs   []string `json:"performanceTradeoffs,omitempty"`
	}
)

const modelRef = "model"

// BOM returns the bill of materials of a build: the model with its card, the model that it descends from, the data.
func BOM(b *Build) ([]byte, error) {
	doc := bom{
		Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", Format: "CycloneDX", Spec: "1.6", Version: 1,
		Serial: serial(b), Components: []component{},
	}
	doc.Metadata.Tools.Components = []component{{Type: "application", Name: b.Report.Tool.Name, Version: b.Report.Tool.Version}}
	m := model(b)
	top := dependency{Ref: modelRef}
	for _, d := range b.Datasets {
		c := dataset(b, d)
		doc.Components = append(doc.Components, c)
		m.Card.Parameters.Datasets = append(m.Card.Parameters.Datasets, reference{c.Ref})
		top.DependsOn = append(top.DependsOn, c.Ref)
	}
	doc.Metadata.Component = m
	for _, a := range m.Pedigree.Ancestors {
		top.DependsOn = append(top.DependsOn, a.Ref)
	}
	doc.Dependencies = []dependency{top}
	return encode(doc)
}

// model describes the result. Of several files the first is the one to open.
func model(b *Build) component {
	r := b.Report
	name := r.Recipe.Name
	if name == "" {
		name = r.Artifacts[0].Path
	}
	c := component{Type: "machine-learning-model", Ref: modelRef, Name: name, Description: r.Recipe.Description,
		Hashes: sha(r.Artifacts[0].SHA256), Card: modelCard(r)}
	for _, f := range r.Artifacts {
		c.Components = append(c.Components, component{Type: "file", Ref: "file:" + f.Path, Name: f.Path, Hashes: sha(f.SHA256)})
	}
	c.Pedigree = &pedigree{Ancestors: ancestors(b), Notes: notes(r)}
	c.Properties = []property{{"pare:recipe", b.Lock.Effective}, {"pare:lock", b.Lock.Digest()}, {"pare:seed", fmt.Sprint(b.Lock.Seed)}}
	return c
}

// ancestors are the models that went in: the one that the recipe changes first, then teachers, each with its files.
func ancestors(b *Build) []component {
	var out []component
	for _, in := range b.Lock.Inputs {
		if in.Kind != lock.Model {
			continue
		}
		c := component{Type: "machine-learning-model", Ref: "base:" + in.Path, Name: in.Path, Hashes: sha(in.SHA256)}
		for _, w := range b.Lock.Inputs {
			if w.Kind == lock.Weights && strings.HasPrefix(w.Path, dir(in.Path)) {
				c.Components = append(c.Components, component{Type: "file", Name: w.Path, Hashes: sha(w.SHA256)})
			}
		}
		out = append(out, c)
	}
	base := b.Report.Baseline.SHA256
	slices.SortStableFunc(out, func(x, y component) int {
		return boolInt(y.Hashes[0].Content == base) - boolInt(x.Hashes[0].Content == base)
	})
	return out
}

func dir(path string) string { return path[:strings.LastIndex(path, "/")+1] }

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// notes says what each step did.
func notes(r *evaluate.Report) string {
	var out []string
	for _, s := range r.Steps {
		if s.LeftOut == "" {
			out = append(out, s.ID)
		}
	}
	return strings.Join(out, ", then ")
}

func dataset(b *Build, d Dataset) component {
	c := component{Type: "data", Ref: "data:" + d.Name, Name: d.Name, Data: []data{{Type: "dataset", Name: d.Name}}}
	for _, known := range b.Report.Data {
		if known.Name == d.Name {
			c.Description = fmt.Sprintf("%d samples", known.Samples)
		}
	}
	if d.Use != "" {
		c.Data[0].Description = "used for " + d.Use
	}
	for _, path := range d.Paths {
		if in := b.Lock.Input(path); in != nil {
			c.Components = append(c.Components, component{Type: "file", Name: path, Hashes: sha(in.SHA256)})
		}
	}
	return c
}

func modelCard(r *evaluate.Report) *card {
	c := &card{Analysis: analysis{Metrics: []metric{}}}
	for _, row := range r.Metrics {
		c.Analysis.Metrics = append(c.Analysis.Metrics, metric{
			Type: row.Score.Metric.Name, Value: number(row.Score.Value), Slice: row.Score.Data, Interval: bounds(row.Score.Interval)})
	}
	for _, d := range r.Gates {
		if d.Gate.Metric != "" && !math.IsNaN(d.Value) {
			c.Analysis.Metrics = append(c.Analysis.Metrics, metric{
				Type: d.Gate.Metric + " " + string(d.Gate.Limit), Value: number(d.Value), Slice: d.Gate.Data, Interval: bounds(d.Interval)})
		}
		c.Considerations.Tradeoffs = append(c.Considerations.Tradeoffs, fmt.Sprintf("gate %s: %s: %s", d.Gate.Name, d.Outcome, d.Message))
	}
	c.Considerations.Tradeoffs = append(c.Considerations.Tradeoffs, fmt.Sprintf("weights take %s; those of the model that came in %s",
		human.Bytes(r.After.Bytes), human.Bytes(r.Before.Bytes)))
	if len(r.Gates) == 0 {
		c.Considerations.Limitations = []string{"no gates: nothing was asked of the result"}
	}
	return c
}

// ReadBOM returns the files of the model that a bill of materials as BOM writes it speaks of.
func ReadBOM(text []byte) ([]File, error) {
	var doc bom
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("it is no bill of materials: %w", err)
	}
	var out []File
	for _, c := range doc.Metadata.Component.Components {
		f := File{Path: c.Name}
		for _, h := range c.Hashes {
			if h.Algorithm == "SHA-256" {
				f.SHA256 = h.Content
			}
		}
		out = append(out, f)
	}
	return out, nil
}

func bounds(i *evaluate.Interval) *interval {
	if i == nil || math.IsNaN(i.Low) || math.IsNaN(i.High) {
		return nil
	}
	return &interval{number(i.Low), number(i.High)}
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func sha(sum string) []hash { return []hash{{"SHA-256", sum}} }

// serial is a UUID of version 8 (RFC 9562) that follows from what went in and what came out.
func serial(b *Build) string {
	h := sha256.New()
	fmt.Fprintf(h, "pare bill of materials\n%s\n", b.Lock.Digest())
	for _, f := range b.Report.Artifacts {
		fmt.Fprintf(h, "%s\n", f.SHA256)
	}
	u := h.Sum(nil)[:16]
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
