package store

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Begin records that a build runs, until end is called or the process ends: what it uses is not evicted meanwhile. Target, which
// may be empty, is the folder that it will publish: if the process is killed, Collect removes what it left beside it.
func (s *Store) Begin(who, target string) (end func(), err error) {
	if s.ReadOnly() {
		return func() {}, nil
	}
	h := me(who)
	if target != "" {
		if h.Target, err = filepath.Abs(target); err != nil {
			return nil, err
		}
	}
	q := queue{
		fs: s.fs, path: filepath.Join(s.root, buildsDir, random()), me: h, what: "the record of this build",
		wait: time.Minute, patience: time.Minute, warn: func(string) {},
	}
	end, err = q.acquire(context.Background())
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	s.mu.Lock()
	s.began = time.Now()
	s.mu.Unlock()
	return end, nil
}

// forgotten is how long a lease of another machine counts as a running build without a sign of life.
const forgotten = 24 * time.Hour

// record is what Begin wrote.
type record struct {
	Holder
	path string
}

// running returns the builds that run, and the records of those that have ended without a word.
func (s *Store) running() (live, dead []record, err error) {
	dir := filepath.Join(s.root, buildsDir)
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, f := range files {
		path := filepath.Join(dir, f.Name())
		h, runs := s.runs(path, f)
		if runs {
			live = append(live, record{h, path})
		} else {
			dead = append(dead, record{h, path})
		}
	}
	return live, dead, nil
}

func (s *Store) runs(path string, f fs.DirEntry) (Holder, bool) {
	if !f.Type().IsRegular() {
		return Holder{}, false
	}
	if strings.Contains(f.Name(), leaseName("")+".") {
		return Holder{}, !isOld(path) // a draft
	}
	if strings.HasSuffix(path, leaseName("")) {
		h, age, err := readLease(s.fs, path)
		return h, err == nil && !h.dead() && age < forgotten
	}
	return heldBy(s.fs, path)
}
