//go:build !linux

package store

import "errors"

func exchange(a, b string) error { return errors.ErrUnsupported }

func beginWriting(f File, off, n int64) {}

func freeBytes(dir string) (int64, bool) { return 0, false }

func processStart(pid int) (start string, known bool) { return "", false }

func place() string { return "" }
