// Package lock reads, writes and compares lock files: what each recipe of a folder was built from and what it gave, so
// that the same can be built again, or nothing at all. It knows no pass, metric or format; it holds their names and
// versions.
//
// # The file
//
// pare.lock stands beside the recipes that it speaks of, with a section for each, under the name of the recipe's file:
//
//	# What the recipes of this folder were built from, …
//	pare_lock: 1
//	recipes:
//	  small.yaml:
//	    recipe: 0b1c…            SHA-256 of the effective recipe
//	    tool: v1.2.0             version of pare, development for one that is no release
//	    seed: 1
//	    vars:
//	      sparsity: "0.7"        in force, after --set
//	    passes:
//	      fold: 1                versions of what the recipe uses
//	    metrics:
//	    formats:
//	    inputs:
//	      model.onnx: {kind: model, sha256: 0b1c…, size: 904759}
//	    tensors:
//	      model.onnx:
//	        stem.weight: 0b1c…   the first 8 bytes of a digest, to name what differs
//	    artifacts:
//	      small.onnx: {sha256: 0b1c…, size: 271098}
//
// Paths are relative to the file's own folder, whatever the repository around it, and those of artefacts to the folder
// of the build. The file is YAML, one entry a line, sorted, and holds no digest of itself, so that git merges what two
// branches changed. The recipe counts by its meaning: the effective recipe has every default written out and no
// comments; of a file that it imports every byte counts, as of every other input.
//
// # Reading
//
// There is one way to write a lock, and Parse takes no other: a line that a merge or an editor left otherwise is a
// Damage with its number. Only line ends may be CR LF, on all lines, as git leaves them on Windows.
package lock

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
)

// Name of the file.
const Name = "pare.lock"

// Version of its form.
const Version = 1

// MaxSize bounds the file.
const MaxSize = 16 << 20

// File is a lock file: sections sorted by the name of the recipe's file.
type File struct {
	Recipes []*Recipe
}

// Recipe is what is known of one recipe.
type Recipe struct {
	Name      string // of the recipe's file, which stands beside the lock
	Effective string // SHA-256 of the effective recipe, in hexadecimal, as all digests here
	Tool      string // version of pare
	Seed      uint64
	Vars      []Var // in force, sorted by name
	Passes    []Uses
	Metrics   []Uses
	Formats   []Uses
	Inputs    []Input
	Tensors   []Tensors // of models among the inputs; for naming what differs
	Artifacts []Artifact
}

// Var is a variable of the recipe with the value in force, as text.
type Var struct{ Name, Value string }

// Uses is a pass, metric or format with its version.
type Uses struct {
	Name    string
	Version int
}

// Kinds of inputs.
const (
	Model    = "model"
	Weights  = "weights"  // a file beside a model that holds tensors of it
	Attached = "attached" // a file beside a model that travels with it: its configuration, its tokenizer
	Data     = "data"
	Import   = "import"
	Target   = "target"
	Manifest = "manifest"
)

var kinds = []string{Model, Weights, Attached, Data, Import, Target, Manifest}

// Input is a file that the build reads.
type Input struct {
	Path   string // relative to the lock, with slashes
	Kind   string
	SHA256 string // empty: not known, in a recipe that Compare holds against one of the file
	Size   int64
}

// Tensors names the tensors of a model by the beginnings of their digests.
type Tensors struct {
	Path string // of the model, as among the inputs
	List []Tensor
}

// Tensor is a constant of a model: Sum is the first 8 bytes of TensorDigest in hexadecimal.
type Tensor struct{ Name, Sum string }

// Artifact is a file of the model that the build gave.
type Artifact struct {
	Path   string // relative to the folder of the build, with slashes
	SHA256 string
	Size   int64
}

// Section returns the section of a recipe's file, or nil.
func (f *File) Section(name string) *Recipe {
	if f == nil {
		return nil
	}
	if i := slices.IndexFunc(f.Recipes, func(r *Recipe) bool { return r.Name == name }); i >= 0 {
		return f.Recipes[i]
	}
	return nil
}

// Put puts a section into the file, in the place of one of the same name.
func (f *File) Put(r *Recipe) {
	f.Recipes = slices.DeleteFunc(f.Recipes, func(old *Recipe) bool { return old.Name == r.Name })
	f.Recipes = append(f.Recipes, r)
	f.sort()
}

func (f *File) sort() {
	slices.SortFunc(f.Recipes, func(a, b *Recipe) int { return strings.Compare(a.Name, b.Name) })
	for _, r := range f.Recipes {
		r.Sort()
	}
}

// Sort puts all lists in the order in which they are written.
func (r *Recipe) Sort() {
	slices.SortFunc(r.Vars, func(a, b Var) int { return strings.Compare(a.Name, b.Name) })
	for _, list := range [][]Uses{r.Passes, r.Metrics, r.Formats} {
		slices.SortFunc(list, func(a, b Uses) int { return strings.Compare(a.Name, b.Name) })
	}
	slices.SortFunc(r.Inputs, func(a, b Input) int { return strings.Compare(a.Path, b.Path) })
	slices.SortFunc(r.Tensors, func(a, b Tensors) int { return strings.Compare(a.Path, b.Path) })
	for _, t := range r.Tensors {
		slices.SortFunc(t.List, func(a, b Tensor) int { return strings.Compare(a.Name, b.Name) })
	}
	slices.SortFunc(r.Artifacts, func(a, b Artifact) int { return strings.Compare(a.Path, b.Path) })
}

// Input returns the input of a path, or nil.
func (r *Recipe) Input(path string) *Input {
	if i := slices.IndexFunc(r.Inputs, func(in Input) bool { return in.Path == path }); i >= 0 {
		return &r.Inputs[i]
	}
	return nil
}

// TensorsOf returns the tensors of a model, or nil.
func (r *Recipe) TensorsOf(path string) []Tensor {
	if i := slices.IndexFunc(r.Tensors, func(t Tensors) bool { return t.Path == path }); i >= 0 {
		return r.Tensors[i].List
	}
	return nil
}

// Digest is the SHA-256 over all that goes into a build and nothing that comes out of it: effective recipe, tool, seed,
// variables, versions, and the inputs by kind, digest and size. It does not depend on where the inputs lie. Artefacts
// carry it in their metadata.
func (r *Recipe) Digest() string {
	h := sha256.New()
	line(h, "recipe", r.Effective)
	line(h, "tool", r.Tool)
	line(h, "seed", fmt.Sprint(r.Seed))
	for _, v := range r.Vars {
		line(h, "var", v.Name, v.Value)
	}
	for _, u := range r.Passes {
		line(h, "pass", u.Name, fmt.Sprint(u.Version))
	}
	for _, u := range r.Metrics {
		line(h, "metric", u.Name, fmt.Sprint(u.Version))
	}
	for _, u := range r.Formats {
		line(h, "format", u.Name, fmt.Sprint(u.Version))
	}
	inputs := slices.Clone(r.Inputs)
	slices.SortFunc(inputs, func(a, b Input) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.SHA256, b.SHA256))
	})
	for _, in := range inputs {
		line(h, "input", in.Kind, in.SHA256, fmt.Sprint(in.Size))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// line writes words with their lengths, so that no two lists of words give the same bytes.
func line(h hash.Hash, words ...string) {
	for _, w := range words {
		fmt.Fprintf(h, "%d ", len(w))
		io.WriteString(h, w)
	}
	io.WriteString(h, "\n")
}
