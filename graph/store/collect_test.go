//go:build unix

package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pare-ml/pare/graph/store"
)

// age makes an entry and its blobs look as if they were used last some time ago.
func age(t *testing.T, s *store.Store, k store.Digest, e store.Entry, by time.Duration) {
	t.Helper()
	when := time.Now().Add(-by)
	err := os.Chtimes(s.EntryPath(k), when, when)
	for _, b := range e.Blobs {
		err = errors.Join(err, os.Chtimes(s.BlobPath(b.Digest), when, when))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// fill keeps ten entries of 10 kB and one shared blob, the first used last ten hours ago, the last one hour ago.
func fill(t *testing.T, s *store.Store) {
	t.Helper()
	for i := range 10 {
		k := key(fmt.Sprint(i))
		e := mustKeep(t, s, k, strings.Repeat(fmt.Sprint(i), 10000), "shared")
		age(t, s, k, e, time.Duration(10-i)*time.Hour)
	}
}

func kept(s *store.Store) (list string) {
	for i := range 10 {
		if s.Has(key(fmt.Sprint(i))) {
			list += fmt.Sprint(i)
		}
	}
	return list
}

func TestEvict(t *testing.T) {
	s, _ := open(t, tempDir(t), store.Options{Limit: 50_000})
	fill(t, s)
	if _, err := s.Get(key("2")); err != nil { // a use
		t.Fatal(err)
	}
	s.Has(key("3")) // a plan is no use
	if err := s.Trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := kept(s); got != "2789" {
		t.Errorf("kept %s", got)
	}
	if _, err := s.Blob(store.Sum([]byte("shared"))); err != nil {
		t.Errorf("a blob that others need: %v", err)
	}
	c, err := s.Collect(t.Context(), 0)
	if err != nil || kept(s) != "" || c.Entries != 4 || c.Blobs != 5 || c.Left != 0 {
		t.Errorf("%+v, %v, kept %q", c, err, kept(s))
	}
}

// What a running build has used or made stays, whatever the limit and however old it looked before.
func TestEvictionSparesRunningBuilds(t *testing.T) {
	for _, how := range []string{"hold", "lease"} {
		s, _ := open(t, tempDir(t), store.Options{FS: system(how)})
		fill(t, s)
		end, err := s.Begin("a build", "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(key("1")); err != nil {
			t.Fatal(err)
		}
		mustKeep(t, s, key("0"), "new")
		unnamed, err := s.Put([]byte("not named yet"))
		if err != nil {
			t.Fatal(err)
		}
		c, err := s.Collect(t.Context(), 0)
		if err != nil || kept(s) != "01" || c.Spared != 2 || c.Entries != 8 {
			t.Errorf("%s: %+v, %v, kept %s", how, c, err, kept(s))
		}
		if _, err := s.Blob(unnamed); err != nil {
			t.Errorf("%s: what the build will name: %v", how, err)
		}
		end()
		if c, err = s.Collect(t.Context(), 0); err != nil || kept(s) != "" {
			t.Errorf("%s: after the build: %+v, %v, kept %s", how, c, err, kept(s))
		}
		if left, err := os.ReadDir(filepath.Join(s.Dir(), store.Version, "builds")); err != nil || len(left) > 0 {
			t.Errorf("%s: left: %v, %v", how, left, err)
		}
	}
}

// A build that was killed is forgotten, and what it left beside its target goes.
func TestCollectAfterKill(t *testing.T) {
	root := tempDir(t)
	s, _ := open(t, filepath.Join(root, "cache"), store.Options{})
	fill(t, s)
	target := filepath.Join(root, "out")
	cmd, out := start(t, "begin", s.Dir(), target)
	line(t, out, "held")
	if _, err := s.Get(key("5")); err != nil {
		t.Fatal(err)
	}
	if c, err := s.Collect(t.Context(), 0); err != nil || kept(s) != "5" || c.Litter != 0 {
		t.Errorf("while it runs: %+v, %v, kept %s", c, err, kept(s))
	}
	kill(cmd)
	c, err := s.Collect(t.Context(), 0)
	if err != nil || kept(s) != "" || c.Litter != 2 {
		t.Errorf("%+v, %v, kept %s", c, err, kept(s))
	}
	if entries, err := os.ReadDir(root); err != nil || len(entries) != 1 {
		t.Errorf("left: %v, %v", entries, err)
	}
}

// Litter goes when it is old enough that nobody can be writing it.
func TestLitter(t *testing.T) {
	s, _ := open(t, tempDir(t), store.Options{})
	at := func(name string) string { return filepath.Join(s.Dir(), store.Version, filepath.FromSlash(name)) }
	orphan := mustPut(t, s, "orphan")
	fresh := mustPut(t, s, "fresh")
	for name, by := range map[string]time.Duration{
		"tmp/old": time.Hour, "tmp/new": 0, "corrupt/old": 8 * 24 * time.Hour, "corrupt/new": time.Hour, "holds/" + orphan.Hex(): 0,
		"builds/dead": 0, "blobs/README": 0,
	} {
		if err := os.WriteFile(at(name), []byte("12345"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(at(name), time.Time{}, time.Now().Add(-by)); err != nil {
			t.Fatal(err)
		}
	}
	age(t, s, key("k"), mustKeep(t, s, key("k"), "orphan"), time.Hour)
	if err := s.Delete(key("k")); err != nil {
		t.Fatal(err)
	}
	c, err := s.Collect(t.Context(), 1<<30)
	if err != nil || c.Litter != 4 || c.Blobs != 1 || c.Freed != 5+5+6 || c.Left != 5+5 {
		t.Errorf("%+v, %v", c, err)
	}
	for name, there := range map[string]bool{"tmp/old": false, "tmp/new": true, "corrupt/old": false, "corrupt/new": true, "blobs/README": true} {
		if _, err := os.Stat(at(name)); (err == nil) != there {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Blob(fresh); err != nil {
		t.Errorf("a fresh blob: %v", err)
	}
}

func mustPut(t *testing.T, s *store.Store, text string) store.Digest {
	t.Helper()
	d, err := s.Put([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Storing and collecting at once: whatever Put said is there is there when Set names it.
func TestCollectMeanwhile(t *testing.T) {
	s, warned := open(t, tempDir(t), store.Options{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 200 {
			k := key(fmt.Sprint(i % 3))
			e, err := keep(s, k, "one", "two", fmt.Sprint(i%3))
			if err != nil {
				t.Errorf("round %d: %v", i, err)
				return
			}
			when := time.Now().Add(-time.Hour)
			os.Chtimes(s.EntryPath(k), when, when)
			os.Chtimes(s.BlobPath(e.Blobs[i%3].Digest), when, when)
			if i%4 == 0 {
				s.Delete(k)
			}
		}
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		if _, err := s.Collect(t.Context(), 1<<30); err != nil {
			t.Fatal(err)
		}
	}
	if w := warned(); len(w) > 0 {
		t.Errorf("warned: %q", w)
	}
}

func TestList(t *testing.T) {
	s, _ := open(t, tempDir(t), store.Options{})
	fill(t, s)
	list, err := s.List()
	if err != nil || len(list) != 10 {
		t.Fatalf("%d, %v", len(list), err)
	}
	if l := list[0]; l.Key != key("9") || l.Entry.Title() != "test of "+key("9").Hex()[:4] || l.Bytes < 10006 || l.Bytes > 10500 {
		t.Errorf("%+v", l)
	}
}
