package storetest

import (
	"fmt"
	"os"
	"syscall"

	"github.com/pare-ml/pare/graph/store"
)

// Fault says which operation fails, and how.
type Fault struct {
	At    int    // counted from 1; 0: none
	Err   error  // nil: EIO. Of a write that fails, half of the bytes arrive
	Kind  string // of operations that count; empty: all
	Short bool   // writes take half of their bytes and say so without an error; other operations fail with Err
	Full  bool   // from then on whatever needs room fails, as on a full disk
}

// Faulty is a file system in which an operation fails.
type Faulty struct {
	tap
	fault  Fault
	seen   int
	failed bool
	syncs  map[*file]bool // that failed
	again  []string
}

// NewFaulty returns a file system on the real one.
func NewFaulty(f Fault) *Faulty { return NewFaultyOn(store.OS{}, f) }

// NewFaultyOn returns a file system on another.
func NewFaultyOn(base store.FS, f Fault) *Faulty {
	if f.Err == nil {
		f.Err = syscall.EIO
	}
	t := &Faulty{fault: f, syncs: map[*file]bool{}}
	t.base, t.on = base, t.step
	return t
}

func (t *Faulty) step(_ int, op *Op, do func(int) error) error {
	if op.Kind == "sync" && t.syncs[op.file] {
		t.again = append(t.again, op.Path)
	}
	if !t.hit(op) {
		return do(-1)
	}
	t.failed = true
	if op.Kind == "sync" {
		t.syncs[op.file] = true
	}
	if op.Kind == "write" {
		if err := do(op.Bytes / 2); err != nil {
			return err
		}
		if t.fault.Short {
			return nil
		}
	}
	return &os.PathError{Op: op.Kind, Path: op.Path, Err: t.fault.Err}
}

func (t *Faulty) hit(op *Op) bool {
	if t.fault.Full && t.failed {
		switch op.Kind {
		case "create", "write", "mkdir", "sync":
			return true
		}
		return false
	}
	if t.fault.Kind != "" && op.Kind != t.fault.Kind {
		return false
	}
	t.seen++
	return t.seen == t.fault.At
}

// Failed tells whether the fault has happened: false when there were fewer operations.
func (t *Faulty) Failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed
}

// SyncedAgain lists files of which a sync failed and was tried again.
func (t *Faulty) SyncedAgain() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.again
}

// Kill is a file system that kills this process before its n-th operation; with half, and if that is a write, when half of
// its bytes are written. A test runs itself as a process of its own with n = 1, 2, 3 … until one ends by itself: then the
// whole run has been cut at each place.
func Kill(n int, half bool) store.FS { return KillOn(store.OS{}, n, half) }

// KillOn is Kill on another file system.
func KillOn(base store.FS, n int, half bool) store.FS {
	t := &tap{base: base}
	t.on = func(at int, op *Op, do func(int) error) error {
		if at != n {
			return do(-1)
		}
		if half && op.Kind == "write" {
			do(op.Bytes / 2)
		}
		if p, err := os.FindProcess(os.Getpid()); err == nil {
			p.Kill()
		}
		select {} // until the signal arrives
	}
	return t
}

// Recorder is a file system that remembers what was done.
type Recorder struct {
	tap
	ops []Op
}

// NewRecorder returns a file system on the real one.
func NewRecorder() *Recorder { return NewRecorderOn(store.OS{}) }

// NewRecorderOn returns a file system on another.
func NewRecorderOn(base store.FS) *Recorder {
	r := &Recorder{}
	r.base = base
	r.on = func(_ int, op *Op, do func(int) error) error {
		r.ops = append(r.ops, *op)
		return do(-1)
	}
	return r
}

// Ops returns the operations so far, those that failed among them.
func (r *Recorder) Ops() []Op {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ops
}

// String lists the operations, one a line.
func (r *Recorder) String() string {
	text := ""
	for i, op := range r.Ops() {
		text += fmt.Sprintf("%d %s\n", i+1, op)
	}
	return text
}
