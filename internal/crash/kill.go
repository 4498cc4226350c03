package crash

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/pare-ml/pare/graph/store/storetest"
	"github.com/pare-ml/pare/internal/cli"
)

// Main is what a process does that is to be killed: N half|whole FOLDER builds in the folder and ends at operation N.
func Main(args []string) int {
	if len(args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: N half|whole FOLDER")
		return 2
	}
	n, err := strconv.Atoi(args[0])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	return cli.MainOn(storetest.KillOn(storetest.Unsynced{}, n, args[1] == "half"), arguments(args[2]), os.Stdout, os.Stderr)
}

// Killed is what came of a build that was killed.
type Killed struct {
	Ended   bool // it ended by itself: there were fewer operations
	Resumed bool // the next build went on in the midst of training
	Old     bool // the result of before stands
}

// Kill kills a build at operation n, counted from 1, or in the midst of it if it is a write and half is set; checks what is left,
// builds again and checks once more.
func (s *Scene) Kill(n int, half bool) (k Killed, err error) {
	part := "whole"
	if half {
		part = "half"
	}
	dir, err := s.Copy(fmt.Sprintf("kill-%d-%s", n, part))
	if err != nil {
		return k, err
	}
	command := append(s.Self[:len(s.Self):len(s.Self)], strconv.Itoa(n), part, dir)
	cmd := exec.Command(command[0], command[1:]...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		k.Ended = true
	case !errors.As(err, &exit) || !signalled(exit, syscall.SIGKILL):
		return k, fmt.Errorf("killed at operation %d: %w\n%s", n, err, &said)
	}
	now, err := s.Check(dir)
	if k.Old = now.Target == s.old.Target; err == nil {
		k.Resumed, err = s.Again(storetest.Unsynced{}, dir)
	}
	if err != nil {
		return k, fmt.Errorf("killed at operation %d (%s; in %s): %w", n, part, dir, err)
	}
	return k, os.RemoveAll(dir)
}

func signalled(exit *exec.ExitError, s syscall.Signal) bool {
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == s
}

// Label names the sort of an operation: what it does, and to what.
func (s *Scene) Label(n int) string { return s.Ops[n-1].Kind + " " + s.place(s.Ops[n-1].Path) }

var varying = regexp.MustCompile(`[0-9a-f]{64}|\b[0-9a-z]{13}\b|/[0-9a-f]{2}(/|$)`)

func (s *Scene) place(path string) string {
	path = filepath.ToSlash(path)
	if filepath.IsAbs(path) {
		return "folder above"
	}
	return varying.ReplaceAllStringFunc(path, func(m string) string {
		if strings.HasPrefix(m, "/") {
			return "/*" + strings.TrimLeft(m[1:], "0123456789abcdef")
		}
		return "*"
	})
}

// Points are the operations to end a build at: the first of each sort, and every step-th.
func (s *Scene) Points(step int) []int {
	seen := map[string]bool{}
	var out []int
	for n := 1; n <= len(s.Ops); n++ {
		l := s.Label(n)
		if n%step == 0 || !seen[l] {
			out = append(out, n)
		}
		seen[l] = true
	}
	return out
}
