package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

// heartbeat is how often the holder of a lease shows that it lives.
const heartbeat = 10 * time.Second

// leaseName is the lease that stands for the hold in a path.
func leaseName(path string) string { return path + ".lease" }

// lease is try for file systems that know no holds of their own: a file that only one can put in place. A process that is killed
// leaves it, so it is taken over when the process that it names is known to be dead: by its id and by when it began, as ids
// are used again. Age alone proves nothing: the holder may be stopped, or its clock be wrong. err is that of clearing up before.
//
// Two that take over at once could, in a race of a few microseconds, both believe to have the lease. Both then do the same
// work and leave the same bytes: a hold saves work, what is written is safe without it.
func (q *queue) lease(err error) (func(), error) {
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("hold %s: %w", q.what, err)
	}
	name := leaseName(q.path)
	for {
		err := q.createLease(name)
		if err == nil {
			return q.keepLease(name), nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("hold %s: %w", q.what, full(err, name, 0))
		}
		h, age, err := readLease(q.fs, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("hold %s: %w", q.what, err)
		}
		if !h.dead() {
			held := &Held{What: q.what, Holder: h}
			if age > 6*heartbeat {
				held.Hint = fmt.Sprintf("it last showed life %s ago; if it no longer runs, remove %s", age.Round(time.Second), name)
			}
			return nil, held
		}
		if err := q.takeOver(name, h); err != nil {
			return nil, err
		}
	}
}

// createLease writes the lease under another name and links it into place, so that it never stands there without saying whose it
// is: nobody could take over such a one if this process were killed.
func (q *queue) createLease(name string) error {
	draft := name + "." + random()
	f, err := createFile(q.fs, draft, 0o644)
	if err != nil {
		return err
	}
	if err = errors.Join(writeAll(f, q.me.text()), f.Close()); err == nil {
		err = q.fs.Link(draft, name)
	}
	q.fs.Remove(draft) // what is left is litter by its name
	return err
}

func (q *queue) keepLease(name string) (release func()) {
	stop := make(chan struct{})
	go func() {
		beat := time.NewTicker(heartbeat)
		defer beat.Stop()
		for {
			select {
			case now := <-beat.C:
				q.fs.Touch(name, now)
			case <-stop:
				return
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(stop)
		if h, _, err := readLease(q.fs, name); err == nil && h == q.me {
			q.fs.Remove(name)
		}
	})
}

// takeOver moves the lease of a dead holder away. What was moved is looked at again: if it is another's, who was faster, it is
// put back.
func (q *queue) takeOver(name string, dead Holder) error {
	away := name + "." + random()
	if err := q.fs.Rename(name, away); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return fmt.Errorf("hold %s: %w", q.what, err)
	}
	if h, _, err := readLease(q.fs, away); err == nil && h != dead {
		return q.fs.Rename(away, name)
	}
	return q.fs.Remove(away)
}

func readLease(f FS, name string) (h Holder, age time.Duration, err error) {
	file, err := f.OpenFile(name, os.O_RDONLY|cautious, 0)
	if err != nil {
		return h, 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return h, 0, err
	}
	return readHolder(file), time.Since(info.ModTime()), nil
}

// isOld tells whether a draft of a lease is left over: it is used within moments.
func isOld(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && time.Since(info.ModTime()) > 6*heartbeat
}
