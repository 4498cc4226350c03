package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/graph/lock"
	"github.com/pare-ml/pare/graph/store"
)

// cacheFlag is --cache of the verbs that use the store.
func cacheFlag(f *pflag.FlagSet, p *string) {
	f.StringVar(p, "cache", "", "folder of the store (default pare in the user's cache folder)")
}

// cacheDir is the folder of the store: the one asked for, or that of the user.
func cacheDir(asked string) (string, error) {
	if asked != "" {
		return filepath.Abs(asked)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("%w; name a folder for the store with --cache", err)
	}
	return filepath.Join(dir, "pare"), nil
}

// store opens the store in dir, which is what --cache says. If it says nothing, the store is in the user's cache folder; where
// that is not to be had the store is nil, which keeps nothing, and a warning says so.
func (s *session) store(dir string, readOnly bool) (*store.Store, error) {
	path, err := cacheDir(dir)
	if err == nil {
		var st *store.Store
		st, err = store.Open(path, store.Options{ReadOnly: readOnly, FS: s.files, Warn: s.warn})
		if err == nil {
			return st, nil
		}
	}
	if dir == "" {
		s.warn(fmt.Sprintf("nothing is kept for the next build: %v", err))
		return nil, nil
	}
	return nil, err
}

// warn prints a warning that is no finding.
func (s *session) warn(text string) { fmt.Fprintf(s.stderr, "pare: warning: %s\n", text) }

// looked opens a store that a verb looks at: one that is absent is not made.
func (s *session) looked(dir string, readOnly bool) (*store.Store, error) {
	path, err := cacheDir(dir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(path, store.Version)); errors.Is(err, fs.ErrNotExist) {
		readOnly = true
	}
	return store.Open(path, store.Options{ReadOnly: readOnly, FS: s.files, Warn: s.warn})
}

// claim refuses a target that must not be replaced, which includes what holds an input, and keeps the rest to this build: an
// equal one at the same time waits until this has ended and then finds its results, another is refused.
func (s *session) claim(p *project, now *lock.Recipe, out string) (release func(), err error) {
	inputs := []string{p.source.Name}
	for _, f := range p.inputs.Files() {
		inputs = append(inputs, f.Name())
	}
	for _, target := range []string{out, out + graph.Rejected} {
		if err := store.Check(target, inputs...); err != nil {
			return nil, err
		}
	}
	return store.HoldTarget(s.ctx, s.files, out, "pare build "+p.source.Name, now.Digest(), s.warn)
}
