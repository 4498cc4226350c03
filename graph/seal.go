package graph

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/store"
	"github.com/pare-ml/pare/recipe"
)

// Keys of what a build writes into the metadata of its models.
const (
	MarkRecipe  = "pare.recipe"  // SHA-256 of the effective recipe
	MarkVersion = "pare.version" // of pare; development for one that is no release
	MarkLock    = "pare.lock"    // lock.Recipe.Digest: of all that went in
)

// Seal is what a build asks of those who keep its inputs and vouch for its result. The zero Seal asks nothing.
type Seal struct {
	// Input is what is known of the files of the model that came in: the digest of the one that the recipe names, and the
	// bytes of all. Nil: it is read from disk, which may hold another file by then.
	Input *evaluate.File

	// Await, if not nil, gives all the rest of the seal, when it is known: it is called before the model is written, or after it
	// if no output holds marks.
	Await func() (Seal, error)

	// Marks are written into the metadata of every model, in the place of those that the model that came in had.
	Marks []ir.KeyValue

	// Written is called when the model's files are on disk, before anything is measured. An error ends the build, and
	// nothing is published.
	Written func(files []evaluate.File) error

	// Documents returns the last files of the build, which speak of all others, those of the model first. An error ends
	// the build, and nothing is published: it is the place to find out that an input has changed.
	Documents func(report *evaluate.Report, files []Sealed) ([]Document, error)
}

// Sealed is a file of the build, as it was written.
type Sealed struct {
	Path   string // relative to the build's folder, with slashes
	SHA256 string // in hexadecimal
	Size   int64
}

// Document is a file to write.
type Document struct {
	Name string
	Data []byte
}

// inputFile is the file of the model that came in.
func (s *Seal) inputFile(m *ir.Model) (evaluate.File, error) {
	if s.Input != nil {
		return *s.Input, nil
	}
	sum, size, err := digest(m.Path)
	return evaluate.File{SHA256: sum, Bytes: size}, err
}

// sealed waits for the rest of the seal.
func (b *build) sealed() error {
	if b.Seal.Await == nil {
		return nil
	}
	whole, err := b.Seal.Await()
	if err != nil {
		return err
	}
	r := *b.Runner // the runner itself may build again
	r.Seal = whole
	b.Runner = &r
	return nil
}

// unmarked tells whether none of the plan's outputs holds marks.
func (b *build) unmarked() bool {
	return !slices.ContainsFunc(b.plan.Recipe.Outputs, func(o recipe.Output) bool { return !o.GGUF.Compatible })
}

// mark puts the marks into a model's metadata.
func (s *Seal) mark(m *ir.Model) {
	m.Metadata = append(withoutMarks(m.Metadata), s.Marks...)
}

// withoutMarks returns what else a model's metadata say.
func withoutMarks(list []ir.KeyValue) []ir.KeyValue {
	return slices.DeleteFunc(slices.Clone(list), func(kv ir.KeyValue) bool {
		return kv.Key == MarkRecipe || kv.Key == MarkVersion || kv.Key == MarkLock
	})
}

// put writes a file into the stage.
func (b *build) put(stage *store.Stage, name string, data []byte) error {
	sum, err := stage.Write(name, data)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	b.files = append(b.files, Sealed{name, sum, int64(len(data))})
	return nil
}

// seal writes the documents.
func (b *build) seal(stage *store.Stage) error {
	if b.Seal.Documents == nil {
		return nil
	}
	documents, err := b.Seal.Documents(b.report, slices.Clone(b.files))
	if err != nil {
		return err
	}
	for _, d := range documents {
		if err := b.put(stage, d.Name, d.Data); err != nil {
			return err
		}
	}
	return nil
}

// Effective returns the effective recipe: every default written out, every variable and fact filled in.
func (p *Plan) Effective() ([]byte, error) {
	var b bytes.Buffer
	if err := p.Recipe.WriteEffective(&b, p.facts); err != nil {
		return nil, fmt.Errorf("write the effective recipe: %w", err)
	}
	return b.Bytes(), nil
}

// Peak estimates the memory that a build holds at most, and says when; 0 if it cannot be known from the header.
func (p *Plan) Peak() (bytes int64, where string) {
	p.Estimate()
	return p.peak()
}
