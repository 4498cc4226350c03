package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pare-ml/pare/graph/store"
	"github.com/pare-ml/pare/graph/store/storetest"
)

// Sixteen add a line each, at once: no line is lost.
func TestEdit(t *testing.T) {
	path := filepath.Join(tempDir(t), "file")
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			err := store.Edit(ctx, storetest.Unsynced{}, path, "test", nil, func() ([]byte, error) {
				old, err := os.ReadFile(path)
				if errors.Is(err, os.ErrNotExist) {
					err = nil
				}
				return append(old, fmt.Sprintf("line %d\n", i)...), err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	text, err := os.ReadFile(path)
	if err != nil || strings.Count(string(text), "\n") != 16 {
		t.Errorf("%q, %v", text, err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("left: %v, %v", entries, err)
	}
}

// Each operation of an edit fails once: the file is the old or the new one, nothing but temporary files is left, and the next edit,
// or Edited, removes those.
func TestEditFails(t *testing.T) {
	edit := func(f store.FS, path, text string) error {
		return store.Edit(ctx, f, path, "test", nil, func() ([]byte, error) { return []byte(text), nil })
	}
	for n := 1; ; n++ {
		dir := tempDir(t)
		path := filepath.Join(dir, "file")
		if err := edit(storetest.Unsynced{}, path, "old"); err != nil {
			t.Fatal(err)
		}
		f := storetest.NewFaultyOn(storetest.Unsynced{}, storetest.Fault{At: n})
		err := edit(f, path, "new")
		text, rerr := os.ReadFile(path)
		if rerr != nil || string(text) != "new" && (string(text) != "old" || err == nil) {
			t.Errorf("operation %d: %v, and %q stands, %v", n, err, text, rerr)
		}
		if err := storetest.CheckLitter(dir, "file"); err != nil {
			t.Error(err)
		}
		if !f.Failed() {
			if n < 6 {
				t.Errorf("%d operations", n)
			}
			return
		}
		draft := filepath.Join(dir, ".file.tmp-edit.0123456789abc") // of a process that was killed
		if err := os.WriteFile(draft, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if store.Edited(storetest.Unsynced{}, path); n%2 == 0 {
			if err := edit(storetest.Unsynced{}, path, "newer"); err != nil {
				t.Fatal(err)
			}
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
			t.Errorf("operation %d left: %v, %v", n, entries, err)
		}
	}
}

// What is no regular file is not replaced.
func TestEditRefuses(t *testing.T) {
	path := filepath.Join(tempDir(t), "link")
	if err := os.Symlink("elsewhere", path); err != nil {
		t.Skip(err)
	}
	err := store.Edit(ctx, nil, path, "test", nil, func() ([]byte, error) { return []byte("text"), nil })
	if err == nil || !strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("%v", err)
	}
}
