package main

import (
	"errors"
	"os/exec"
	"strconv"
)

// exitCode tells how a program ended: its exit code, or what kept it from running.
func exitCode(err error) string {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return "0"
	case errors.As(err, &exit):
		return strconv.Itoa(exit.ExitCode())
	}
	return err.Error()
}
