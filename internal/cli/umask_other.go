//go:build !unix

package cli

import "os/exec"

// startWithUmask starts a program; there are no masks here.
func startWithUmask(cmd *exec.Cmd, _ int) error { return cmd.Start() }
