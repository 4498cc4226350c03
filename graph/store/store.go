// Package store keeps what actions made, by content, and puts results on disk so that a reader sees all of them or none.
//
// A Store is a folder of blobs, named by their digests, and of entries, named by the key of the action that made them. Nothing
// in it is trusted: every byte is verified when it is read, and what is damaged is put aside and made anew. A Stage is a folder
// being filled that takes its place in one step. docs/store.md describes what lies on disk.
package store

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2" //equalbits:ok names of temporary files, which must differ
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// Version is the folder's version: a change of layout gets a new number and a new folder beside the old one.
	Version = "v1"
	// DefaultLimit is the size to which a store is cut back when Options say nothing: 10 GB.
	DefaultLimit = 10e9
	// defaultWait is how long Hold waits for another: actions that train take long.
	defaultWait = 4 * time.Hour
	// defaultPatience is how long a wait is before it is told.
	defaultPatience = 3 * time.Second
)

// Folders of a store, below its version.
const (
	blobsDir   = "blobs"   // content: ab/<hash>
	actionsDir = "actions" // entries: ab/<hash of the key>
	corruptDir = "corrupt" // what was found damaged
	tmpDir     = "tmp"     // being written
	holdsDir   = "holds"   // one file for each key held
	buildsDir  = "builds"  // one file for each running build
)

// ErrMissing is the error for content that the store does not have, or no longer after it was found damaged.
var ErrMissing = errors.New("not in the store")

// Options of a store. The zero value is fit for use.
type Options struct {
	ReadOnly bool          // write nothing at all: for jobs that are not trusted, and for looking
	Limit    int64         // bytes to which Trim cuts back; 0: DefaultLimit
	FS       FS            // nil: the real one
	Warn     func(string)  // told of damage, of waiting and of doubtful permissions, one call at a time; may be nil
	Wait     time.Duration // how long Hold waits for another; 0: four hours
}

// Store is a content-addressed store in a folder. It is used by any number of goroutines and processes at once. A nil *Store
// finds nothing and keeps nothing.
type Store struct {
	root     string // the versioned folder
	dir      string // as given
	readOnly bool
	limit    int64
	fs       FS
	wait     time.Duration
	patience time.Duration

	mu    sync.Mutex // guards the fields below
	warn  func(string)
	began time.Time       // of the build that began last in this process
	dirs  map[string]bool // that were made durable
}

// Open opens the store in a folder and makes it when it is absent. A read-only store that is absent finds nothing.
func Open(dir string, o Options) (*Store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{
		root: filepath.Join(dir, Version), dir: dir, readOnly: o.ReadOnly, limit: o.Limit, fs: orOS(o.FS),
		wait: o.Wait, patience: defaultPatience, warn: o.Warn, dirs: map[string]bool{},
	}
	if s.limit <= 0 {
		s.limit = DefaultLimit
	}
	if s.wait <= 0 {
		s.wait = defaultWait
	}
	if !s.readOnly {
		if err := s.layOut(); err != nil {
			return nil, fmt.Errorf("open the store: %w", full(err, dir, 0))
		}
	}
	for _, d := range []string{s.dir, s.root} {
		if info, err := os.Stat(d); err == nil {
			if why := dangers(info); why != "" {
				s.warnf("the store in %s %s; use one that only you can write", d, why)
				break
			}
		}
	}
	return s, nil
}

// cacheTag tells programs that make backups to leave the folder out: https://bford.info/cachedir/
const cacheTag = "Signature: 8a477f597d28d172789f06886806bc55\n# This folder holds what pare can make again. See docs/store.md of pare.\n"

func (s *Store) layOut() error {
	for _, d := range []string{blobsDir, actionsDir, corruptDir, tmpDir, holdsDir, buildsDir} {
		if err := makeDirs(s.fs, filepath.Join(s.root, d), 0o755); err != nil {
			return err
		}
	}
	tag := filepath.Join(s.dir, "CACHEDIR.TAG")
	if _, err := os.Lstat(tag); err == nil {
		return nil
	}
	return s.write(tag, []byte(cacheTag))
}

// Dir returns the store's folder; "" for nil.
func (s *Store) Dir() string {
	if s == nil {
		return ""
	}
	return s.dir
}

// FS returns the file system under the store: the real one for nil.
func (s *Store) FS() FS {
	if s == nil {
		return OS{}
	}
	return s.fs
}

// ReadOnly tells whether the store keeps nothing.
func (s *Store) ReadOnly() bool { return s == nil || s.readOnly }

func (s *Store) warnf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.warn != nil {
		s.warn(fmt.Sprintf(format, args...))
	}
}

// path returns where a digest's file lies: in one of 256 folders, so that none grows long.
func (s *Store) path(kind string, d Digest) string {
	hex := d.Hex()
	return filepath.Join(s.root, kind, hex[:2], hex)
}

// scratch opens a new file in tmp.
func (s *Store) scratch() (File, string, error) {
	for {
		name := filepath.Join(s.root, tmpDir, random())
		f, err := createFile(s.fs, name, 0o444)
		if !errors.Is(err, fs.ErrExist) {
			return f, name, err
		}
	}
}

// random returns a name that no other file has. It decides nothing but that.
func random() string {
	text := strconv.FormatUint(rand.Uint64(), 36)
	return strings.Repeat("0", 13-len(text)) + text
}

// write puts a whole file in place: a reader sees the old one, or the new one, or none.
func (s *Store) write(path string, data []byte) error {
	f, tmp, err := s.scratch()
	if err != nil {
		return full(err, path, int64(len(data)))
	}
	if err := writeAll(f, data); err != nil {
		err = errors.Join(err, f.Close())
		s.fs.Remove(tmp)
		return full(err, path, int64(len(data)))
	}
	return s.finish(f, tmp, path, int64(len(data)))
}

// finish makes a written scratch file durable and moves it into place. A sync that failed is not tried again: the system may
// have dropped the data and report success the second time.
func (s *Store) finish(f File, tmp, path string, size int64) error {
	err := f.Sync()
	err = errors.Join(err, f.Close())
	if err == nil {
		err = s.makeDir(filepath.Dir(path))
	}
	if err == nil {
		err = s.fs.Rename(tmp, path)
	}
	if err != nil {
		s.fs.Remove(tmp) // as far as it goes; what is left is litter that Collect removes
		return full(err, path, size)
	}
	return full(s.fs.SyncDir(filepath.Dir(path)), path, size)
}

// makeDir makes a folder of the store durable, once a run.
func (s *Store) makeDir(dir string) error {
	s.mu.Lock()
	known := s.dirs[dir]
	s.mu.Unlock()
	if known {
		return nil
	}
	if err := makeDirs(s.fs, dir, 0o755); err != nil {
		return err
	}
	s.mu.Lock()
	s.dirs[dir] = true
	s.mu.Unlock()
	return nil
}

// used is the time of a use now. A clock that was set back must not make what this build uses look older than the build.
func (s *Store) used() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Before(s.began) {
		return s.began
	}
	return now
}

// touch records a use. It serves eviction alone, so that what fails is left at that.
func (s *Store) touch(path string) {
	if s.readOnly {
		return
	}
	s.fs.Touch(path, s.used())
}
