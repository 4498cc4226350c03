package inputs

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func opened(t *testing.T, old bool) (dir string, s *Set, f *File) {
	t.Helper()
	dir = t.TempDir()
	path := filepath.Join(dir, "model.onnx")
	write(t, path, "weights")
	if old {
		past := time.Now().Add(-time.Hour)
		if err := os.Chtimes(path, past, past); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	s = &Set{}
	t.Cleanup(func() { s.Close(); root.Close() })
	if f, err = s.Open(root, "model.onnx", "models/model.onnx", "model"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.SHA256(context.Background()); err != nil {
		t.Fatal(err)
	}
	return dir, s, f
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name    string
		do      func(path string) error
		changed bool
	}{
		{"nothing", func(string) error { return nil }, false},
		{"removed", os.Remove, false},
		{"renamed", func(p string) error { return os.Rename(p, p+".old") }, false},
		{"permissions", func(p string) error { return os.Chmod(p, 0o600) }, false},
		{"overwritten", func(p string) error { return os.WriteFile(p, []byte("WEIGHTS"), 0o666) }, true},
		{"cut", func(p string) error { return os.Truncate(p, 3) }, true},
		{"longer", func(p string) error {
			f, err := os.OpenFile(p, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteString("!")
			return err
		}, true},
		{"replaced", func(p string) error {
			if err := os.WriteFile(p+".new", []byte("weights"), 0o666); err != nil {
				return err
			}
			return os.Rename(p+".new", p)
		}, true},
		{"removed and written again", func(p string) error {
			if err := os.Remove(p); err != nil {
				return err
			}
			return os.WriteFile(p, []byte("another"), 0o666)
		}, true},
		{"overwritten, with the old times", func(p string) error {
			info, err := os.Stat(p)
			if err != nil {
				return err
			}
			if err := os.WriteFile(p, []byte("WEIGHTS"), 0o666); err != nil {
				return err
			}
			return os.Chtimes(p, info.ModTime(), info.ModTime())
		}, true},
	} {
		for _, old := range []bool{true, false} {
			t.Run(c.name, func(t *testing.T) {
				dir, s, f := opened(t, old)
				if err := c.do(filepath.Join(dir, "model.onnx")); err != nil {
					t.Fatal(err)
				}
				err := s.Check(context.Background())
				var changed *Changed
				if errors.As(err, &changed) != c.changed || !c.changed && err != nil {
					t.Errorf("old %v: Check: %v; want changed %v", old, err, c.changed)
				}
				if c.changed && !strings.Contains(err.Error(), "input changed during the build: models/model.onnx") {
					t.Errorf("the message is %q", err)
				}
				if !c.changed {
					text, err := io.ReadAll(f.Reader())
					if string(text) != "weights" || err != nil {
						t.Errorf("the file reads %q, %v", text, err)
					}
				}
			})
		}
	}
}

func TestOpen(t *testing.T) {
	dir, s, f := opened(t, false)
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(root, "folder", "folder", "data"); err == nil || !strings.Contains(err.Error(), "folder is not a regular file") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := s.Open(root, "gone", "gone", "data"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if runtime.GOOS != "windows" {
		outside := filepath.Join(t.TempDir(), "secret")
		write(t, outside, "secret")
		if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Open(root, "link", "link", "data"); err == nil {
			t.Error("a link leads out of the root")
		}
		if err := os.Symlink("/dev/zero", filepath.Join(dir, "zero")); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Open(root, "zero", "zero", "data"); err == nil {
			t.Error("a device is opened")
		}
	}
	again, err := s.Open(f.root, "model.onnx", "model.onnx", "data")
	if err != nil || again != f || len(s.Files()) != 1 {
		t.Errorf("the second opening gives %v, %v", again, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := f.hash(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("hash under an ended context: %v", err)
	}
}

// A digest that was taken before serves for a file that nobody touched since; any write makes another stamp, even if the
// time of writing is set back and the size stays.
func TestRecall(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "model.onnx")
	write(t, path, "weights")
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	open := func() *File {
		s := &Set{Recall: func(f *File) string { return "recalled" }}
		t.Cleanup(func() { s.Close() })
		f, err := s.Open(root, "model.onnx", "model.onnx", "model")
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	young := open()
	if sum, err := young.SHA256(context.Background()); err != nil || sum == "recalled" {
		t.Errorf("a file just written: %s, %v", sum, err)
	}
	if runtime.GOOS != "linux" {
		return // there is no time of change
	}
	old := open()
	old.young = false
	if sum, err := old.SHA256(context.Background()); err != nil || sum != "recalled" {
		t.Errorf("a file that stayed as it was: %s, %v", sum, err)
	}
	before, _ := old.Stamp()
	written := old.Info().ModTime()
	time.Sleep(20 * time.Millisecond) // more than the clock of the file system
	write(t, path, "WEIGHTS")
	if err := os.Chtimes(path, written, written); err != nil {
		t.Fatal(err)
	}
	if after, _ := open().Stamp(); after == before {
		t.Errorf("stamp %s before and after a write", after)
	}
}
