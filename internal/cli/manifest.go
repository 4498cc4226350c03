package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/pare-ml/pare/graph/format/manifest"
)

var manifestVerb = &verb{
	name: "manifest", args: "MODEL", summary: "write a model's header for git, without its weights", min: 1, max: 1,
	long: `Writes names, types, roles, shapes and ties of a model's layers, the graph around them, and digests of header and
weights: a small JSON file with a line for each layer, tensor and node, made to be committed and compared. lint,
plan, diff, explain and test take it in place of the model. Name it in a recipe as model: {path: …, manifest: …};
they say when it is not the header of the model beside it any more. The same model gives the same bytes.`,
	setup: func(f *pflag.FlagSet) func(*session, []string) error {
		out := f.StringP("output", "o", "", "the file to write (default: standard output)")
		return func(s *session, args []string) error { return s.manifest(args[0], *out) }
	},
}

func (s *session) manifest(path, out string) error {
	m, done, err := openModel(path)
	if err != nil {
		return err
	}
	defer done()
	if !m.HasWeights() {
		return usageError{path + " is a manifest already; name the model"}
	}
	b, err := manifest.Encode(m)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if out == "" {
		_, err := s.stdout.Write(b)
		return err
	}
	if sameFile(path, out) {
		return usageError{fmt.Sprintf("%s is the model itself; give the manifest another name", out)}
	}
	return replaceFile(out, b)
}

func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// replaceFile writes a file as a whole: it is as it was until the new content is complete. A file that has the content
// already is left alone.
func replaceFile(path string, b []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, b) {
		return nil
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return usageError{path + " is not a regular file"}
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".tmp-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already if all went well
	_, err = f.Write(b)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
