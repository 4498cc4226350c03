//go:build unix

package onnx

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pare-ml/pare/graph/format"
)

// external is an initializer of 4 float32 that lie in another file.
func external(name string, keys ...string) enc {
	fields := []enc{vint(1, 4), vint(2, 1), str(8, name), vint(14, 1)}
	for i := 0; i < len(keys); i += 2 {
		fields = append(fields, sub(13, str(1, keys[i]), str(2, keys[i+1])))
	}
	return sub(5, fields...)
}

// folder holds weights of 64 bytes, 0 to 63, under good and bad names, and a file outside that the model must not reach.
func folder(t *testing.T) string {
	t.Helper()
	top := t.TempDir()
	dir := filepath.Join(top, "model")
	data := make([]byte, 64)
	for i := range data {
		data[i] = byte(i)
	}
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	check(os.MkdirAll(filepath.Join(dir, "sub"), 0o777))
	check(os.WriteFile(filepath.Join(top, "outside.bin"), data, 0o666))
	check(os.WriteFile(filepath.Join(top, "linked.bin"), data, 0o666))
	check(os.WriteFile(filepath.Join(dir, "w.bin"), data, 0o666))
	check(os.WriteFile(filepath.Join(dir, "sub", "w.bin"), data, 0o666))
	check(os.Symlink("w.bin", filepath.Join(dir, "inside-link.bin")))
	check(os.Symlink("../outside.bin", filepath.Join(dir, "outside-link.bin")))
	check(os.Symlink("..", filepath.Join(dir, "up")))
	check(os.Symlink("sub", filepath.Join(dir, "sub-link")))
	check(os.Link(filepath.Join(top, "linked.bin"), filepath.Join(dir, "hard.bin")))
	check(syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o666))
	return dir
}

func openIn(t *testing.T, dir string, graph ...enc) (*bytes.Buffer, error) {
	t.Helper()
	path := writeFile(t, filepath.Join(dir, "m.onnx"), model(graph...))
	m, closeFiles, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer closeFiles()
	var all bytes.Buffer
	for _, w := range m.Graph.Tensors() {
		b, err := w.Bytes()
		if err != nil {
			return nil, err
		}
		all.Write(b)
	}
	// written, the weights stand in the model itself
	data, err := Encode(m)
	if err != nil {
		return nil, err
	}
	n, err := Decode(data)
	if err != nil {
		return nil, err
	}
	for _, w := range n.Graph.Tensors() {
		b, _ := w.Bytes()
		if !bytes.Contains(all.Bytes(), b) {
			return nil, fmt.Errorf("tensor %q changed when written", w.Name)
		}
	}
	return &all, nil
}

func TestExternalData(t *testing.T) {
	dir := folder(t)
	for _, c := range []struct {
		name  string
		keys  []string
		first byte
	}{
		{"whole keys", []string{"location", "w.bin", "offset", "8", "length", "16"}, 8},
		{"no length", []string{"location", "w.bin", "offset", "48"}, 48},
		{"no offset", []string{"location", "w.bin", "length", "16"}, 0},
		{"odd offset", []string{"location", "w.bin", "offset", "3"}, 3},
		{"folder", []string{"location", "sub/w.bin", "offset", "16"}, 16},
		{"checksum", []string{"location", "w.bin", "checksum", "0000"}, 0},
	} {
		got, err := openIn(t, dir, external("w", c.keys...))
		if err != nil || got.Len() != 16 || got.Bytes()[0] != c.first {
			t.Errorf("%s: got %v, %v", c.name, got, err)
		}
	}
	// the very same range under two names is legal
	if _, err := openIn(t, dir, external("a", "location", "w.bin", "offset", "4"), external("b", "location", "w.bin", "offset", "4")); err != nil {
		t.Errorf("shared range: %v", err)
	}
}

func TestExternalDataRefused(t *testing.T) {
	dir := folder(t)
	for _, c := range []struct {
		want string
		keys []string
	}{
		{"no location", []string{"offset", "0"}},
		{"a plain path inside", []string{"location", ""}},
		{"a plain path inside", []string{"location", "../outside.bin"}},
		{"a plain path inside", []string{"location", "sub/../../outside.bin"}},
		{"a plain path inside", []string{"location", "sub/../w.bin"}},
		{"a plain path inside", []string{"location", "./w.bin"}},
		{"a plain path inside", []string{"location", "/etc/passwd"}},
		{"a plain path inside", []string{"location", `C:\w.bin`}},
		{"a plain path inside", []string{"location", `..\outside.bin`}},
		{"a plain path inside", []string{"location", "w.bin\x00.txt"}},
		{"symbolic link", []string{"location", "inside-link.bin"}},
		{"symbolic link", []string{"location", "outside-link.bin"}},
		{"symbolic link", []string{"location", "up/outside.bin"}},
		{"symbolic link", []string{"location", "sub-link/w.bin"}},
		{"2 names", []string{"location", "hard.bin"}},
		{"no regular file", []string{"location", "fifo"}},
		{"no regular file", []string{"location", "sub"}},
		{"no such file", []string{"location", "none.bin"}},
		{"no folder", []string{"location", "w.bin/w.bin"}},
		{"are wanted of a file of 64", []string{"location", "w.bin", "offset", "49"}},
		{"are wanted of a file of 64", []string{"location", "w.bin", "offset", "1000000000000"}},
		{"ends beyond any file", []string{"location", "w.bin", "offset", "9223372036854775807"}},
		{"must be a number", []string{"location", "w.bin", "offset", "9223372036854775808"}},
		{"must be a number", []string{"location", "w.bin", "offset", "-1"}},
		{"must be a number", []string{"location", "w.bin", "offset", "0x10"}},
		{"must be a number", []string{"location", "w.bin", "offset", "+1"}},
		{"must be a number", []string{"location", "w.bin", "offset", ""}},
		{"length 1125899906842624", []string{"location", "w.bin", "length", "1125899906842624"}},
		{"length 15", []string{"location", "w.bin", "length", "15"}},
		{`the key "basepath"`, []string{"location", "w.bin", "basepath", "/etc"}},
		{`the key "Location"`, []string{"Location", "w.bin"}},
		{`"location" of external_data stands twice`, []string{"location", "w.bin", "location", "w.bin"}},
	} {
		_, err := openIn(t, dir, external("w", c.keys...))
		var damage *format.Damaged
		if !errors.As(err, &damage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %q", c.keys, err, c.want)
		}
	}
	_, err := openIn(t, dir, external("a", "location", "w.bin", "offset", "0"), external("b", "location", "w.bin", "offset", "8"))
	if err == nil || !strings.Contains(err.Error(), `"a" and "b" overlap`) {
		t.Errorf("overlap: %v", err)
	}
}

func TestExternalFileChanges(t *testing.T) {
	dir := folder(t)
	path := writeFile(t, filepath.Join(dir, "m.onnx"), model(external("w", "location", "w.bin")))
	m, closeFiles, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer closeFiles()
	if err := os.Truncate(filepath.Join(dir, "w.bin"), 8); err != nil {
		t.Fatal(err)
	}
	var changed *format.Changed
	if _, err := m.Graph.Tensor("w").Bytes(); !errors.As(err, &changed) {
		t.Errorf("got %v", err)
	}
}
