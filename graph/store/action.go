package store

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Get returns the entry of an action and records that it was used. The error is ErrMissing when there is none, when a blob of
// it is gone, or when it was damaged: then it was put aside with a warning. The blobs themselves are verified when they are read.
func (s *Store) Get(key Digest) (Entry, error) {
	e, err := s.entry(key)
	if err != nil {
		return Entry{}, err
	}
	if !s.complete(&e) {
		return Entry{}, missing(key)
	}
	s.touch(s.path(actionsDir, key))
	return e, nil
}

// Has tells whether an action's entry is there with all its blobs. The blobs' content is not read: a plan may say "cached" of
// what will then turn out to be damaged.
func (s *Store) Has(key Digest) bool {
	e, err := s.entry(key)
	return err == nil && s.complete(&e)
}

// Set keeps the entry of an action, in place of one that may be there. Its blobs must have been put before. A store that keeps
// nothing does nothing.
func (s *Store) Set(key Digest, e Entry) error {
	if s.ReadOnly() {
		return nil
	}
	e.Blobs = slices.Clone(e.Blobs)
	slices.SortFunc(e.Blobs, func(a, b NamedDigest) int { return cmp.Compare(a.Name, b.Name) })
	if err := e.check(); err != nil {
		return err
	}
	text := e.encode(key)
	if len(text) > entryBytes {
		return fmt.Errorf("the entry has %d bytes; the store takes %d at most", len(text), entryBytes)
	}
	unlock, _, err := s.sweeping(false)
	if err != nil {
		return err
	}
	defer unlock()
	for _, b := range e.Blobs {
		if !s.there(b.Digest) {
			return fmt.Errorf("the blob %s of an action: %w", b.Name, missing(b.Digest))
		}
	}
	if old, err := s.entry(key); err == nil && s.complete(&old) && !slices.Equal(old.Blobs, e.Blobs) {
		s.warnf("%s gave other bytes than before (key %.12s); the last result is kept. Equal actions should give equal bytes: please report it", e.Title(), key.Hex())
	}
	if err := s.write(s.path(actionsDir, key), text); err != nil {
		return fmt.Errorf("write to the store: %w", err)
	}
	return nil
}

// Delete removes an action's entry. Its blobs go when nothing else names them. What is not there is fine.
func (s *Store) Delete(key Digest) error {
	if s.ReadOnly() {
		return nil
	}
	path := s.path(actionsDir, key)
	err := s.fs.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.fs.SyncDir(filepath.Dir(path))
}

// entry reads and verifies an entry.
func (s *Store) entry(key Digest) (Entry, error) {
	if s == nil {
		return Entry{}, missing(key)
	}
	path := s.path(actionsDir, key)
	f, err := s.openRegular(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errKind) {
			err = missing(key)
		}
		return Entry{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, entryBytes+1))
	var e Entry
	if err == nil {
		e, err = decodeEntry(text, key)
	}
	if err != nil {
		s.quarantine(path, f, err)
		return Entry{}, missing(key)
	}
	return e, nil
}

// complete tells whether all blobs of an entry are there.
func (s *Store) complete(e *Entry) bool {
	return !slices.ContainsFunc(e.Blobs, func(b NamedDigest) bool { return !s.there(b.Digest) })
}

// there tells whether a blob of the right length is there.
func (s *Store) there(d Digest) bool {
	info, err := os.Lstat(s.path(blobsDir, d))
	return err == nil && info.Mode().IsRegular() && info.Size() == d.Size
}

// Info is an entry as lists show it.
type Info struct {
	Key   Digest
	Entry Entry
	Used  time.Time // last
	Bytes int64     // of the entry and its blobs
}

// List returns the store's entries, those used last first. Damaged ones are put aside.
func (s *Store) List() ([]Info, error) {
	var list []Info
	if s == nil {
		return nil, nil
	}
	err := s.walk(actionsDir, func(path string, info fs.FileInfo) error {
		key, e, ok := s.named(path)
		if ok {
			list = append(list, Info{Key: key, Entry: e, Used: info.ModTime(), Bytes: info.Size() + e.Size()})
		}
		return nil
	})
	slices.SortStableFunc(list, func(a, b Info) int {
		return cmp.Or(b.Used.Compare(a.Used), strings.Compare(a.Key.String(), b.Key.String()))
	})
	return list, err
}

// named reads the entry in a file. The file's name is the hash of the key alone, so that the key's size is taken from inside;
// decodeEntry holds the two against each other.
func (s *Store) named(path string) (Digest, Entry, bool) {
	key, err := s.keyOf(path)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errKind) { // removed since, or put aside
			s.quarantine(path, nil, err)
		}
		return Digest{}, Entry{}, false
	}
	e, err := s.entry(key)
	return key, e, err == nil
}

func (s *Store) keyOf(path string) (Digest, error) {
	f, err := s.openRegular(path)
	if err != nil {
		return Digest{}, err
	}
	defer f.Close()
	head := make([]byte, 256)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return Digest{}, err
	}
	r := lines{rest: head[:n]}
	r.line()
	key, err := ParseDigest(r.field("key "))
	if err != nil || key.Hex() != filepath.Base(path) {
		return Digest{}, errors.New("it does not name its action")
	}
	return key, nil
}

// walk calls do for the files of blobs or actions that lie where a digest's file lies.
func (s *Store) walk(kind string, do func(path string, info fs.FileInfo) error) error {
	top := filepath.Join(s.root, kind)
	folders, err := os.ReadDir(top)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, d := range folders {
		if !d.IsDir() {
			continue
		}
		files, err := os.ReadDir(filepath.Join(top, d.Name()))
		if err != nil {
			return err
		}
		for _, f := range files {
			if _, err := ParseDigest("sha256:" + f.Name() + "/0"); err != nil || f.Name()[:2] != d.Name() {
				continue // not ours
			}
			info, err := f.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err == nil {
				err = do(filepath.Join(top, d.Name(), f.Name()), info)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
