// Package storetest holds file systems for tests of what is written to disk: one that counts, one that fails, one that kills
// the process, and one that keeps a log from which the state after a power cut is made.
//
// They count the operations that change a disk, from 1: create, write, sync, syncdir, mkdir, rename, exchange, link, remove,
// touch, truncate. Where several goroutines write, the order between them may differ from run to run.
package storetest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/pare-ml/pare/graph/store"
)

// Op is an operation that changes a disk.
type Op struct {
	Kind  string // create, write, sync, …
	Path  string
	To    string // of rename and exchange
	Bytes int    // of write
	file  *file  // of create, write, sync and truncate
	data  []byte // of write
}

func (o Op) String() string {
	switch {
	case o.To != "":
		return fmt.Sprintf("%s %s to %s", o.Kind, o.Path, o.To)
	case o.Kind == "write":
		return fmt.Sprintf("write %d bytes to %s", o.Bytes, o.Path)
	}
	return o.Kind + " " + o.Path
}

// tap is a file system that asks before each operation that changes something.
type tap struct {
	base store.FS
	mu   sync.Mutex
	n    int
	// on is asked with the lock held, so that operations happen one at a time. Do carries out the operation; of a write, no
	// more than limit bytes if limit is not negative.
	on func(n int, op *Op, do func(limit int) error) error
}

type file struct {
	store.File
	tap  *tap
	path string
}

func (t *tap) do(op Op, do func() error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n++
	return t.on(t.n, &op, func(int) error { return do() })
}

// Operations returns how many there have been.
func (t *tap) Operations() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.n
}

func (t *tap) OpenFile(name string, flag int, perm fs.FileMode) (store.File, error) {
	if flag&os.O_CREATE == 0 {
		f, err := t.base.OpenFile(name, flag, perm)
		if err != nil {
			return nil, err
		}
		return &file{f, t, name}, nil
	}
	f := &file{tap: t, path: name}
	err := t.do(Op{Kind: "create", Path: name, file: f}, func() (err error) {
		f.File, err = t.base.OpenFile(name, flag, perm)
		return err
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (t *tap) Mkdir(name string, perm fs.FileMode) error {
	return t.do(Op{Kind: "mkdir", Path: name}, func() error { return t.base.Mkdir(name, perm) })
}

func (t *tap) Rename(from, to string) error {
	return t.do(Op{Kind: "rename", Path: from, To: to}, func() error { return t.base.Rename(from, to) })
}

func (t *tap) Exchange(a, b string) error {
	return t.do(Op{Kind: "exchange", Path: a, To: b}, func() error { return t.base.Exchange(a, b) })
}

func (t *tap) Link(from, to string) error {
	return t.do(Op{Kind: "link", Path: from, To: to}, func() error { return t.base.Link(from, to) })
}

func (t *tap) Remove(name string) error {
	return t.do(Op{Kind: "remove", Path: name}, func() error { return t.base.Remove(name) })
}

func (t *tap) SyncDir(name string) error {
	return t.do(Op{Kind: "syncdir", Path: name}, func() error { return t.base.SyncDir(name) })
}

func (t *tap) Touch(name string, at time.Time) error {
	return t.do(Op{Kind: "touch", Path: name}, func() error { return t.base.Touch(name, at) })
}

func (t *tap) Flock(f store.File, exclusive bool) error {
	if w, ok := f.(*file); ok {
		f = w.File
	}
	return t.base.Flock(f, exclusive)
}

func (f *file) Write(p []byte) (n int, err error) {
	t := f.tap
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n++
	err = t.on(t.n, &Op{Kind: "write", Path: f.path, Bytes: len(p), file: f, data: p}, func(limit int) error {
		if limit < 0 {
			limit = len(p)
		}
		n, err = f.File.Write(p[:limit])
		return err
	})
	return n, err
}

func (f *file) Sync() error {
	return f.tap.do(Op{Kind: "sync", Path: f.path, file: f}, f.File.Sync)
}

func (f *file) Truncate(size int64) error {
	return f.tap.do(Op{Kind: "truncate", Path: f.path, file: f}, func() error { return f.File.Truncate(size) })
}

// NoLocks is a file system that knows no holds of its own, as some network file systems.
type NoLocks struct{ store.FS }

func (NoLocks) Flock(store.File, bool) error { return fmt.Errorf("flock: %w", errors.ErrUnsupported) }

// NoExchange is a file system that cannot exchange two folders.
type NoExchange struct{ store.FS }

func (NoExchange) Exchange(a, b string) error { return errors.ErrUnsupported }

// Unsynced is the real file system without its syncs, for tests that make many stores.
type Unsynced struct{ store.OS }

type unsynced struct{ store.File }

func (unsynced) Sync() error { return nil }

func (u Unsynced) OpenFile(name string, flag int, perm fs.FileMode) (store.File, error) {
	f, err := u.OS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return unsynced{f}, nil
}

func (Unsynced) SyncDir(string) error { return nil }

func (u Unsynced) Flock(f store.File, exclusive bool) error {
	if w, ok := f.(unsynced); ok {
		f = w.File
	}
	return u.OS.Flock(f, exclusive)
}
