// Package inputs opens the files that a command reads, and makes sure of a build's that what was hashed is what was used:
// each file is opened once and stays open, its digest is taken over the open file, and at the end the file, and what
// stands under its name, must still be what they were.
package inputs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
)

// Set is the files opened so far. It is safe for concurrent use.
type Set struct {
	// Recall returns the digest of a file as somebody took it before, by its stamp; nothing if nobody did. Nil: each is taken.
	// It is set before the first digest is asked for.
	Recall func(f *File) (sum string)

	mu    sync.Mutex
	files []*File // in the order in which they were opened
	known map[key]*File
}

type key struct {
	root *os.Root
	name string
}

// File is a file that was opened.
type File struct {
	Path string // as whoever opened it calls it: for messages
	Kind string // what it is for, as it was opened first

	set   *Set
	root  *os.Root
	name  string
	f     *os.File
	state state
	young bool       // changed so shortly before it was opened that another change may leave the same times
	mu    sync.Mutex // of sum
	sum   string
}

// Changed is the error of a file that was altered, replaced or cut while it was in use. It makes pare exit 5.
type Changed struct{ Path string }

func (c *Changed) Error() string { return "input changed during the build: " + c.Path }

// errNotRegular is what a folder, pipe or device gives.
var errNotRegular = errors.New("not a regular file")

// Open opens a regular file below a root; no link on the way leads out of it, and a pipe or device is refused without
// waiting for it. A file that was opened before is the same again. path is the name for messages.
func (s *Set) Open(root *os.Root, name, path, kind string) (*File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := key{root, name}
	if f := s.known[k]; f != nil {
		return f, nil
	}
	f, err := open(root, name)
	if errors.Is(err, errNotRegular) {
		return nil, fmt.Errorf("%s is not a regular file", path)
	} else if err != nil {
		return nil, err
	}
	f.Path, f.Kind, f.set = path, kind, s
	if s.known == nil {
		s.known = map[key]*File{}
	}
	s.known[k] = f
	s.files = append(s.files, f)
	return f, nil
}

func open(root *os.Root, name string) (*File, error) {
	info, err := root.Stat(name) // before opening: to open a device may do something
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNotRegular
	}
	h, err := root.OpenFile(name, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if info, err = h.Stat(); err == nil && !info.Mode().IsRegular() {
		err = errNotRegular
	}
	if err != nil {
		h.Close()
		return nil, err
	}
	f := &File{root: root, name: name, f: h, state: stateOf(info)}
	f.young = f.state.young(now)
	return f, nil
}

// Name is the file's path on disk.
func (f *File) Name() string { return f.f.Name() }

// Info is what the file was when it was opened.
func (f *File) Info() fs.FileInfo { return f.state.info }

// Reader returns a reader of the file from its start. Readers do not disturb each other.
func (f *File) Reader() io.Reader { return io.NewSectionReader(f.f, 0, 1<<62) }

// At reads the file at offsets. Readers do not disturb each other.
func (f *File) At() io.ReaderAt { return f.f }

// Size is the file's length when it was opened.
func (f *File) Size() int64 { return f.state.info.Size() }

// Known returns the digest in hexadecimal if SHA256 has returned it, else nothing.
func (f *File) Known() string { return f.sum }

// Stamp returns what a file's content can be known again by without reading it: the file itself, its size and its times, of
// which no program can set one back. ok is false if another content could have the same.
func (f *File) Stamp() (stamp string, ok bool) {
	s := f.state
	return fmt.Sprint(identity(s.info), s.info.Size(), s.info.ModTime().UnixNano(), s.changed.UnixNano()), !f.young
}

// SHA256 returns the digest of the open file in hexadecimal, recalled or taken, once. It is safe for concurrent use.
func (f *File) SHA256(ctx context.Context) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sum == "" && !f.young && f.set.Recall != nil {
		f.sum = f.set.Recall(f)
	}
	if f.sum != "" {
		return f.sum, nil
	}
	sum, err := f.hash(ctx)
	if err == nil {
		f.sum = sum
	}
	return sum, err
}

func (f *File) hash(ctx context.Context) (string, error) {
	h := sha256.New()
	n, err := io.CopyBuffer(h, &interruptible{ctx, f.Reader()}, make([]byte, 256<<10))
	if err != nil {
		return "", err
	}
	if n != f.Size() {
		return "", &Changed{f.Path}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// interruptible reads until its context ends.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

func (i *interruptible) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.r.Read(p)
}

// Files returns the files opened so far.
func (s *Set) Files() []*File {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*File(nil), s.files...)
}

// Check makes sure, at the end, that every file is what it was when it was opened. A file that was only removed still
// served its old content, which is no error; one that was put in its place is.
func (s *Set) Check(ctx context.Context) error {
	for _, f := range s.Files() {
		if err := f.check(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (f *File) check(ctx context.Context) error {
	info, err := f.f.Stat()
	if err != nil {
		return err
	}
	now := stateOf(info)
	if !f.state.sameContent(now) {
		return &Changed{f.Path}
	}
	if there, err := f.root.Stat(f.name); err == nil {
		if !os.SameFile(there, f.state.info) {
			return &Changed{f.Path}
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// The times say that nothing happened, or something that leaves the content alone: a new name, other permissions.
	// Where they cannot be believed, the content decides.
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sum != "" && (f.young || !f.state.sameTimes(now)) {
		sum, err := f.hash(ctx)
		if err != nil {
			return err
		}
		if sum != f.sum {
			return &Changed{f.Path}
		}
	}
	return nil
}

// Close closes all files.
func (s *Set) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, f := range s.files {
		errs = append(errs, f.f.Close())
	}
	s.files, s.known = nil, nil
	return errors.Join(errs...)
}
