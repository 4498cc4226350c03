package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// grace is how long something that nothing names is left alone: an action that runs may be about to name it.
	grace = 10 * time.Minute
	// slack is how far clocks of file systems and machines may be apart.
	slack = time.Minute
	// corruptAge is how long damaged files are kept for a look.
	corruptAge = 7 * 24 * time.Hour
)

// Collected is what Collect removed and left.
type Collected struct {
	Entries int   // evicted
	Blobs   int   // that nothing named any more
	Litter  int   // of processes that were killed: files being written, stages, holds; and old damaged files
	Freed   int64 // bytes
	Left    int64 // bytes in the store
	Spared  int   // entries that would have gone but for a build that uses them
	Busy    bool  // another process was collecting: nothing was done
}

// Trim cuts the store back to its limit if it is above it. Builds call it when they have ended.
func (s *Store) Trim(ctx context.Context) error {
	if s.ReadOnly() {
		return nil
	}
	total, err := s.size()
	if err == nil && total > s.limit {
		_, err = s.Collect(ctx, s.limit)
	}
	return err
}

// Limit returns the size to which Trim cuts back.
func (s *Store) Limit() int64 {
	if s == nil {
		return 0
	}
	return s.limit
}

// size is the size of all blobs, entries and damaged files.
func (s *Store) size() (total int64, err error) {
	for _, kind := range []string{blobsDir, actionsDir} {
		err = errors.Join(err, s.walk(kind, func(_ string, info fs.FileInfo) error {
			total += info.Size()
			return nil
		}))
	}
	corrupt, cerr := s.sumOf(corruptDir)
	return total + corrupt, errors.Join(err, cerr)
}

// Collect removes what dead processes left and what nothing names, and then, until the store has no more bytes than limit, the
// entries that were not used for the longest time. What running builds have used or made stays. Only one process collects at a
// time. A store that keeps nothing has nothing to collect.
func (s *Store) Collect(ctx context.Context, limit int64) (c Collected, err error) {
	if s.ReadOnly() {
		return c, nil
	}
	q := queue{
		fs: s.fs, path: filepath.Join(s.root, holdsDir, "collect"), me: me("collecting"), what: "the store",
		refuse: func(Holder) bool { return true },
	}
	release, err := q.acquire(ctx)
	var held *Held
	if errors.As(err, &held) {
		c.Busy = true
		c.Left, err = s.size()
		return c, err
	}
	if err != nil {
		return c, err
	}
	defer release()

	live, dead, err := s.running()
	if err != nil {
		return c, err
	}
	k := collection{Store: s, c: &c, limit: limit, young: time.Now().Add(-grace), inUse: time.Now().Add(slack)}
	for _, h := range live {
		if since := h.Since.Add(-slack); since.Before(k.inUse) {
			k.inUse = since
		}
	}
	if len(live) == 0 {
		k.inUse = time.Time{}
	} else if k.inUse.Before(k.young) {
		k.young = k.inUse
	}
	for _, d := range dead {
		if d.Target != "" {
			n, err := Clean(s.fs, d.Target)
			if c.Litter += n; err != nil {
				return c, fmt.Errorf("clean up beside %s: %w", d.Target, err)
			}
		}
		if err := s.fs.Remove(d.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return c, err
		}
		c.Litter++
	}
	return c, k.run(ctx)
}

// collection is one run of Collect.
type collection struct {
	*Store
	c     *Collected
	limit int64
	young time.Time // what nothing names goes only if it is older
	inUse time.Time // what was used since stays; zero: no build runs

	entries []Info
	blobs   map[string]*blobUse // by hash
	total   int64
}

type blobUse struct {
	size int64
	refs int
	time time.Time
}

func (k *collection) run(ctx context.Context) error {
	if err := k.litter(); err != nil {
		return err
	}
	if err := k.survey(); err != nil {
		return err
	}
	var orphans []string
	for hash, b := range k.blobs {
		if b.refs == 0 {
			orphans = append(orphans, hash)
		}
	}
	slices.Sort(orphans)
	if err := k.drop(ctx, orphans, k.young); err != nil {
		return err
	}
	err := k.evict(ctx)
	k.c.Left = k.total
	return err
}

// litter removes files that were being written, holds of dead processes, and damaged files that are old.
func (k *collection) litter() error {
	return errors.Join(k.sweep(tmpDir, k.young), k.sweep(corruptDir, time.Now().Add(-corruptAge)), k.freeHolds())
}

// sweep removes what was not written to after a time.
func (k *collection) sweep(dir string, after time.Time) error {
	entries, err := os.ReadDir(filepath.Join(k.root, dir))
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.ModTime().After(after) {
			continue
		}
		if err := removeAll(k.fs, filepath.Join(k.root, dir, e.Name())); err != nil {
			return err
		}
		k.c.Litter++
		if info.Mode().IsRegular() {
			k.c.Freed += info.Size()
		}
	}
	return nil
}

// freeHolds removes the files of holds that nobody has.
func (k *collection) freeHolds() error {
	dir := filepath.Join(k.root, holdsDir)
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if k.abandoned(filepath.Join(dir, e.Name())) {
			k.c.Litter++
		}
	}
	return err
}

// abandoned removes a file in holds if it is no hold any more, and tells whether it did.
func (k *collection) abandoned(path string) bool {
	switch base := filepath.Base(path); {
	case strings.HasSuffix(base, leaseName("")):
		h, _, err := readLease(k.fs, path)
		return err == nil && h.dead() && k.fs.Remove(path) == nil
	case strings.Contains(base, leaseName("")+"."):
		return isOld(path) && k.fs.Remove(path) == nil
	}
	q := queue{fs: k.fs, path: path, me: me("cleaning up")}
	release, err := q.try()
	if err != nil {
		return false
	}
	release()
	return true
}

// survey reads every entry and looks at every blob.
func (k *collection) survey() error {
	list, err := k.List()
	if err != nil {
		return err
	}
	k.entries, k.blobs = list, map[string]*blobUse{}
	err = k.walk(blobsDir, func(path string, info fs.FileInfo) error {
		k.blobs[filepath.Base(path)] = &blobUse{size: info.Size(), time: info.ModTime()}
		k.total += info.Size()
		return nil
	})
	for _, e := range list {
		k.total += e.Bytes - e.Entry.Size()
		for _, hash := range hashes(&e.Entry) {
			if b := k.blobs[hash]; b != nil {
				b.refs++
			}
		}
	}
	corrupt, cerr := k.sumOf(corruptDir)
	if err = errors.Join(err, cerr); err == nil && k.total+corrupt > k.limit {
		err = k.sweep(corruptDir, time.Now().Add(slack)) // before anything sound goes
		corrupt = 0
	}
	k.total += corrupt
	return err
}

// hashes lists the files that an entry's blobs lie in, each once.
func hashes(e *Entry) []string {
	var out []string
	for _, b := range e.Blobs {
		out = append(out, b.Digest.Hex())
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// evict removes entries, those used last last, and the blobs that only they name.
func (k *collection) evict(ctx context.Context) error {
	for _, e := range slices.Backward(k.entries) {
		if k.total <= k.limit {
			return nil
		}
		if !k.inUse.IsZero() && e.Used.After(k.inUse) {
			k.c.Spared++
			continue
		}
		if err := k.Delete(e.Key); err != nil {
			return err
		}
		k.c.Entries++
		k.gone(e.Bytes - e.Entry.Size())
		var free []string
		for _, hash := range hashes(&e.Entry) {
			if b := k.blobs[hash]; b != nil {
				if b.refs--; b.refs == 0 {
					free = append(free, hash)
				}
			}
		}
		if err := k.drop(ctx, free, k.inUse); err != nil {
			return err
		}
	}
	return nil
}

func (k *collection) gone(bytes int64) {
	k.total -= bytes
	k.c.Freed += bytes
}

// drop removes blobs that nothing names, unless they were used after a time (zero: in any case). Nobody refreshes one or names
// one meanwhile (sweeping), so that what Put said is there is still there when Set names it.
func (k *collection) drop(ctx context.Context, list []string, after time.Time) error {
	if len(list) == 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	unlock, ok, err := k.sweeping(true)
	if err != nil {
		return err
	}
	defer unlock()
	if !ok {
		return nil // a process that was stopped; another time
	}
	slices.Sort(list)
	for _, hash := range list {
		path := filepath.Join(k.root, blobsDir, hash[:2], hash)
		info, err := os.Lstat(path)
		if err != nil || !after.IsZero() && info.ModTime().After(after) {
			continue
		}
		if err := k.fs.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		k.c.Blobs++
		k.gone(info.Size())
	}
	return nil
}

// sumOf returns the size of the files in a folder of the store.
func (s *Store) sumOf(dir string) (bytes int64, err error) {
	entries, err := os.ReadDir(filepath.Join(s.root, dir))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			bytes += info.Size()
		}
	}
	return bytes, err
}

// sweepWait is how long sweeping waits: what is done under it takes moments, unless a process was stopped in the middle.
const sweepWait = 10 * time.Second

// sweeping keeps blobs from being collected while some are relied on (shared), or keeps others from relying on blobs that are
// being collected (exclusive). Where the system has no such locks both go ahead, and the grace must do. If the
// other side does not end, ok is false: then nothing may be collected, and who relies on a blob relies on the grace too.
func (s *Store) sweeping(exclusive bool) (unlock func(), ok bool, err error) {
	f, err := s.fs.OpenFile(filepath.Join(s.root, "sweep"), os.O_RDWR|os.O_CREATE|cautious, 0o644)
	if err != nil {
		return func() {}, false, err
	}
	unlock = func() { f.Close() }
	start := time.Now()
	for pause := 50 * time.Microsecond; time.Since(start) < sweepWait; pause = min(2*pause, 20*time.Millisecond) {
		switch err := s.fs.Flock(f, exclusive); {
		case err == nil:
			return unlock, true, nil
		case errors.Is(err, errors.ErrUnsupported):
			return unlock, true, nil
		case !errors.Is(err, ErrLocked):
			return func() {}, false, errors.Join(err, f.Close())
		}
		time.Sleep(pause)
	}
	return unlock, false, nil
}
