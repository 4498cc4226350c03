//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package store

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// cautious are the flags for opening a file that others may have put there: no link is followed, no pipe waits.
const cautious = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

func flock(f *os.File, exclusive bool) error {
	how := unix.LOCK_SH
	if exclusive {
		how = unix.LOCK_EX
	}
	for {
		err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EWOULDBLOCK):
			return ErrLocked
		case errors.Is(err, unix.ENOTSUP), errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.ENOLCK):
			return fmt.Errorf("flock %s: %w", f.Name(), errors.ErrUnsupported)
		}
		return err
	}
}

func isFull(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}

// dangers tells what makes a folder's content doubtful: that others may have written it.
func dangers(info os.FileInfo) string {
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Sprintf("can be written by others (its mode is %04o)", info.Mode().Perm())
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok && int(s.Uid) != os.Geteuid() {
		return fmt.Sprintf("belongs to another user (id %d)", s.Uid)
	}
	return ""
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// processGone tells whether a process of this machine has ended, as far as the system tells.
func processGone(pid int, start string) bool {
	if now, known := processStart(pid); known {
		return now != start
	}
	return errors.Is(unix.Kill(pid, 0), unix.ESRCH)
}
