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
)

// Edit puts what change returns in the place of a file that several builds may write, one at a time: change is called when
// nobody else writes the file, so that what it reads of it then is not lost. It returns nil to leave the file as it is. The
// file is the old one or the new one whole, whatever happens. Who says what it is done for.
func Edit(ctx context.Context, f FS, path, who string, warn func(string), change func() ([]byte, error)) error {
	f = orOS(f)
	release, err := HoldTarget(ctx, f, path, who, "edit", warn) // which also removes what a dead process left
	if err != nil {
		return err
	}
	defer release()
	data, err := change()
	if err != nil || data == nil {
		return err
	}
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is %s", path, kind(info.Mode()))
	}
	if path, err = filepath.Abs(path); err != nil {
		return err
	}
	draft := prefix(path) + "edit." + random()
	if err := writeSynced(f, draft, data); err != nil {
		return errors.Join(err, removeAll(f, draft))
	}
	if err := f.Rename(draft, path); err != nil {
		return errors.Join(err, removeAll(f, draft))
	}
	return f.SyncDir(filepath.Dir(path))
}

// Edited removes what a process that died while it wrote a file has left beside it. Errors are of no consequence.
func Edited(f FS, path string) {
	f = orOS(f)
	abs, err := filepath.Abs(path)
	if err != nil {
		return
	}
	dir, name := filepath.Split(prefix(abs))
	entries, err := os.ReadDir(dir)
	if err == nil && slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return strings.HasPrefix(e.Name(), name) }) {
		_, _ = Clean(f, abs)
	}
}

func writeSynced(f FS, path string, data []byte) error {
	file, err := createFile(f, path, 0o644)
	if err != nil {
		return full(err, path, int64(len(data)))
	}
	err = full(writeAll(file, data), path, int64(len(data)))
	if err == nil {
		err = full(file.Sync(), path, int64(len(data)))
	}
	return errors.Join(err, file.Close())
}
