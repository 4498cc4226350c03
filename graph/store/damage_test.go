//go:build unix

package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pare-ml/pare/graph/store"
	"github.com/pare-ml/pare/graph/store/storetest"
)

// damages are what may happen to a file of the store.
func damages() map[string]func(t *testing.T, path string, data []byte) {
	write := func(t *testing.T, path string, data []byte) {
		t.Helper()
		if err := os.WriteFile(writable(t, path), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	replace := func(make func(path string) error) func(*testing.T, string, []byte) {
		return func(t *testing.T, path string, _ []byte) {
			t.Helper()
			if err := errors.Join(os.Remove(path), make(path)); err != nil {
				t.Fatal(err)
			}
		}
	}
	all := map[string]func(*testing.T, string, []byte){
		"emptied":     func(t *testing.T, path string, _ []byte) { write(t, path, nil) },
		"cut":         func(t *testing.T, path string, data []byte) { write(t, path, data[:len(data)-1]) },
		"lengthened":  func(t *testing.T, path string, data []byte) { write(t, path, append(bytes.Clone(data), '\n')) },
		"another":     func(t *testing.T, path string, data []byte) { write(t, path, bytes.Repeat([]byte("x"), len(data))) },
		"a link":      replace(func(path string) error { return os.Symlink("/dev/zero", path) }),
		"a folder":    replace(func(path string) error { return os.Mkdir(path, 0o755) }),
		"a pipe":      replace(func(path string) error { return syscall.Mkfifo(path, 0o644) }),
		"zeros ahead": func(t *testing.T, path string, data []byte) { write(t, path, append(make([]byte, 4096), data...)) },
	}
	for i := range 16 {
		all[fmt.Sprintf("bit flipped in part %d of 16", i)] = func(t *testing.T, path string, data []byte) {
			data = bytes.Clone(data)
			data[i*len(data)/16] ^= 1 << (i % 8)
			write(t, path, data)
		}
	}
	return all
}

// Whatever happens to a blob or to an entry is found when it is read, put aside with a warning, and can be made anew.
func TestDamage(t *testing.T) {
	payload := strings.Repeat("weights of a layer, ", 5000)
	for name, damage := range damages() {
		for _, what := range []string{"blob", "streamed blob", "entry"} {
			t.Run(what+" "+name, func(t *testing.T) {
				s, warned := open(t, tempDir(t), store.Options{})
				e := mustKeep(t, s, key("k"), payload)
				d := e.Blobs[0].Digest
				path := s.BlobPath(d)
				if what == "entry" {
					path = s.EntryPath(key("k"))
				}
				data, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				damage(t, path, data)

				switch what {
				case "blob":
					_, err = s.Blob(d)
				case "streamed blob":
					var r io.ReadCloser
					if r, err = s.Open(d); err == nil {
						_, err = io.Copy(io.Discard, r)
						r.Close()
					}
				case "entry":
					_, err = s.Get(key("k"))
				}
				if !errors.Is(err, store.ErrMissing) {
					t.Fatalf("reading it: %v", err)
				}
				if w := warned(); len(w) != 1 || !strings.Contains(w[0], "damaged") || !strings.Contains(w[0], "moved to") {
					t.Errorf("warned: %q", w)
				}
				if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("it still stands: %v", err)
				}
				if aside, err := os.ReadDir(filepath.Join(s.Dir(), store.Version, "corrupt")); err != nil || len(aside) != 1 {
					t.Errorf("put aside: %v, %v", aside, err)
				}
				if s.Has(key("k")) {
					t.Error("a plan would say cached")
				}
				mustKeep(t, s, key("k"), payload)
				if _, err := s.Get(key("k")); err != nil {
					t.Errorf("made anew: %v", err)
				}
				if got, err := s.Blob(d); err != nil || string(got) != payload {
					t.Errorf("made anew: %d bytes, %v", len(got), err)
				}
				if err := storetest.CheckStore(s.Dir()); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// Putting content over a damaged blob mends it.
func TestPutOverDamage(t *testing.T) {
	payload := strings.Repeat("weights ", 4000)
	for name, damage := range damages() {
		for _, streamed := range []bool{false, true} {
			s, warned := open(t, tempDir(t), store.Options{})
			d := mustKeep(t, s, key("k"), payload).Blobs[0].Digest
			damage(t, s.BlobPath(d), []byte(payload))
			var err error
			if streamed {
				_, err = s.PutFrom(strings.NewReader(payload))
			} else {
				_, err = s.Put([]byte(payload))
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got, err := s.Blob(d); err != nil || string(got) != payload || len(warned()) != 1 {
				t.Errorf("%s: %d bytes, %v, warned %q", name, len(got), err, warned())
			}
		}
	}
}

// Two entries that changed places, and one of another version, are damage; so is a blob under another's name.
func TestSwapped(t *testing.T) {
	s, warned := open(t, tempDir(t), store.Options{})
	a, b := mustKeep(t, s, key("a"), "one"), mustKeep(t, s, key("b"), "two")
	swap(t, s.EntryPath(key("a")), s.EntryPath(key("b")))
	swap(t, s.BlobPath(a.Blobs[0].Digest), s.BlobPath(b.Blobs[0].Digest))
	for _, k := range []string{"a", "b"} {
		if _, err := s.Get(key(k)); !errors.Is(err, store.ErrMissing) {
			t.Errorf("entry %s: %v", k, err)
		}
	}
	for _, e := range []store.Entry{a, b} {
		if _, err := s.Blob(e.Blobs[0].Digest); !errors.Is(err, store.ErrMissing) {
			t.Errorf("blob: %v", err)
		}
	}
	if w := warned(); len(w) != 4 {
		t.Errorf("warned: %q", w)
	}
	e := mustKeep(t, s, key("c"), "three")
	later := bytes.Replace(e.Encode(key("c")), []byte("pare action 1\n"), []byte("pare action 2\n"), 1)
	body := later[:bytes.LastIndex(later, []byte("sum "))]
	later = fmt.Appendf(bytes.Clone(body), "sum %s\n", store.Sum(body))
	if err := os.WriteFile(writable(t, s.EntryPath(key("c"))), later, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(key("c")); !errors.Is(err, store.ErrMissing) || !strings.Contains(strings.Join(warned(), " "), "pare action 2") {
		t.Errorf("an entry of another version: %v, %q", err, warned())
	}
}

func swap(t *testing.T, a, b string) {
	t.Helper()
	if err := errors.Join(os.Rename(a, a+"~"), os.Rename(b, a), os.Rename(a+"~", b)); err != nil {
		t.Fatal(err)
	}
}

// A digest that lies about the size finds nothing, and the sound blob stays.
func TestWrongSize(t *testing.T) {
	s, warned := open(t, tempDir(t), store.Options{})
	d, err := s.Put([]byte("content"))
	if err != nil {
		t.Fatal(err)
	}
	lie := d
	lie.Size = 1 << 50
	if _, err := s.Blob(lie); !errors.Is(err, store.ErrMissing) {
		t.Errorf("%v", err)
	}
	if got, err := s.Blob(d); err != nil || string(got) != "content" || len(warned()) > 0 {
		t.Errorf("%q, %v, %q", got, err, warned())
	}
}

func TestVerify(t *testing.T) {
	s, warned := open(t, tempDir(t), store.Options{})
	for i := range 10 {
		mustKeep(t, s, key(fmt.Sprint(i)), fmt.Sprint("blob ", i), "shared")
	}
	v, err := s.Verify(t.Context(), nil)
	if err != nil || v.Entries != 10 || v.Blobs != 11 || v.Damaged != 0 {
		t.Fatalf("%+v, %v", v, err)
	}
	path := writable(t, s.BlobPath(store.Sum([]byte("blob 3"))))
	if err := os.WriteFile(path, []byte("blob 4"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(writable(t, s.EntryPath(key("7"))), 100); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(s.BlobPath(store.Sum([]byte("blob 5")))); err != nil {
		t.Fatal(err)
	}
	v, err = s.Verify(t.Context(), nil)
	if err != nil || v.Entries != 7 || v.Blobs != 9 || v.Damaged != 2 || v.Incomplete != 2 || len(warned()) != 2 {
		t.Fatalf("%+v, %v, %q", v, err, warned())
	}
	if v, err = s.Verify(t.Context(), nil); err != nil || v.Damaged+v.Incomplete > 0 {
		t.Fatalf("the second time: %+v, %v", v, err)
	}
}
