//go:build unix

package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pare-ml/pare/graph/store"
	"github.com/pare-ml/pare/graph/store/storetest"
)

// open opens a store and returns what it warned of.
func open(t testing.TB, dir string, o store.Options) (*store.Store, func() []string) {
	t.Helper()
	var mu sync.Mutex
	var warned []string
	if o.FS == nil {
		o.FS = storetest.Unsynced{}
	}
	if o.Warn == nil {
		o.Warn = func(text string) {
			mu.Lock()
			defer mu.Unlock()
			warned = append(warned, text)
		}
	}
	s, err := store.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return s, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return warned
	}
}

// keep makes an action's result: its blobs and its entry.
func keep(s *store.Store, key store.Digest, blobs ...string) (store.Entry, error) {
	e := store.Entry{Note: []byte("test of " + key.Hex()[:4])}
	for i, b := range blobs {
		d, err := s.Put([]byte(b))
		if err != nil {
			return e, err
		}
		e.Blobs = append(e.Blobs, store.NamedDigest{Name: fmt.Sprintf("blob %d", i), Digest: d})
	}
	return e, s.Set(key, e)
}

func mustKeep(t testing.TB, s *store.Store, key store.Digest, blobs ...string) store.Entry {
	t.Helper()
	e, err := keep(s, key, blobs...)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func key(name string) store.Digest { return store.Sum([]byte(name)) }

func TestKeepAndFind(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "store")
	s, warned := open(t, dir, store.Options{})
	if _, err := s.Get(key("a")); !errors.Is(err, store.ErrMissing) {
		t.Fatalf("an empty store: %v", err)
	}
	want := mustKeep(t, s, key("a"), "one", "", strings.Repeat("three", 1e6))
	again, _ := open(t, dir, store.Options{ReadOnly: true})
	for _, s := range []*store.Store{s, again} {
		e, err := s.Get(key("a"))
		if err != nil || !s.Has(key("a")) || fmt.Sprint(e) != fmt.Sprint(want) {
			t.Fatalf("got %v, %v; want %v", e, err, want)
		}
		d, _ := e.Blob("blob 2")
		data, err := s.Blob(d)
		if err != nil || string(data) != strings.Repeat("three", 1e6) {
			t.Fatalf("blob 2: %d bytes, %v", len(data), err)
		}
		r, err := s.Open(d)
		if err != nil {
			t.Fatal(err)
		}
		streamed, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(streamed, data) || r.Close() != nil {
			t.Fatalf("streamed: %d bytes, %v", len(streamed), err)
		}
	}
	if _, ok := want.Blob("blob 3"); ok {
		t.Error("there is a blob 3")
	}
	if err := s.Delete(key("a")); err != nil || s.Has(key("a")) || s.Delete(key("a")) != nil {
		t.Errorf("deleted: %v", err)
	}
	if w := warned(); len(w) > 0 {
		t.Errorf("warned: %q", w)
	}
}

// What is there and sound is not written again, whichever way it comes.
func TestPutTwice(t *testing.T) {
	r := storetest.NewRecorder()
	s, _ := open(t, t.TempDir(), store.Options{FS: r})
	data := bytes.Repeat([]byte("weights "), 1e6)
	first, err := s.Put(data)
	if err != nil {
		t.Fatal(err)
	}
	before := len(r.Ops())
	second, err := s.Put(data)
	if err != nil || second != first {
		t.Fatalf("%v, %v; want %v", second, err, first)
	}
	for _, op := range r.Ops()[before:] {
		if op.Kind == "write" || op.Kind == "sync" {
			t.Errorf("the second time: %v", op)
		}
	}
	third, err := s.PutFrom(bytes.NewReader(data))
	if err != nil || third != first {
		t.Fatalf("streamed: %v, %v; want %v", third, err, first)
	}
	other, err := s.PutFrom(io.LimitReader(bytes.NewReader(data), 1000))
	if err != nil || other != store.Sum(data[:1000]) {
		t.Fatalf("%v, %v", other, err)
	}
	if got, err := s.Blob(other); err != nil || !bytes.Equal(got, data[:1000]) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if _, err := s.PutFrom(io.MultiReader(strings.NewReader("x"), broken{})); !errors.Is(err, io.ErrNoProgress) {
		t.Fatalf("a reader that fails: %v", err)
	}
	left, err := os.ReadDir(filepath.Join(s.Dir(), store.Version, "tmp"))
	if err != nil || len(left) > 0 {
		t.Errorf("left in tmp: %v, %v", left, err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrNoProgress }

func TestNilStore(t *testing.T) {
	var s *store.Store
	d, err := s.Put([]byte("x"))
	if err != nil || d != store.Sum([]byte("x")) {
		t.Errorf("put: %v, %v", d, err)
	}
	if d2, err := s.PutFrom(strings.NewReader("x")); err != nil || d2 != d {
		t.Errorf("put from: %v, %v", d2, err)
	}
	if _, err := s.Blob(d); !errors.Is(err, store.ErrMissing) {
		t.Errorf("blob: %v", err)
	}
	if _, err := s.Open(d); !errors.Is(err, store.ErrMissing) {
		t.Errorf("open: %v", err)
	}
	if _, err := s.Get(d); !errors.Is(err, store.ErrMissing) || s.Has(d) {
		t.Errorf("get: %v", err)
	}
	release, err := s.Hold(t.Context(), d, "test")
	end, err2 := s.Begin("test", "out")
	list, err3 := s.List()
	v, err4 := s.Verify(t.Context(), nil)
	c, err5 := s.Collect(t.Context(), s.Limit())
	if err := errors.Join(err, err2, err3, err4, err5, s.Set(d, store.Entry{}), s.Delete(d), s.Trim(t.Context())); err != nil {
		t.Error(err)
	}
	release()
	end()
	if len(list) > 0 || v.Blobs > 0 || c.Blobs > 0 || s.Dir() != "" || !s.ReadOnly() || s.FS() == nil {
		t.Errorf("list %v, verified %v, collected %v", list, v, c)
	}
}

// A store that is read only is left as it is to the last bit, and an absent one is not made.
func TestReadOnly(t *testing.T) {
	root := t.TempDir()
	w, _ := open(t, filepath.Join(root, "full"), store.Options{})
	e := mustKeep(t, w, key("a"), "one", "two")
	if err := os.Truncate(writable(t, w.BlobPath(e.Blobs[1].Digest)), 1); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"full", "absent"} {
		dir := filepath.Join(root, name)
		before := snapshot(t, root)
		r := storetest.NewRecorder()
		s, _ := open(t, dir, store.Options{ReadOnly: true, FS: r})
		s.Get(key("a"))
		s.Blob(e.Blobs[1].Digest)
		if d, err := s.Put([]byte("new")); err != nil || d != store.Sum([]byte("new")) {
			t.Errorf("put: %v, %v", d, err)
		}
		release, err := s.Hold(t.Context(), key("b"), "test")
		end, err2 := s.Begin("test", "")
		_, err3 := s.Verify(t.Context(), nil)
		_, err4 := s.Collect(t.Context(), 0)
		_, err5 := s.List()
		_, err6 := s.PutFrom(strings.NewReader("more"))
		if err := errors.Join(err, err2, err3, err4, err5, err6, s.Set(key("b"), store.Entry{}), s.Delete(key("a")), s.Trim(t.Context())); err != nil {
			t.Error(err)
		}
		release()
		end()
		if after := snapshot(t, root); after != before {
			t.Errorf("%s was changed:\n%s\nwas\n%s", name, after, before)
		}
		if ops := r.Ops(); len(ops) > 0 {
			t.Errorf("%s: %v", name, ops)
		}
	}
}

func writable(t *testing.T, path string) string {
	t.Helper()
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// snapshot describes a folder: names, modes, sizes, times.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			fmt.Fprintln(&b, path, info.Mode(), info.Size(), info.ModTime())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// An entry is not written before its blobs, and its names are in order and different.
func TestSetRefuses(t *testing.T) {
	s, _ := open(t, t.TempDir(), store.Options{})
	absent := store.Entry{Blobs: []store.NamedDigest{{Name: "a", Digest: key("nowhere")}}}
	if err := s.Set(key("k"), absent); !errors.Is(err, store.ErrMissing) {
		t.Errorf("an entry before its blobs: %v", err)
	}
	d, err := s.Put([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	twice := store.Entry{Blobs: []store.NamedDigest{{Name: "a", Digest: d}, {Name: "a", Digest: d}}}
	if err := s.Set(key("k"), twice); err == nil {
		t.Error("a name may be there twice")
	}
	unsorted := store.Entry{Blobs: []store.NamedDigest{{Name: "b", Digest: d}, {Name: "a\n\"", Digest: d}}}
	if err := s.Set(key("k"), unsorted); err != nil {
		t.Fatal(err)
	}
	if e, err := s.Get(key("k")); err != nil || e.Blobs[0].Name != "a\n\"" || unsorted.Blobs[0].Name != "b" {
		t.Errorf("%v, %v", e, err)
	}
}

// Equal actions that leave other bytes are a mistake in an action: that is said, and the last result counts.
func TestOtherBytes(t *testing.T) {
	s, warned := open(t, t.TempDir(), store.Options{})
	mustKeep(t, s, key("k"), "one")
	mustKeep(t, s, key("k"), "one")
	if w := warned(); len(w) > 0 {
		t.Errorf("warned of equal bytes: %q", w)
	}
	mustKeep(t, s, key("k"), "two")
	if w := warned(); len(w) != 1 || !strings.Contains(w[0], "other bytes than before") {
		t.Errorf("warned: %q", w)
	}
}

func TestPermissions(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	_, warned := open(t, dir, store.Options{})
	if w := warned(); len(w) != 1 || !strings.Contains(w[0], "can be written by others (its mode is 0777)") {
		t.Errorf("warned: %q", w)
	}
}

func TestDigestText(t *testing.T) {
	d := store.Sum([]byte("abc"))
	want := "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad/3"
	if d.String() != want {
		t.Errorf("%s", d)
	}
	var got store.Digest
	if err := got.UnmarshalText([]byte(want)); err != nil || got != d {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "sha256:/3", want[7:], strings.ToUpper(want), want + "0x", strings.Replace(want, "/3", "/03", 1),
		strings.Replace(want, "/3", "/-3", 1), strings.Replace(want, "/3", "/+3", 1), strings.Replace(want, "/3", "/99999999999999999999", 1), want[:20]} {
		if _, err := store.ParseDigest(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
