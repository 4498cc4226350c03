package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Hold keeps an action to this caller: who waits for it will find its result. It ends with release, which may be called more
// than once, or with the process, however that ends. Who is kept waiting is told by Options.Warn after some seconds who has it;
// after Options.Wait the error is a *Held. A store that keeps nothing holds nothing.
func (s *Store) Hold(ctx context.Context, key Digest, who string) (release func(), err error) {
	if s.ReadOnly() {
		return func() {}, nil
	}
	q := queue{
		fs: s.fs, path: filepath.Join(s.root, holdsDir, key.Hex()), me: me(who), what: fmt.Sprintf("the action %.12s", key.Hex()),
		wait: s.wait, patience: s.patience, warn: func(text string) { s.warnf("%s", text) },
	}
	return q.acquire(ctx)
}

// queue is one attempt to get a hold.
type queue struct {
	fs       FS
	path     string
	me       Holder
	what     string // for messages
	wait     time.Duration
	patience time.Duration
	refuse   func(Holder) bool // not to be waited for; nil: all are
	warn     func(string)
}

// acquire asks again and again, more rarely the longer it takes: a wait for the system's lock itself could not be given up.
func (q *queue) acquire(ctx context.Context) (func(), error) {
	const often, rarely = 2 * time.Millisecond, 250 * time.Millisecond
	start, named := time.Now(), time.Now()
	tell := q.patience
	for pause := often; ; pause = min(2*pause, rarely) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		release, err := q.try()
		var held *Held
		if !errors.As(err, &held) {
			return release, err
		}
		waited := time.Since(start)
		if held.Holder.PID != 0 && !held.Holder.dead() {
			named = time.Now()
		} else { // who has it now has not said so yet
			held.Holder = Holder{}
		}
		if q.refuse != nil && (held.Holder.PID != 0 || time.Since(named) > q.patience) && q.refuse(held.Holder) {
			return nil, held
		}
		if waited >= q.wait {
			held.Hint = fmt.Sprintf("waited %s for it", waited.Round(time.Second))
			return nil, held
		}
		if waited >= tell {
			q.warn(fmt.Sprintf("waiting: %s is being made by %s", q.what, held.Holder))
			tell = 10 * max(tell, time.Second)
		}
		select {
		case <-ctx.Done():
		case <-time.After(min(pause, max(q.wait-waited, time.Millisecond))):
		}
	}
}

// try takes the hold, or fails with *Held.
func (q *queue) try() (release func(), err error) {
	for {
		f, err := q.fs.OpenFile(q.path, os.O_RDWR|os.O_CREATE|cautious, 0o644)
		if err != nil {
			return nil, fmt.Errorf("hold %s: %w", q.what, err)
		}
		switch err := q.fs.Flock(f, true); {
		case errors.Is(err, ErrLocked):
			h := readHolder(f)
			f.Close()
			return nil, &Held{What: q.what, Holder: h}
		case errors.Is(err, errors.ErrUnsupported):
			return q.lease(errors.Join(f.Close(), q.fs.Remove(q.path)))
		case err != nil:
			return nil, errors.Join(fmt.Errorf("hold %s: %w", q.what, err), f.Close())
		}
		if !stands(f, q.path) { // released, and so removed, between opening and locking
			f.Close()
			continue
		}
		// What stands in the file serves messages alone; a full disk is reported by who writes something that counts.
		if f.Truncate(0) == nil {
			_ = writeAll(f, q.me.text())
		}
		return sync.OnceFunc(func() {
			q.fs.Remove(q.path) // first, so that nobody gets a hold on a file that goes
			f.Close()
		}), nil
	}
}

// stands tells whether an open file is still the one at a path.
func stands(f File, path string) bool {
	was, err := f.Stat()
	if err != nil {
		return false
	}
	now, err := os.Lstat(path)
	return err == nil && os.SameFile(was, now)
}

// heldBy tells who holds a path, without taking it: a build that runs, for instance. Nobody holds what a dead process left.
func heldBy(f FS, path string) (Holder, bool) {
	file, err := f.OpenFile(path, os.O_RDWR|cautious, 0)
	if err != nil {
		return Holder{}, !errors.Is(err, fs.ErrNotExist) // what cannot be read may be somebody's
	}
	defer file.Close()
	h := readHolder(file)
	return h, errors.Is(f.Flock(file, true), ErrLocked)
}
