//go:build !linux

package store

import (
	"errors"
	"os"
)

// replace puts dir in the place of target and, if target was there, target in the place of dir.
func replace(dir, target string) error {
	if _, err := os.Lstat(target); errors.Is(err, os.ErrNotExist) {
		return os.Rename(dir, target)
	}
	return swap(dir, target)
}
