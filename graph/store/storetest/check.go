package storetest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pare-ml/pare/graph/store"
)

// CheckStore demands that nothing in a store differs from its digest, without changing the store.
func CheckStore(dir string) error {
	var damage []string
	s, err := store.Open(dir, store.Options{ReadOnly: true, Warn: func(text string) { damage = append(damage, text) }})
	if err != nil {
		return err
	}
	v, err := s.Verify(context.Background(), nil)
	if err != nil {
		return err
	}
	if v.Damaged > 0 || len(damage) > 0 {
		return fmt.Errorf("%d damaged: %s", v.Damaged, strings.Join(damage, "; "))
	}
	return nil
}

// CheckTarget demands that target is absent, or a folder with a list of digests that holds all its files, and rightly. It returns
// the digest of that list, "" for none, by which results can be told apart.
func CheckTarget(target string) (string, error) {
	if _, err := os.Lstat(target); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	sums, err := os.ReadFile(filepath.Join(target, store.Sums))
	if err != nil {
		return "", err
	}
	listed := map[string]string{store.Sums: fmt.Sprintf("%x", sha256.Sum256(sums))}
	for lines := bufio.NewScanner(bytes.NewReader(sums)); lines.Scan(); {
		sum, name, ok := strings.Cut(lines.Text(), "  ")
		if !ok {
			return "", fmt.Errorf("%s: the line %q", target, lines.Text())
		}
		listed[name] = sum
	}
	seen := 0
	err = filepath.WalkDir(target, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(target, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		seen++
		if want := listed[filepath.ToSlash(name)]; want != fmt.Sprintf("%x", sha256.Sum256(data)) {
			return fmt.Errorf("%s: %s is not what the list says (%q)", target, name, want)
		}
		return nil
	})
	if err == nil && seen != len(listed) {
		err = fmt.Errorf("%s has %d files, and %d are listed", target, seen, len(listed))
	}
	return listed[store.Sums], err
}

// CheckLitter demands that a folder holds nothing but the names given and what killed builds may leave: .NAME.tmp-….
func CheckLitter(dir string, names ...string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
next:
	for _, e := range entries {
		for _, n := range names {
			if e.Name() == n || strings.HasPrefix(e.Name(), "."+n+".tmp-") {
				continue next
			}
		}
		return fmt.Errorf("%s was left in %s", e.Name(), dir)
	}
	return nil
}
