//go:build unix

package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pare-ml/pare/graph/store"
	"github.com/pare-ml/pare/graph/store/storetest"
)

// The tests of this file run themselves as other processes: what they then do is in childEnv.
const childEnv = "PARE_STORE_TEST_CHILD"

func TestMain(m *testing.M) {
	if job := os.Getenv(childEnv); job != "" {
		if err := child(strings.Split(job, "|")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(job []string) error {
	switch job[0] {
	case "build":
		digest, err := buildOnce(job[1])
		fmt.Println(digest)
		return err
	case "hold", "lease":
		s, err := store.Open(job[1], store.Options{FS: system(job[0])})
		if err != nil {
			return err
		}
		if _, err := s.Hold(ctx, key("k"), "a child"); err != nil {
			return err
		}
		fmt.Println("held")
		_, err = io.Copy(io.Discard, os.Stdin) // until it is killed
		return err
	case "kill":
		n, err := strconv.Atoi(job[2])
		if err != nil {
			return err
		}
		return scenario(storetest.KillOn(system(job[4]), n, job[3] == "half"), job[1], "second")
	case "begin":
		s, err := store.Open(job[1], store.Options{})
		if err != nil {
			return err
		}
		if _, err := s.Begin("a child", job[2]); err != nil {
			return err
		}
		if _, err := store.NewStage(job[2]); err != nil {
			return err
		}
		fmt.Println("held")
		_, err = io.Copy(io.Discard, os.Stdin)
		return err
	}
	return errors.New("no such job")
}

func system(kind string) store.FS {
	switch kind {
	case "lease":
		return storetest.NoLocks{FS: storetest.Unsynced{}}
	case "renames":
		return storetest.NoLocks{FS: storetest.NoExchange{FS: storetest.Unsynced{}}}
	}
	return storetest.Unsynced{}
}

// buildOnce does what an action does: looks, holds, looks again, works, keeps.
func buildOnce(dir string) (string, error) {
	s, err := store.Open(dir, store.Options{FS: storetest.Unsynced{}})
	if err != nil {
		return "", err
	}
	e, err := s.Get(key("k"))
	if errors.Is(err, store.ErrMissing) {
		release, err := s.Hold(ctx, key("k"), "test")
		if err != nil {
			return "", err
		}
		defer release()
		if e, err = s.Get(key("k")); errors.Is(err, store.ErrMissing) {
			f, err := os.OpenFile(filepath.Join(dir, "worked"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
			if err != nil {
				return "", err
			}
			fmt.Fprintln(f, os.Getpid())
			f.Close()
			if e, err = keep(s, key("k"), strings.Repeat("result ", 1e5)); err != nil {
				return "", err
			}
		} else if err != nil {
			return "", err
		}
	} else if err != nil {
		return "", err
	}
	data, err := s.Blob(e.Blobs[0].Digest)
	return store.Sum(data).String(), err
}

func start(t *testing.T, job ...string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childEnv+"="+strings.Join(job, "|"))
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(cmd) })
	return cmd, bufio.NewReader(out)
}

func kill(cmd *exec.Cmd) {
	if cmd.ProcessState == nil {
		cmd.Process.Kill()
		cmd.Wait()
	}
}

func line(t *testing.T, r *bufio.Reader, want string) {
	t.Helper()
	if got, err := r.ReadString('\n'); err != nil || got != want+"\n" {
		t.Fatalf("the child says %q, %v; want %q", got, err, want)
	}
}

// Of sixteen equal builds at once one works; all see the same bytes.
func TestSixteen(t *testing.T) {
	want := store.Sum([]byte(strings.Repeat("result ", 1e5))).String()
	worked := func(t *testing.T, dir string) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, "worked"))
		if err != nil || strings.Count(string(text), "\n") != 1 {
			t.Errorf("worked: %q, %v", text, err)
		}
		if err := storetest.CheckStore(dir); err != nil {
			t.Error(err)
		}
	}
	t.Run("goroutines", func(t *testing.T) {
		dir := tempDir(t)
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				if got, err := buildOnce(dir); err != nil || got != want {
					t.Errorf("%s, %v", got, err)
				}
			})
		}
		wg.Wait()
		worked(t, dir)
	})
	t.Run("processes", func(t *testing.T) {
		dir := tempDir(t)
		outs := make([]*bufio.Reader, 16)
		for i := range outs {
			_, outs[i] = start(t, "build", dir)
		}
		for _, out := range outs {
			line(t, out, want)
		}
		worked(t, dir)
	})
}

// A holder that is stopped is named while others wait, and when they give up; one that is killed holds nothing.
func TestHolderStops(t *testing.T) {
	for _, how := range []string{"hold", "lease"} {
		t.Run(how, func(t *testing.T) {
			dir := tempDir(t)
			s, warned := open(t, dir, store.Options{FS: system(how), Wait: 400 * time.Millisecond})
			s.SetPatience(20 * time.Millisecond)
			cmd, out := start(t, how, dir)
			line(t, out, "held")
			if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			_, err := s.Hold(ctx, key("k"), "the parent")
			var held *store.Held
			pid := fmt.Sprintf("process %d on ", cmd.Process.Pid)
			if !errors.As(err, &held) || !strings.Contains(err.Error(), pid) || !strings.Contains(err.Error(), "(a child)") {
				t.Errorf("%v", err)
			}
			if w := strings.Join(warned(), "\n"); !strings.Contains(w, "waiting: the action ") || !strings.Contains(w, pid) {
				t.Errorf("warned: %q", w)
			}
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(30*time.Millisecond, cancel)
			if _, err := s.Hold(ctx, key("k"), "the parent"); !errors.Is(err, ctx.Err()) {
				t.Errorf("waiting was given up: %v", err)
			}
			kill(cmd)
			release, err := s.Hold(t.Context(), key("k"), "the parent")
			if err != nil {
				t.Fatalf("after the holder was killed: %v", err)
			}
			release()
			if left, err := os.ReadDir(filepath.Join(dir, store.Version, "holds")); err != nil || len(left) > 0 {
				t.Errorf("left: %v, %v", left, err)
			}
		})
	}
}

// A lease goes on when its process might live: on another machine, or here under the same number and beginning. It ends when the
// number belongs to another process now.
func TestLeases(t *testing.T) {
	dir := tempDir(t)
	s, _ := open(t, dir, store.Options{FS: system("lease"), Wait: time.Millisecond})
	release, err := s.Hold(ctx, key("k"), "test")
	if err != nil {
		t.Fatal(err)
	}
	path := s.HoldPath(key("k")) + ".lease"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	release()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("released: %v", err)
	}
	host, _ := os.Hostname()
	own := string(text)
	for name, c := range map[string]struct {
		lease string
		taken bool
	}{
		"this process":    {own, false},
		"another machine": {strings.Replace(own, `"host":"`+host, `"host":"not-`+host, 1), false},
		"another boot":    {strings.Replace(own, `"place":"`, `"place":"x`, 1), false},
		"number reused":   {strings.Replace(own, `"start":"`, `"start":"1`, 1), true},
		"not readable":    {"{", false},
		"empty":           {"", false},
	} {
		if err := os.WriteFile(path, []byte(c.lease), 0o644); err != nil {
			t.Fatal(err)
		}
		long := time.Now().Add(-100 * time.Hour)
		if err := os.Chtimes(path, long, long); err != nil {
			t.Fatal(err)
		}
		release, err := s.Hold(ctx, key("k"), "test")
		if (err == nil) != c.taken {
			t.Errorf("%s: taken %v, %v", name, err == nil, err)
		}
		if err == nil {
			release()
		}
		os.Remove(path)
	}
}

// The process is killed at each operation that it makes: what is left is whole, and the next build goes on from it.
func TestKilled(t *testing.T) {
	sums := results(t, "first", "second")
	for _, kind := range []string{"exchange", "renames"} {
		for _, part := range []string{"before", "half"} {
			t.Run(kind+" "+part, func(t *testing.T) {
				t.Parallel()
				step := 1
				if testing.Short() || part == "half" || kind == "renames" {
					step = 4 // processes take their time; TestFaults cuts at the same places within one
				}
				for n := 1; ; n += step {
					root := tempDir(t)
					if err := scenario(storetest.Unsynced{}, root, "first"); err != nil {
						t.Fatal(err)
					}
					cmd, _ := start(t, "kill", root, strconv.Itoa(n), part, kind)
					err := cmd.Wait()
					var exit *exec.ExitError
					if err == nil {
						if n < 30 {
							t.Errorf("%d operations", n)
						}
						return
					}
					if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
						t.Fatalf("operation %d: %v", n, err)
					}
					got := invariants(t, root)
					old, _ := filepath.Glob(filepath.Join(root, ".out.tmp-*.old"))
					if got != sums[0] && got != sums[1] && (got != "" || len(old) != 1) {
						t.Errorf("operation %d: %q stands", n, got)
					}
					recovers(t, system(kind), root, "second", sums[1])
					if t.Failed() {
						t.Fatalf("operation %d", n)
					}
				}
			})
		}
	}
}
