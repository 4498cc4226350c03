//go:build unix

package cli

import (
	"os/exec"

	"golang.org/x/sys/unix"
)

// startWithUmask starts a program under another umask. The mask is the process's, so nothing else may make files meanwhile.
func startWithUmask(cmd *exec.Cmd, mask int) error {
	old := unix.Umask(mask)
	defer unix.Umask(old)
	return cmd.Start()
}
