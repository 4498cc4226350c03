package store

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Sums is the name of the list of digests, in the form of the sha256sum command. It is written last: who sees it sees
// everything on it, and a folder that holds other things than it lists was not made by pare alone.
const Sums = "SHA256SUMS"

// Stage is a folder being filled beside the place where it will stand. It is used by one goroutine.
type Stage struct {
	Dir   string // the temporary folder
	fs    FS
	lock  File // the folder itself: that this process fills it
	files []*StageFile
	err   error // of a file that could not be written: such a stage is not published
}

// NewStage makes an empty folder beside target, under a temporary name. The parents of target are made if missing.
func NewStage(target string) (*Stage, error) { return NewStageOn(nil, target) }

// NewStageOn is NewStage on a file system; nil is the real one.
func NewStageOn(f FS, target string) (*Stage, error) {
	f = orOS(f)
	target, err := filepath.Abs(target)
	if err != nil {
		return nil, err
	}
	if err := makeDirs(f, filepath.Dir(target), 0o777); err != nil {
		return nil, err
	}
	for {
		s := &Stage{Dir: prefix(target) + random(), fs: f}
		err := f.Mkdir(s.Dir, 0o755)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		// A courtesy to who cleans up: where it does not work, the hold on the target says the same.
		if lock, err := f.OpenFile(s.Dir, os.O_RDONLY|cautious, 0); err == nil {
			if f.Flock(lock, true) == nil {
				s.lock = lock
			} else {
				lock.Close()
			}
		}
		return s, nil
	}
}

// StageFile is a file of a stage being written. Close ends it.
type StageFile struct {
	stage  *Stage
	name   string
	f      File
	sum    hash.Hash
	size   int64
	begun  int64 // up to where the system was asked to put it on disk
	err    error
	closed bool
}

// Create makes a file in the stage. The name may have folders. The order of calls is the order in the list of digests.
func (s *Stage) Create(name string) (*StageFile, error) {
	if !filepath.IsLocal(name) || name == Sums || s.has(name) {
		return nil, fmt.Errorf("%s cannot be a name in the artefact's folder", name)
	}
	f, err := s.open(name)
	if err != nil {
		return nil, s.fail(err)
	}
	w := &StageFile{stage: s, name: name, f: f, sum: sha256.New()}
	s.files = append(s.files, w)
	return w, nil
}

func (s *Stage) has(name string) bool {
	for _, f := range s.files {
		if f.name == name {
			return true
		}
	}
	return false
}

func (s *Stage) fail(err error) error {
	if s.err == nil {
		s.err = err
	}
	return err
}

func (s *Stage) open(name string) (File, error) {
	path := filepath.Join(s.Dir, name)
	if err := makeDirs(s.fs, filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := createFile(s.fs, path, 0o644)
	return f, full(err, path, 0)
}

// Write writes p and hashes it meanwhile.
func (w *StageFile) Write(p []byte) (int, error) {
	if w.closed {
		return 0, fmt.Errorf("write %s: %w", w.name, fs.ErrClosed)
	}
	if w.err != nil {
		return 0, w.err
	}
	var hashed sync.WaitGroup
	hashed.Go(func() { w.sum.Write(p) })
	err := writeAll(w.f, p)
	hashed.Wait()
	if err != nil {
		w.err = w.stage.fail(full(err, filepath.Join(w.stage.Dir, w.name), int64(len(p))))
		return 0, w.err
	}
	w.size += int64(len(p))
	if n := w.size - w.begun; n >= writeBehind {
		beginWriting(w.f, w.begun, n) // else the disk would wait for the sync, and then everybody for the disk
		w.begun = w.size
	}
	return len(p), nil
}

// writeBehind is after how many bytes the system is asked to begin to put them on disk.
const writeBehind = 32 << 20

// Close puts the file on disk. A stage with a file whose Close failed, or was not called, is not published. A second call
// returns what the first did.
func (w *StageFile) Close() error {
	if w.closed {
		return w.err
	}
	w.closed = true
	err := w.err
	if err == nil {
		// A failed sync fails the build; trying again could report success for lost data.
		err = full(w.f.Sync(), filepath.Join(w.stage.Dir, w.name), w.size)
	}
	if cerr := w.f.Close(); err == nil {
		err = cerr
	}
	if w.err = err; err != nil {
		w.stage.fail(err)
	}
	return err
}

// Digest returns the digest of what has been written so far.
func (w *StageFile) Digest() Digest {
	d := Digest{Size: w.size}
	w.sum.Sum(d.Hash[:0])
	return d
}

// Write puts a small file into the stage and on disk. It returns the digest in hexadecimal.
func (s *Stage) Write(name string, data []byte) (sum string, err error) {
	w, err := s.Create(name)
	if err != nil {
		return "", err
	}
	_, err = w.Write(data)
	return w.Digest().Hex(), errors.Join(err, w.Close())
}

// sums is the list of digests.
func (s *Stage) sums() []byte {
	var b bytes.Buffer
	for _, f := range s.files {
		fmt.Fprintf(&b, "%s  %s\n", f.Digest().Hex(), filepath.ToSlash(f.name))
	}
	return b.Bytes()
}

// Publish writes the list of digests and puts the folder in the place of target, in one step where the system can
// exchange two folders. What target held before goes to the stage's folder, and Discard removes it. Check says beforehand
// whether pare may replace it.
func (s *Stage) Publish(target string) error {
	if s.err != nil {
		return fmt.Errorf("the result is not complete: %w", s.err)
	}
	for _, f := range s.files {
		if !f.closed {
			return fmt.Errorf("the result is not complete: %s was not closed", f.name)
		}
	}
	if err := Check(target); err != nil {
		return err
	}
	target, err := filepath.Abs(target)
	if err != nil {
		return err
	}
	if err := s.putSums(); err != nil {
		return err
	}
	if err := syncTree(s.fs, s.Dir); err != nil {
		return err
	}
	if err := s.replace(target); err != nil {
		return err
	}
	return s.fs.SyncDir(filepath.Dir(target))
}

func (s *Stage) putSums() error {
	f, err := s.open(Sums)
	if err != nil {
		return err
	}
	w := StageFile{stage: s, name: Sums, f: f, sum: sha256.New()}
	_, err = w.Write(s.sums())
	return errors.Join(err, w.Close())
}

// Discard removes the stage. After Publish it removes what the target held before.
func (s *Stage) Discard() error {
	for _, f := range s.files {
		if !f.closed {
			f.closed = true
			f.f.Close()
		}
	}
	err := removeAll(s.fs, s.Dir)
	if s.lock != nil {
		s.lock.Close()
		s.lock = nil
	}
	return err
}

// syncTree makes the entries of a folder and of the folders below it durable.
func syncTree(f FS, dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return f.SyncDir(path)
	})
}

// replace puts the stage in the place of target and, if target was there, target in the place of the stage.
func (s *Stage) replace(target string) error {
	if _, err := os.Lstat(target); errors.Is(err, fs.ErrNotExist) {
		return s.fs.Rename(s.Dir, target)
	}
	err := s.fs.Exchange(s.Dir, target)
	if errors.Is(err, errors.ErrUnsupported) {
		return swap(s.fs, s.Dir, target)
	}
	return err
}

// swap replaces target by dir with two renames, for systems and file systems that cannot exchange them in one: for a
// moment there is no target. What target held ends up in dir. A build that is killed in that moment leaves it in dir.old,
// from where the next one takes it (sweepStages).
func swap(f FS, dir, target string) error {
	old := dir + ".old"
	if err := f.Rename(target, old); err != nil {
		return err
	}
	if err := f.Rename(dir, target); err != nil {
		return errors.Join(err, f.Rename(old, target))
	}
	return f.Rename(old, dir)
}
