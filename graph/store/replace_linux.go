package store

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// replace puts dir in the place of target and, if target was there, target in the place of dir.
func replace(dir, target string) error {
	if _, err := os.Lstat(target); errors.Is(err, os.ErrNotExist) {
		return os.Rename(dir, target)
	}
	err := unix.Renameat2(unix.AT_FDCWD, dir, unix.AT_FDCWD, target, unix.RENAME_EXCHANGE)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) {
		return swap(dir, target)
	}
	if err != nil {
		return &os.LinkError{Op: "exchange", Old: dir, New: target, Err: err}
	}
	return nil
}
