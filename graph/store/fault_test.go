//go:build unix

package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pare-ml/pare/graph/store"
	"github.com/pare-ml/pare/graph/store/storetest"
)

var ctx = context.Background()

// tempDir is t.TempDir in memory where there is such a place: thousands of folders are made here.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "store-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// scenario is what a build does with a store and a target, small. It returns the first error.
func scenario(f store.FS, root, content string) error {
	s, err := store.Open(filepath.Join(root, "cache"), store.Options{FS: f})
	if err != nil {
		return err
	}
	target := filepath.Join(root, "out")
	end, err := s.Begin("test", target)
	if err != nil {
		return err
	}
	defer end()
	free, err := store.HoldTarget(ctx, f, target, "test", "", nil)
	if err != nil {
		return err
	}
	defer free()
	stage, err := store.NewStageOn(f, target)
	if err != nil {
		return err
	}
	defer stage.Discard()
	k := key(content)
	if _, err := s.Get(k); err != nil {
		release, err := s.Hold(ctx, k, "test")
		if err != nil {
			return err
		}
		defer release()
		if _, err := keep(s, k, content, strings.Repeat(content, 1000)); err != nil {
			return err
		}
		if _, err := s.PutFrom(strings.NewReader(content + " streamed")); err != nil {
			return err
		}
	}
	e, err := s.Get(k)
	if err != nil {
		return err
	}
	data, err := s.Blob(e.Blobs[1].Digest)
	if err != nil {
		return err
	}
	w, err := stage.Create("model/weights.bin")
	if err != nil {
		return err
	}
	for part := data; len(part) > 0; part = part[min(len(part), 3000):] {
		if _, err := w.Write(part[:min(len(part), 3000)]); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	if _, err := stage.Write("report.json", []byte("{}")); err != nil {
		return err
	}
	if err := stage.Publish(target); err != nil {
		return err
	}
	if err := stage.Discard(); err != nil {
		return err
	}
	_, err = s.Collect(ctx, 1<<30)
	return err
}

// invariants are I1 to I3 of the design: the target is whole, nothing in the store differs from its digest, and only litter by its
// known names was left. It returns which result stands.
func invariants(t *testing.T, root string) (sums string) {
	t.Helper()
	sums, err := storetest.CheckTarget(filepath.Join(root, "out"))
	if err != nil {
		t.Errorf("the target: %v", err)
	}
	if err := storetest.CheckStore(filepath.Join(root, "cache")); err != nil {
		t.Errorf("the store: %v", err)
	}
	if err := storetest.CheckLitter(root, "out", "cache"); err != nil {
		t.Error(err)
	}
	return sums
}

// recovers runs the scenario without faults: it ends well, with the result that it should have, and leaves no litter.
func recovers(t *testing.T, base store.FS, root, content, want string) {
	t.Helper()
	if err := scenario(base, root, content); err != nil {
		t.Fatalf("running again: %v", err)
	}
	if got := invariants(t, root); got != want {
		t.Errorf("running again gave %s, want %s", got, want)
	}
	entries, err := os.ReadDir(root)
	for _, e := range entries {
		if name := e.Name(); name != "out" && name != "cache" && !strings.Contains(name, ".tmp-hold.lease.") { // that goes later
			t.Errorf("litter: %s, %v", name, err)
		}
	}
}

// results returns what tells the results of two contents apart.
func results(t *testing.T, contents ...string) (sums []string) {
	t.Helper()
	for _, c := range contents {
		root := tempDir(t)
		if err := scenario(storetest.Unsynced{}, root, c); err != nil {
			t.Fatal(err)
		}
		sums = append(sums, invariants(t, root))
	}
	return sums
}

// Each operation fails once, in each way, on an empty disk and over an earlier result.
func TestFaults(t *testing.T) {
	faults := map[string]storetest.Fault{
		"EIO":         {},
		"short write": {Kind: "write", Short: true},
		"EINTR":       {Kind: "write", Err: syscall.EINTR},
		"quota":       {Kind: "write", Err: syscall.EDQUOT},
		"disk full":   {Err: syscall.ENOSPC, Full: true},
		"sync fails":  {Kind: "sync"},
		"folder sync": {Kind: "syncdir"},
		"renames":     {Kind: "rename"}, // without an exchange of folders
	}
	sums := results(t, "first", "second")
	for name, fault := range faults {
		for _, earlier := range []bool{false, true} {
			base := store.FS(storetest.Unsynced{})
			if name == "renames" {
				base = storetest.NoExchange{FS: base}
			}
			t.Run(fmt.Sprintf("%s, earlier result %v", name, earlier), func(t *testing.T) {
				t.Parallel()
				fault := fault
				for n := 1; ; n++ {
					root := tempDir(t)
					allowed := []string{"", sums[1]}
					if earlier {
						if err := scenario(storetest.Unsynced{}, root, "first"); err != nil {
							t.Fatal(err)
						}
						allowed[0] = sums[0]
					}
					fault.At = n
					f := storetest.NewFaultyOn(base, fault)
					err := scenario(f, root, "second")
					if !f.Failed() {
						if err != nil || n < 3 {
							t.Errorf("%d operations, %v", n, err)
						}
						return
					}
					if got := invariants(t, root); got != allowed[0] && got != allowed[1] {
						t.Errorf("operation %d: %s stands", n, got)
					} else if err == nil && got != sums[1] {
						t.Errorf("operation %d: success, and %s stands", n, got)
					}
					if again := f.SyncedAgain(); len(again) > 0 {
						t.Errorf("operation %d: synced again after a failure: %v", n, again)
					}
					if fault.Full && err != nil && !strings.Contains(err.Error(), "free)") && !errors.Is(err, syscall.ENOSPC) {
						t.Errorf("operation %d: %v", n, err)
					}
					recovers(t, base, root, "second", sums[1])
					if t.Failed() {
						return
					}
				}
			})
		}
	}
}

// A write that did not fit is told with what was needed and what is free, under a name that says which disk.
func TestDiskFullMessage(t *testing.T) {
	dir := tempDir(t)
	open(t, dir, store.Options{})
	s, _ := open(t, dir, store.Options{FS: storetest.NewFaultyOn(storetest.Unsynced{}, storetest.Fault{At: 1, Kind: "write", Err: syscall.ENOSPC})})
	_, err := s.Put(make([]byte, 12345))
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "(12345 bytes needed, ") || !strings.Contains(err.Error(), dir) {
		t.Errorf("%v", err)
	}
}

// Power is cut behind each operation: what is on the disk then is whole, and a build goes on from it.
func TestPowerCut(t *testing.T) {
	t.Run("exchange", func(t *testing.T) { powerCuts(t, storetest.Unsynced{}) })
	t.Run("two renames", func(t *testing.T) { powerCuts(t, storetest.NoExchange{FS: storetest.Unsynced{}}) })
}

func powerCuts(t *testing.T, base store.FS) {
	t.Parallel()
	sums := results(t, "first", "second")
	root := tempDir(t)
	if err := scenario(storetest.Unsynced{}, root, "first"); err != nil {
		t.Fatal(err)
	}
	l, err := storetest.NewLogOn(base, root)
	if err != nil {
		t.Fatal(err)
	}
	if err := scenario(l, root, "second"); err != nil {
		t.Fatal(err)
	}
	if l.Len() < 40 {
		t.Fatalf("%d operations", l.Len())
	}
	for n := range l.Len() + 1 {
		for _, seed := range []uint64{0, 1, uint64(n) + 2} {
			dst := tempDir(t)
			if err := l.Cut(n, seed, dst); err != nil {
				t.Fatal(err)
			}
			got := invariants(t, dst)
			old, _ := filepath.Glob(filepath.Join(dst, ".out.tmp-*.old")) // from between two renames
			if got != sums[0] && got != sums[1] && (got != "" || len(old) != 1) {
				t.Errorf("after operation %d, seed %d: %q stands", n, seed, got)
			} else if n == l.Len() && (got != sums[1] || !has(t, dst, "second")) {
				t.Errorf("success was told, and after a power cut %q stands", got)
			}
			if seed != 1 {
				recovers(t, base, dst, "second", sums[1])
			}
			if t.Failed() {
				t.Fatalf("after operation %d, seed %d", n, seed)
			}
		}
	}
}

func has(t *testing.T, root, content string) bool {
	t.Helper()
	s, _ := open(t, filepath.Join(root, "cache"), store.Options{ReadOnly: true})
	return s.Has(key(content))
}

// The replay of a power cut would show a rename of what was not synced: a program that does so is caught.
func TestPowerCutSees(t *testing.T) {
	root := tempDir(t)
	l, err := storetest.NewLogOn(storetest.Unsynced{}, root)
	if err != nil {
		t.Fatal(err)
	}
	f, err := l.OpenFile(filepath.Join(root, "tmp"), os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	_, werr := f.Write([]byte("content"))
	if err := errors.Join(werr, f.Close(), l.Rename(filepath.Join(root, "tmp"), filepath.Join(root, "final")), l.SyncDir(root)); err != nil {
		t.Fatal(err)
	}
	for seed, want := range []string{"", "\x00\x00\x00\x00\x00\x00\x00"} {
		dst := tempDir(t)
		if err := l.Cut(l.Len(), uint64(seed), dst); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(dst, "final")); err != nil || string(got) != want {
			t.Errorf("seed %d: %q, %v", seed, got, err)
		}
	}
}
