package lsp

import (
	"path/filepath"
	"runtime"
	"testing"
)

func TestPositions(t *testing.T) {
	text := "a🙂é\r\nb\rc\n\nend"
	for _, c := range []struct {
		offset      int
		utf16, utf8 position
	}{
		{0, position{0, 0}, position{0, 0}},
		{1, position{0, 1}, position{0, 1}},
		{5, position{0, 3}, position{0, 5}},
		{7, position{0, 4}, position{0, 7}},
		{9, position{1, 0}, position{1, 0}},
		{11, position{2, 0}, position{2, 0}},
		{12, position{2, 1}, position{2, 1}},
		{13, position{3, 0}, position{3, 0}},
		{14, position{4, 0}, position{4, 0}},
		{17, position{4, 3}, position{4, 3}},
	} {
		for _, side := range []struct {
			enc  encoding
			want position
		}{{utf16Units, c.utf16}, {utf8Units, c.utf8}} {
			l := newLines([]byte(text), side.enc)
			if got := l.position(c.offset); got != side.want {
				t.Errorf("%s: offset %d is at %v, want %v", side.enc, c.offset, got, side.want)
			}
			if got := l.offset(side.want); got != c.offset {
				t.Errorf("%s: %v is offset %d, want %d", side.enc, side.want, got, c.offset)
			}
		}
	}
}

// Positions that a text does not have mean the nearest that it has.
func TestOddPositions(t *testing.T) {
	text := "a🙂\r\nbc"
	l16, l8 := newLines([]byte(text), utf16Units), newLines([]byte(text), utf8Units)
	for _, c := range []struct {
		l    *lines
		at   position
		want int
	}{
		{l16, position{0, 2}, 1}, // inside the surrogate pair
		{l8, position{0, 3}, 1},  // inside the rune
		{l16, position{0, 99}, 5},
		{l16, position{1, 99}, 9},
		{l16, position{2, 0}, 9},
		{l16, position{1<<32 - 1, 1<<32 - 1}, 9},
	} {
		if got := c.l.offset(c.at); got != c.want {
			t.Errorf("%s %v is offset %d, want %d", c.l.enc, c.at, got, c.want)
		}
	}
	if got := l16.position(-3); got != (position{0, 0}) {
		t.Errorf("before the text: %v", got)
	}
	if got := l16.position(99); got != (position{1, 2}) {
		t.Errorf("behind the text: %v", got)
	}
}

func TestURIs(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("paths of other systems")
	}
	for uri, want := range map[string]string{
		"file:///home/a%20b/r%C3%A9.yaml": "/home/a b/ré.yaml",
		"file:///a/../b.yaml":             "/b.yaml",
		"untitled:Untitled-1":             "",
		"file:":                           "",
		"http://x/a.yaml":                 "",
		"file:///a%00b":                   "",
		"%zz":                             "",
	} {
		if got := pathOf(uri); got != want {
			t.Errorf("%s is %q, want %q", uri, got, want)
		}
	}
	for _, path := range []string{"/home/a b/ré#?.yaml", "/x"} {
		if got := pathOf(uriOf(path)); got != filepath.Clean(path) {
			t.Errorf("%s comes back as %q", path, got)
		}
	}
}
