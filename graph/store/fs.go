package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// FS is the file system under the store and the stage. Whatever they change on a disk goes through one, so that a test can
// let any operation fail, kill the process at it, or keep a log of them (package storetest). Listing and looking go to the
// system directly. Its methods are called from several goroutines.
type FS interface {
	// OpenFile is os.OpenFile.
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	Mkdir(name string, perm fs.FileMode) error
	Rename(from, to string) error
	// Exchange lets two paths change places in one step, or returns errors.ErrUnsupported.
	Exchange(a, b string) error
	// Link gives a file a second name; a file of that name must not be there.
	Link(from, to string) error
	// Remove removes a file or an empty folder.
	Remove(name string) error
	// SyncDir makes the entries of a folder durable.
	SyncDir(name string) error
	// Touch sets the time of last change.
	Touch(name string, t time.Time) error
	// Flock takes a hold on an open file that the system frees when the process ends; it does not wait. The error is
	// ErrLocked if another has it, errors.ErrUnsupported if the file system knows no such holds.
	Flock(f File, exclusive bool) error
}

// File is an open file of an FS.
type File interface {
	io.ReadWriteCloser
	Sync() error
	Truncate(size int64) error
	Stat() (fs.FileInfo, error)
}

// ErrLocked is the error of Flock for a file that another has.
var ErrLocked = errors.New("held by another process")

// OS is the real file system.
type OS struct{}

func (OS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err // not a File that holds nil
	}
	return f, nil
}

func (OS) Mkdir(name string, perm fs.FileMode) error { return os.Mkdir(name, perm) }
func (OS) Rename(from, to string) error              { return os.Rename(from, to) }
func (OS) Exchange(a, b string) error                { return exchange(a, b) }
func (OS) Link(from, to string) error                { return os.Link(from, to) }
func (OS) Remove(name string) error                  { return os.Remove(name) }
func (OS) SyncDir(name string) error                 { return syncDir(name) }
func (OS) Touch(name string, t time.Time) error      { return os.Chtimes(name, t, t) }
func (OS) Flock(f File, exclusive bool) error {
	file, ok := f.(*os.File)
	if !ok {
		return fmt.Errorf("flock: %w", errors.ErrUnsupported)
	}
	return flock(file, exclusive)
}

func orOS(f FS) FS {
	if f == nil {
		return OS{}
	}
	return f
}

// writeAll writes p or fails; a write that took less without saying why fails too.
func writeAll(w io.Writer, p []byte) error {
	n, err := w.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return err
}

// createFile opens a new file for writing; a file of that name must not be there.
func createFile(f FS, name string, perm fs.FileMode) (File, error) {
	return f.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
}

// makeDirs makes a folder and the missing ones above it, and makes each durable in the folder that holds it.
func makeDirs(f FS, dir string, perm fs.FileMode) error {
	info, err := os.Stat(dir)
	switch {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return fmt.Errorf("%s is not a folder", dir)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	parent := filepath.Dir(dir)
	if parent == dir {
		return err
	}
	if err := makeDirs(f, parent, perm); err != nil {
		return err
	}
	if err := f.Mkdir(dir, perm); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return f.SyncDir(parent)
}

// removeAll removes a folder with everything in it, or a file. Folders that forbid it are made writable. Links are removed,
// not followed. What is not there is fine.
func removeAll(f FS, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.IsDir() {
		if info.Mode().Perm()&0o700 != 0o700 {
			if err := os.Chmod(path, 0o700); err != nil {
				return err
			}
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := removeAll(f, filepath.Join(path, e.Name())); err != nil {
				return err
			}
		}
	}
	if err := f.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// full adds to the error of a full disk what was needed and what is free; other errors stay as they are.
func full(err error, path string, need int64) error {
	if err == nil || !isFull(err) {
		return err
	}
	if free, ok := Free(path); ok {
		return fmt.Errorf("%w (%d bytes needed, %d free)", err, need, free)
	}
	return err
}

// Free returns how many bytes may still be written where path is or will be, if the system tells.
func Free(path string) (int64, bool) {
	path, err := filepath.Abs(path)
	if err != nil {
		return 0, false
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) { // it need not exist yet
		if free, ok := freeBytes(dir); ok {
			return free, true
		}
		if dir == filepath.Dir(dir) {
			return 0, false
		}
	}
}
