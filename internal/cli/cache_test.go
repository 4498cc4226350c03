package cli

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pare-ml/pare/graph/store"
)

func TestCache(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	run := func(want int, args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if code := Main(append([]string{"cache"}, append(args, "--cache", dir)...), &out, &errs); code != want {
			t.Fatalf("pare cache %s: exit code %d, want %d\n%s%s", args, code, want, &out, &errs)
		}
		return out.String() + errs.String()
	}
	demand := func(got, pattern string) {
		t.Helper()
		if !regexp.MustCompile(pattern).MatchString(got) {
			t.Errorf("printed:\n%swant %s", got, pattern)
		}
	}

	demand(run(exitFine, "path"), "^"+regexp.QuoteMeta(dir)+"\n$")
	demand(run(exitFine, "ls"), "^0 entries, 0 B, in ")
	demand(run(exitFine, "verify"), "^0 entries and 0 blobs are sound, 0 B\n$")
	demand(run(exitFine, "gc"), "^removed 0 entries")
	if _, err := os.Stat(dir); err == nil {
		t.Error("looking made a store")
	}
	demand(run(exitUsage, "lst"), `has no "lst"; did you mean "ls"\?`)
	demand(run(exitUsage, "ls", "--limit", "5GB"), "--limit is for pare cache gc")
	demand(run(exitUsage, "gc", "--limit", "5"), `"5" is not a size`)
	demand(run(exitUsage, "gc", "--limit", "5GiBB"), `is not a unit`)

	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, note := range []string{"quantize conv1\nmore", "train recover", "evil\x1b[31m\nred!"} {
		d, err := s.Put(bytes.Repeat([]byte(note), 1000))
		if err != nil {
			t.Fatal(err)
		}
		e := store.Entry{Note: []byte(note), Blobs: []store.NamedDigest{{Name: "weight", Digest: d}}}
		if err := s.Set(store.Sum([]byte(fmt.Sprint(i))), e); err != nil {
			t.Fatal(err)
		}
	}
	list := run(exitFine, "ls")
	demand(list, `(?m)^action +size +last use +key$`)
	demand(list, `(?m)^quantize conv1 +19\.\d kB  \d{4}-\d\d-\d\d \d\d:\d\d  5feceb66ffc8$`)
	demand(list, `(?m)^3 entries, 4[67]\.\d kB, in `)
	if strings.Contains(list, "\x1b") {
		t.Errorf("a note reaches the terminal: %q", list)
	}

	err = filepath.WalkDir(filepath.Join(dir, store.Version, "blobs"), func(path string, d fs.DirEntry, err error) error {
		if info, ierr := d.Info(); ierr == nil && info.Size() == 13000 {
			return os.Truncate(path, 12999)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	bad := run(exitIntegrity, "verify")
	demand(bad, `pare: warning: blobs/[0-9a-f]{64} in the store is damaged: .*; moved to `)
	demand(bad, `1 entry named content that is not there`)
	demand(bad, `2 entries and 2 blobs are sound, 3\d\.\d kB`)
	demand(bad, `pare: 1 damaged file in the store`)
	demand(run(exitFine, "verify"), "^2 entries and 2 blobs are sound")

	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(dir, store.Version, "actions", "5f", store.Sum([]byte("0")).Hex()), old, old); err != nil {
		t.Fatal(err)
	}
	demand(run(exitFine, "gc", "--limit", "30kB"), `^removed 1 entry, 1 blob and 1 leftover: 3\d\.\d kB freed, 14\.\d kB left\n$`) // and what was damaged
	demand(run(exitFine, "gc", "--limit", "0B"), `^removed 1 entry, 1 blob`)
}
