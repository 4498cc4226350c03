package ggml

import (
	"time"

	"golang.org/x/sys/unix"
)

// clock is the processor time of this process, in which other work on the machine does not count.
func clock() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}
