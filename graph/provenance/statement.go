package provenance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Types of the statement (https://github.com/in-toto/attestation, https://slsa.dev/spec/v1.0/provenance).
const (
	StatementType = "https://in-toto.io/Statement/v1"
	PredicateType = "https://slsa.dev/provenance/v1"
	BuildType     = "https://github.com/pare-ml/pare/blob/main/docs/reproducible.md#build-type-1"
	BuilderID     = "https://github.com/pare-ml/pare"
)

// Statement is the document, as far as pare writes and reads it.
type Statement struct {
	Type          string     `json:"_type"`
	Subject       []Resource `json:"subject"`
	PredicateType string     `json:"predicateType"`
	Predicate     Predicate  `json:"predicate"`
}

// Resource is a file with its digest.
type Resource struct {
	Name        string         `json:"name"`
	Digest      Digest         `json:"digest"`
	Annotations map[string]any `json:"annotations,omitempty"`
}

// Digest holds digests by algorithm; pare knows SHA-256.
type Digest struct {
	SHA256 string `json:"sha256"`
}

// Predicate says how the subjects were built.
type Predicate struct {
	Definition Definition `json:"buildDefinition"`
	Run        Run        `json:"runDetails"`
}

// Definition is what went in: External is the user's to choose, Internal follows from the program.
type Definition struct {
	BuildType    string     `json:"buildType"`
	External     External   `json:"externalParameters"`
	Internal     Internal   `json:"internalParameters"`
	Dependencies []Resource `json:"resolvedDependencies"`
}

// External parameters.
type External struct {
	Recipe RecipeFile        `json:"recipe"`
	Vars   map[string]string `json:"vars"`
	Target string            `json:"target,omitempty"`
	Seed   uint64            `json:"seed"`
}

// RecipeFile names the recipe. The digest is that of the effective recipe, recipe.yaml among the subjects.
type RecipeFile struct {
	Path   string `json:"path"`
	Digest Digest `json:"digest"`
}

// Internal parameters: Lock is lock.Recipe.Digest.
type Internal struct {
	Lock    Digest         `json:"lock"`
	Tool    string         `json:"tool"`
	Passes  map[string]int `json:"passes,omitempty"`
	Metrics map[string]int `json:"metrics,omitempty"`
	Formats map[string]int `json:"formats,omitempty"`
}

// Run names the program.
type Run struct {
	Builder Builder `json:"builder"`
}

// Builder is pare, of a version.
type Builder struct {
	ID      string            `json:"id"`
	Version map[string]string `json:"version"`
}

// NewStatement returns the statement about a build's files.
func NewStatement(b *Build) *Statement {
	s := &Statement{Type: StatementType, PredicateType: PredicateType}
	for _, f := range b.Files {
		s.Subject = append(s.Subject, Resource{Name: f.Path, Digest: Digest{f.SHA256}})
	}
	slices.SortFunc(s.Subject, func(a, b Resource) int { return strings.Compare(a.Name, b.Name) })
	d := &s.Predicate.Definition
	d.BuildType = BuildType
	d.External = External{
		Recipe: RecipeFile{Path: b.Report.Recipe.Path, Digest: Digest{b.Lock.Effective}},
		Vars:   map[string]string{}, Target: b.Target, Seed: b.Lock.Seed,
	}
	for _, v := range b.Lock.Vars {
		d.External.Vars[v.Name] = v.Value
	}
	d.Internal = Internal{Lock: Digest{b.Lock.Digest()}, Tool: b.Lock.Tool,
		Passes: map[string]int{}, Metrics: map[string]int{}, Formats: map[string]int{}}
	for _, u := range b.Lock.Passes {
		d.Internal.Passes[u.Name] = u.Version
	}
	for _, u := range b.Lock.Metrics {
		d.Internal.Metrics[u.Name] = u.Version
	}
	for _, u := range b.Lock.Formats {
		d.Internal.Formats[u.Name] = u.Version
	}
	d.Dependencies = []Resource{}
	for _, in := range b.Lock.Inputs {
		d.Dependencies = append(d.Dependencies, Resource{Name: in.Path, Digest: Digest{in.SHA256},
			Annotations: map[string]any{"kind": in.Kind, "size": in.Size}})
	}
	s.Predicate.Run.Builder = Builder{ID: BuilderID, Version: map[string]string{b.Report.Tool.Name: b.Report.Tool.Version}}
	return s
}

// Encode writes the statement as JSON.
func (s *Statement) Encode() ([]byte, error) { return encode(s) }

// ReadStatement reads a statement that pare wrote. Whatever it does not know is an error: a statement that says more
// than it is verified for would be believed for more.
func ReadStatement(text []byte) (*Statement, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	s := &Statement{}
	if err := d.Decode(s); err != nil {
		return nil, fmt.Errorf("it is no provenance as pare writes it: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the statement")
	}
	switch {
	case s.Type != StatementType:
		return nil, fmt.Errorf("its type is %q, not %s", s.Type, StatementType)
	case s.PredicateType != PredicateType:
		return nil, fmt.Errorf("its predicate is of type %q, not %s", s.PredicateType, PredicateType)
	case s.Predicate.Definition.BuildType != BuildType:
		return nil, fmt.Errorf("its build is of type %q, not %s", s.Predicate.Definition.BuildType, BuildType)
	}
	seen := map[string]bool{}
	for _, r := range s.Subject {
		if seen[r.Name] {
			return nil, fmt.Errorf("it has the subject %q twice", r.Name)
		}
		seen[r.Name] = true
	}
	return s, nil
}
