package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

func exchange(a, b string) error {
	err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) {
		return errors.ErrUnsupported
	}
	if err != nil {
		return &os.LinkError{Op: "exchange", Old: a, New: b, Err: err}
	}
	return nil
}

// beginWriting asks the system to begin to put a range of a file on disk, and waits for nothing. It is a hint.
func beginWriting(f File, off, n int64) {
	if real, ok := f.(*os.File); ok {
		if c, err := real.SyscallConn(); err == nil {
			c.Control(func(fd uintptr) { unix.SyncFileRange(int(fd), off, n, unix.SYNC_FILE_RANGE_WRITE) })
		}
	}
}

// freeBytes returns what an unprivileged user may still write below dir.
func freeBytes(dir string) (int64, bool) {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil {
		return 0, false
	}
	return int64(s.Bavail) * s.Bsize, true
}

// processStart returns when a process began, in the kernel's own count since it started; "" if there is no such process.
func processStart(pid int) (start string, known bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, fs.ErrNotExist) {
		_, err := os.Stat("/proc/self/stat")
		return "", err == nil // with no /proc nothing is known
	}
	if err != nil {
		return "", false
	}
	// 52 numbers behind the name in parentheses, which may hold anything; the start is the 22nd field of all.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 20 {
		return "", false
	}
	return fields[19], true
}

// place names what process ids count in: this start of this machine, and this container.
func place() string {
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	space, _ := os.Readlink("/proc/self/ns/pid")
	return strings.TrimSpace(string(boot)) + " " + space
}
