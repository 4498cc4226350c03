//go:build unix

package source

import "golang.org/x/sys/unix"

// nonblock lets a pipe be opened without waiting for somebody to write to it.
const nonblock = unix.O_NONBLOCK
