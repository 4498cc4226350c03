// Package crash ends whole builds badly: it kills them, lets the disk fail under them or cuts the power, at each operation that
// changes a disk, and looks at what is left. Tests of the command and conformance/crash share it.
//
// After each such end must hold what docs/store.md promises: the target and the lock are the old ones or the new ones whole,
// nothing in the store differs from its digest, nothing is left over but temporary files, no input has changed, and the same
// build again gives the same bytes and uses what was kept.
package crash

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/lock"
	"github.com/pare-ml/pare/graph/store"
	"github.com/pare-ml/pare/graph/store/storetest"
	"github.com/pare-ml/pare/internal/cli"
)

// Names within the folder of a scene.
const (
	recipeName = "recipe.yaml"
	distName   = "dist"
	outName    = "out"
	cacheName  = "cache"
)

// Scene is a build that is carried out many times, each time in a copy of one folder.
type Scene struct {
	Self []string // the command that runs Main in another process, and what comes before its arguments
	Ops  []storetest.Op

	start    string   // the folder as it is before the build
	work     string   // where copies are made
	inputs   []string // files of start that no build may change
	old, new State
}

// State is what stands after a build: digests, empty for what is absent.
type State struct{ Target, Lock string }

// NewScene makes a scene in an empty folder. The inputs are files by name, recipe.yaml among them. Unless earlier is nil, a
// build of that recipe has been there before, and its result, its lock and its store are in the way.
func NewScene(dir string, inputs map[string][]byte, earlier []byte) (*Scene, error) {
	s := &Scene{start: filepath.Join(dir, "start"), work: filepath.Join(dir, "work")}
	if err := errors.Join(os.MkdirAll(s.start, 0o777), os.MkdirAll(s.work, 0o777)); err != nil {
		return nil, err
	}
	for name, data := range inputs {
		s.inputs = append(s.inputs, name)
		if err := os.WriteFile(filepath.Join(s.start, name), data, 0o644); err != nil {
			return nil, err
		}
	}
	slices.Sort(s.inputs)
	path := filepath.Join(s.start, recipeName)
	if earlier != nil {
		if err := os.WriteFile(path, earlier, 0o644); err != nil {
			return nil, err
		}
		if code, said := Build(storetest.Unsynced{}, s.start); code != 0 {
			return nil, fmt.Errorf("the earlier build ended with %d:\n%s", code, said)
		}
		if err := os.WriteFile(path, inputs[recipeName], 0o644); err != nil {
			return nil, err
		}
	}
	var err error
	if s.old, err = stands(s.start); err != nil {
		return nil, err
	}
	ref, err := s.Copy("reference")
	if err != nil {
		return nil, err
	}
	recorder := storetest.NewRecorderOn(storetest.Unsynced{})
	if code, said := Build(recorder, ref); code != 0 {
		return nil, fmt.Errorf("the build ended with %d:\n%s", code, said)
	}
	s.Ops = recorder.Ops()
	for i := range s.Ops {
		s.Ops[i].Path = strings.TrimPrefix(s.Ops[i].Path, ref+string(filepath.Separator))
	}
	s.new, err = stands(ref)
	if err == nil && (s.new.Target == s.old.Target || s.new.Lock == s.old.Lock || s.new.Lock == "") {
		err = fmt.Errorf("the build changes nothing: %v before, %v after", s.old, s.new)
	}
	return s, errors.Join(err, os.RemoveAll(ref))
}

// arguments are those of the build in a folder.
func arguments(dir string) []string {
	return []string{"build", filepath.Join(dir, recipeName), "--out", filepath.Join(dir, distName, outName), "--cache", filepath.Join(dir, cacheName), "--workers", "1"}
}

// Build runs the build in a folder and returns its exit code and what it says.
func Build(files store.FS, dir string) (code int, said string) {
	var out bytes.Buffer
	code = cli.MainOn(files, arguments(dir), &out, &out)
	if said = out.String(); len(said) > 2000 && code != 0 {
		said = "…" + said[len(said)-2000:] // of a plan the end, and what follows
	}
	return code, said
}

// Copy makes a copy of the folder as it is before the build.
func (s *Scene) Copy(name string) (string, error) {
	dir := filepath.Join(s.work, name)
	return dir, copyTree(s.start, dir)
}

func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Mkdir(filepath.Join(to, rel), 0o755)
		}
		in, err := os.Open(path)
		if err != nil {
			return err
		}
		defer in.Close()
		out, err := os.Create(filepath.Join(to, rel))
		if err != nil {
			return err
		}
		_, err = io.Copy(out, in)
		return errors.Join(err, out.Close())
	})
}

// stands looks at what stands in a folder and demands that it is whole.
func stands(dir string) (s State, err error) {
	if s.Target, err = storetest.CheckTarget(filepath.Join(dir, distName, outName)); err != nil {
		return s, err
	}
	text, err := os.ReadFile(filepath.Join(dir, lock.Name))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	s.Lock = fmt.Sprintf("%x", sha256.Sum256(text))
	return s, err
}

// Check demands the invariants of what is in a folder and returns what stands there.
func (s *Scene) Check(dir string) (State, error) {
	now, err := stands(dir)
	if err != nil {
		return now, err
	}
	if now != s.old && now != s.new && now != (State{s.new.Target, s.old.Lock}) { // the lock is written last
		return now, fmt.Errorf("neither the old result stands nor the new one: %v; old %v, new %v", now, s.old, s.new)
	}
	for _, name := range s.inputs {
		was, err := os.ReadFile(filepath.Join(s.start, name))
		if err != nil {
			return now, err
		}
		is, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !bytes.Equal(is, was) {
			return now, fmt.Errorf("the input %s has changed (%v)", name, err)
		}
	}
	if err := storetest.CheckLitter(dir, append([]string{lock.Name, distName, cacheName}, s.inputs...)...); err != nil {
		return now, err
	}
	if _, err := os.Stat(filepath.Join(dir, distName)); err == nil {
		if err := storetest.CheckLitter(filepath.Join(dir, distName), outName); err != nil {
			return now, err
		}
	}
	if _, err := os.Stat(filepath.Join(dir, cacheName, store.Version)); err == nil {
		return now, storetest.CheckStore(filepath.Join(dir, cacheName))
	}
	return now, nil
}

// Again builds in a folder that Check has looked at: the result is the new one, nothing is left over, and nothing is made that
// the store had. It tells whether training went on where it was.
func (s *Scene) Again(files store.FS, dir string) (resumed bool, err error) {
	had, err := entries(dir)
	if err != nil {
		return false, err
	}
	recorder := storetest.NewRecorderOn(files)
	code, said := Build(recorder, dir)
	if code != 0 {
		return false, fmt.Errorf("building again ended with %d:\n%s", code, said)
	}
	if now, err := s.Check(dir); err != nil || now != s.new {
		return false, fmt.Errorf("building again gave %v, not %v: %w", now, s.new, err)
	}
	for in, want := range map[string]int{dir: len(s.inputs) + 3, filepath.Join(dir, distName): 1} {
		if list, err := os.ReadDir(in); err != nil || len(list) != want {
			return false, fmt.Errorf("left over after building again: %v, %w", list, err)
		}
	}
	for _, op := range recorder.Ops() {
		if name := filepath.Base(op.To); op.Kind == "rename" && had[name] {
			return false, fmt.Errorf("the entry %s was there and was made again", name)
		}
	}
	return strings.Contains(said, "resumed at"), nil
}

// entries are the names of the store's entries, without those of checkpoints, which are written over.
func entries(dir string) (map[string]bool, error) {
	had := map[string]bool{}
	err := filepath.WalkDir(filepath.Join(dir, cacheName, store.Version, "actions"), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		had[d.Name()] = !bytes.Contains(text, []byte("\ncheckpoint"))
		return err
	})
	return had, err
}
