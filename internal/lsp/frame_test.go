package lsp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestFrames(t *testing.T) {
	const good = "Content-Length: 2\r\n\r\n{}"
	large := fmt.Sprintf("Content-Length: %d\r\n\r\n%s", maxBody+1, strings.Repeat(" ", maxBody+1))
	for _, c := range []struct{ in, want string }{
		{"", "EOF"},
		{good, "{} EOF"},
		{good + good, "{} {} EOF"},
		{"content-length:2\nContent-Type: application/vscode-jsonrpc; charset=utf-8\n\n{}", "{} EOF"},
		{"Content-Length: 0\r\n\r\n" + good, " {} EOF"},
		{large + good, "large {} EOF"},
		{"Content-Length: 3\r\n\r\n{}", "unexpected EOF"},
		{"Content-Length: 2", "unexpected EOF"},
		{"\r\n{}", "the header lacks Content-Length"},
		{"{}\r\n\r\n", `"{}" is no line of a header`},
		{"Content-Length: -1\r\n\r\n", `" -1" is no length`},
		{"Content-Length: 2x\r\n\r\n", `" 2x" is no length`},
		{"Content-Length: 99999999999999999999\r\n\r\n", `" 99999999999999999999" is no length`},
		{"Content-Length: 4000000000\r\n\r\n", "the header announces 4000000000 bytes"},
		{"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", `" 3" is no length`},
		{"X: " + strings.Repeat("y", maxHeaderLine), "the header is too long"},
		{strings.Repeat("X: y\r\n", maxHeaderLines+1), "the header is too long"},
	} {
		f := newFrames(strings.NewReader(c.in))
		var got []string
		for {
			body, err := f.next()
			var large *tooLarge
			if errors.As(err, &large) {
				got = append(got, "large")
				continue
			}
			if err != nil {
				got = append(got, err.Error())
				break
			}
			got = append(got, string(body))
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%.60q gives %s, want %s", c.in, s, c.want)
		}
	}
}

// What is announced and does not come takes no memory.
func TestAnnouncedBytes(t *testing.T) {
	in := fmt.Sprintf("Content-Length: %d\r\n\r\n{}", maxBody)
	got := testing.AllocsPerRun(1, func() {
		if _, err := newFrames(strings.NewReader(in)).next(); err != io.ErrUnexpectedEOF {
			t.Fatal(err)
		}
	})
	if got > 20 {
		t.Errorf("%v allocations", got)
	}
}

// FuzzFrames: whatever arrives, reading ends, and what was written is read again.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("Content-Length: 2\r\n\r\n{}"))
	f.Add([]byte("content-length: 17\nX: y\n\n{}"))
	f.Add([]byte("\r\n\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := newFrames(bytes.NewReader(in))
		for n := 0; ; n++ {
			body, err := r.next()
			var large *tooLarge
			if errors.As(err, &large) {
				continue
			}
			if err != nil {
				break
			}
			if n > len(in) {
				t.Fatal("more messages than bytes")
			}
			parseRequest(body)
		}
		var out bytes.Buffer
		if err := writeFrame(&out, in); err != nil {
			t.Fatal(err)
		}
		if body, err := newFrames(&out).next(); err != nil || !bytes.Equal(body, in) {
			t.Fatalf("%q comes back as %q, %v", in, body, err)
		}
	})
}
