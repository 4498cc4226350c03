package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func publish(t *testing.T, target, content string) {
	t.Helper()
	s, err := NewStage(target)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Discard()
	if _, err := s.Write("model.onnx", []byte(content)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write("sub/report.json", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if err := s.Publish(target); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPublish(t *testing.T) {
	parent := t.TempDir()
	target := filepath.Join(parent, "deep", "out")
	publish(t, target, "one")
	publish(t, target, "two") // in the place of the first
	if got := read(t, filepath.Join(target, "model.onnx")); got != "two" {
		t.Errorf("model.onnx holds %q", got)
	}
	want := "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3  model.onnx\n" +
		"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a  sub/report.json\n"
	if got := read(t, filepath.Join(target, Sums)); got != want {
		t.Errorf("digests:\n%s", got)
	}
	entries, err := os.ReadDir(filepath.Dir(target))
	if err != nil || len(entries) != 1 {
		t.Errorf("litter beside the target: %v, %v", entries, err)
	}
}

// A folder with something in it that pare did not write must survive: it is refused before anything is moved.
func TestPublishSparesForeignFiles(t *testing.T) {
	target := filepath.Join(t.TempDir(), "out")
	publish(t, target, "one")
	notes := filepath.Join(target, "notes.txt")
	if err := os.WriteFile(notes, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := NewStage(target)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Discard()
	var occupied *Occupied
	if err := s.Publish(target); !errors.As(err, &occupied) {
		t.Fatalf("publishing over a foreign file: %v", err)
	}
	if got := read(t, notes); got != "mine" {
		t.Errorf("notes.txt holds %q", got)
	}
}

func TestCheckRefusesFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	var occupied *Occupied
	if err := Check(file); !errors.As(err, &occupied) {
		t.Errorf("a file as target: %v", err)
	}
}

func TestStageRefusesNames(t *testing.T) {
	s, err := NewStage(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Discard()
	for _, name := range []string{"../x", "/etc/passwd", "", Sums} {
		if _, err := s.Write(name, nil); err == nil {
			t.Errorf("the name %q was taken", name)
		}
	}
}

func TestSwap(t *testing.T) {
	root := t.TempDir()
	a, b := filepath.Join(root, "a"), filepath.Join(root, "b")
	for _, d := range []string{a, b} {
		if err := os.MkdirAll(filepath.Join(d, "was-"+filepath.Base(d)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := swap(OS{}, a, b); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"a/was-b", "b/was-a"} {
		if _, err := os.Stat(filepath.Join(root, p)); err != nil {
			t.Error(err)
		}
	}
}

// A file that could not be written keeps a stage from being published, even by who looks at no error.
func TestPublishIncomplete(t *testing.T) {
	parent := t.TempDir()
	for name, spoil := range map[string]func(*Stage){
		"not closed": func(s *Stage) { s.Create("open") },
		"failed": func(s *Stage) {
			w, err := s.Create("file")
			if err != nil {
				t.Fatal(err)
			}
			w.f.Close()
			w.Write([]byte("lost"))
			w.Close()
		},
	} {
		target := filepath.Join(parent, "out")
		s, err := NewStage(target)
		if err != nil {
			t.Fatal(err)
		}
		spoil(s)
		if err := s.Publish(target); err == nil {
			t.Errorf("%s: published", name)
		}
		if err := s.Discard(); err != nil {
			t.Error(err)
		}
	}
	if entries, err := os.ReadDir(parent); err != nil || len(entries) > 0 {
		t.Errorf("left: %v, %v", entries, err)
	}
}

// A streamed file is hashed on the way, and the list has the order in which files were begun.
func TestStream(t *testing.T) {
	target := filepath.Join(t.TempDir(), "out")
	s, err := NewStage(target)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Discard()
	b, err := s.Create("b")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write("a", []byte("x")); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := b.Write([]byte("yz")); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(b.Close(), b.Close()); err != nil {
		t.Fatal(err)
	}
	if d := b.Digest(); d != Sum([]byte("yzyzyz")) {
		t.Errorf("%v", d)
	}
	if _, err := b.Write([]byte("late")); err == nil {
		t.Error("wrote to a closed file")
	}
	if err := s.Publish(target); err != nil {
		t.Fatal(err)
	}
	want := Sum([]byte("yzyzyz")).Hex() + "  b\n" + Sum([]byte("x")).Hex() + "  a\n"
	if got := read(t, filepath.Join(target, Sums)); got != want {
		t.Errorf("digests:\n%s", got)
	}
}
