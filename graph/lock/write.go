package lock

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/pare-ml/pare/internal/lazyregexp"
)

const head = `# What the recipes of this folder were built from, and what came of it. Commit this file: with it
# pare build --locked builds the same again or nothing. pare build and pare lock --update write it.
`

// Encode writes the file. Equal content gives equal bytes.
func (f *File) Encode() []byte {
	f.sort()
	var b bytes.Buffer
	b.WriteString(head)
	fmt.Fprintf(&b, "pare_lock: %d\nrecipes:\n", Version)
	for _, r := range f.Recipes {
		r.encode(&b)
	}
	return b.Bytes()
}

func (r *Recipe) encode(b *bytes.Buffer) {
	fmt.Fprintf(b, "  %s:\n", word(r.Name))
	fmt.Fprintf(b, "    recipe: %s\n    tool: %s\n    seed: %d\n", r.Effective, word(r.Tool), r.Seed)
	section(b, "vars", len(r.Vars))
	for _, v := range r.Vars {
		fmt.Fprintf(b, "      %s: %s\n", word(v.Name), quoted(v.Value))
	}
	for _, s := range []struct {
		name string
		list []Uses
	}{{"passes", r.Passes}, {"metrics", r.Metrics}, {"formats", r.Formats}} {
		section(b, s.name, len(s.list))
		for _, u := range s.list {
			fmt.Fprintf(b, "      %s: %d\n", word(u.Name), u.Version)
		}
	}
	section(b, "inputs", len(r.Inputs))
	for _, in := range r.Inputs {
		fmt.Fprintf(b, "      %s: {kind: %s, sha256: %s, size: %d}\n", word(in.Path), in.Kind, in.SHA256, in.Size)
	}
	section(b, "tensors", len(r.Tensors))
	for _, t := range r.Tensors {
		fmt.Fprintf(b, "      %s:\n", word(t.Path))
		for _, x := range t.List {
			fmt.Fprintf(b, "        %s: %s\n", word(x.Name), x.Sum)
		}
	}
	section(b, "artifacts", len(r.Artifacts))
	for _, a := range r.Artifacts {
		fmt.Fprintf(b, "      %s: {sha256: %s, size: %d}\n", word(a.Path), a.SHA256, a.Size)
	}
}

func section(b *bytes.Buffer, name string, n int) {
	if n > 0 {
		fmt.Fprintf(b, "    %s:\n", name)
	}
}

var plain = lazyregexp.New(`^(\.\./)*[A-Za-z_][A-Za-z0-9_.+/-]*$`)

// words that YAML takes for something else than text.
var words = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}

// word writes a name or path: as it is where YAML reads that as text, else quoted.
func word(s string) string {
	if plain.MatchString(s) && !slices.Contains(words, strings.ToLower(s)) {
		return s
	}
	return quoted(s)
}

// quoted writes a text in double quotes, as JSON and YAML both read it.
func quoted(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.Encode(s) // a string cannot fail
	return strings.TrimSuffix(b.String(), "\n")
}
