// Package store puts results on disk so that a reader sees all of them or none.
package store

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
)

// Sums is the name of the list of digests, in the form of the sha256sum command. It is written last: who sees it sees
// everything on it, and a folder that holds other things than it lists was not made by pare alone.
const Sums = "SHA256SUMS"

// Stage is a folder being filled beside the place where it will stand. It is used by one goroutine.
type Stage struct {
	Dir   string // the temporary folder
	files []string
	sums  bytes.Buffer
}

// NewStage makes an empty folder beside target, under a temporary name. The parents of target are made if missing.
func NewStage(target string) (*Stage, error) {
	parent := filepath.Dir(filepath.Clean(target))
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(parent, "."+filepath.Base(target)+".tmp-*")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, errors.Join(err, os.Remove(dir))
	}
	return &Stage{Dir: dir}, nil
}

// Write puts a file into the stage and on disk. The name may have folders. It returns the digest in hexadecimal.
func (s *Stage) Write(name string, data []byte) (sum string, err error) {
	if !filepath.IsLocal(name) || name == Sums || slices.Contains(s.files, name) {
		return "", fmt.Errorf("%s cannot be a name in the artefact's folder", name)
	}
	sum = fmt.Sprintf("%x", sha256.Sum256(data))
	if err := s.put(name, data); err != nil {
		return "", err
	}
	s.files = append(s.files, name)
	fmt.Fprintf(&s.sums, "%s  %s\n", sum, filepath.ToSlash(name))
	return sum, nil
}

func (s *Stage) put(name string, data []byte) (err error) {
	path := filepath.Join(s.Dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Sync() // a failed sync fails the build; trying again could report success for lost data
}

// Publish writes the list of digests and puts the folder in the place of target, in one step where the system can
// exchange two folders. A target that was there before is removed afterwards. Check says beforehand whether pare may
// replace it.
func (s *Stage) Publish(target string) error {
	if err := Check(target); err != nil {
		return err
	}
	if err := s.put(Sums, s.sums.Bytes()); err != nil {
		return err
	}
	if err := syncTree(s.Dir); err != nil {
		return err
	}
	if err := replace(s.Dir, target); err != nil {
		return err
	}
	return syncDir(filepath.Dir(filepath.Clean(target)))
}

// Discard removes the stage. After Publish it removes what the target held before.
func (s *Stage) Discard() error { return os.RemoveAll(s.Dir) }

// Occupied is the error of Check for a place that pare must not replace.
type Occupied struct{ Path, Why string }

func (o *Occupied) Error() string {
	return fmt.Sprintf("%s %s; name another folder with --out, or move it away", o.Path, o.Why)
}

// Check tells whether target may be published to: it is absent, an empty folder, or a folder in which pare wrote
// everything there is.
func Check(target string) error {
	info, err := os.Lstat(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.IsDir():
		return &Occupied{target, "is not a folder"}
	}
	listed, err := readSums(target)
	if err != nil {
		return err
	}
	return filepath.WalkDir(target, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(target, path)
		if err != nil {
			return err
		}
		if name = filepath.ToSlash(name); name != Sums && !slices.Contains(listed, name) {
			return &Occupied{target, "holds " + name + ", which pare did not write"}
		}
		return nil
	})
}

// readSums returns the names that a folder's list of digests holds; none if there is no list.
func readSums(dir string) ([]string, error) {
	f, err := os.Open(filepath.Join(dir, Sums))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return nil, err
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		if _, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  "); ok {
			names = append(names, name)
		}
	}
	return names, nil
}

// syncTree makes the entries of a folder and of the folders below it durable.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return syncDir(path)
	})
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// swap replaces target by dir with two renames, for systems and file systems that cannot exchange them in one: for a
// moment there is no target. What target held ends up in dir.
func swap(dir, target string) error {
	old := dir + ".old"
	if err := os.Rename(target, old); err != nil {
		return err
	}
	if err := os.Rename(dir, target); err != nil {
		return errors.Join(err, os.Rename(old, target))
	}
	return os.Rename(old, dir)
}
