package lsp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
)

// peer is a client in the same process.
type peer struct {
	t   *testing.T
	in  *io.PipeWriter
	out *frames
	end chan error
}

func newPeer(t *testing.T, o Options) *peer {
	in, toServer := io.Pipe()
	fromServer, out := io.Pipe()
	p := &peer{t, toServer, newFrames(fromServer), make(chan error, 1)}
	if o.Language == nil {
		o.Language = &recipe.Language{}
	}
	go func() {
		err := Serve(context.Background(), in, out, o)
		out.Close()
		p.end <- err
	}()
	t.Cleanup(func() { toServer.Close(); fromServer.Close() })
	return p
}

func (p *peer) send(body string) {
	if err := writeFrame(p.in, []byte(body)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) next() string {
	body, err := p.out.next()
	if err != nil {
		p.t.Fatal(err)
	}
	return string(body)
}

func (p *peer) begin() {
	p.send(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}`)
	p.next()
	p.send(`{"jsonrpc":"2.0","method":"initialized","params":{}}`)
}

func open(uri, text string) string {
	body, _ := json.Marshal(map[string]any{"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": map[string]any{
		"textDocument": map[string]any{"uri": uri, "languageId": "pare", "version": 1, "text": text}}})
	return string(body)
}

func changed(uri string, version int, text string) string {
	body, _ := json.Marshal(map[string]any{"jsonrpc": "2.0", "method": "textDocument/didChange", "params": map[string]any{
		"textDocument": map[string]any{"uri": uri, "version": version}, "contentChanges": []any{map[string]any{"text": text}}}})
	return string(body)
}

// echo is a check that finds the text itself.
func echo(_ string, text []byte, _ func(string) []byte) *Result {
	r := &Result{Source: &diag.Source{Name: "r.yaml", Text: text}}
	r.Findings.Notef(diag.Span{Source: r.Source, End: len(text)}, "echo", "%s", text)
	return r
}

// A check of a text that has changed in the meantime says nothing.
func TestStaleChecksAreDropped(t *testing.T) {
	started, release := make(chan string, 10), make(chan bool)
	p := newPeer(t, Options{Delay: time.Millisecond, Check: func(path string, text []byte, buffer func(string) []byte) *Result {
		started <- string(text)
		<-release
		return echo(path, text, buffer)
	}})
	p.begin()
	p.send(open("file:///r.yaml", "one"))
	if got := <-started; got != "one" {
		t.Fatal(got)
	}
	p.send(changed("file:///r.yaml", 2, "two"))
	p.send(changed("file:///r.yaml", 3, "three"))
	p.send(`{"jsonrpc":"2.0","id":2,"method":"nothing","params":{}}`) // answered when the changes are in
	if got := p.next(); !strings.Contains(got, `"id":2`) {
		t.Fatal(got)
	}
	release <- true
	if got := <-started; got != "three" {
		t.Fatal(got)
	}
	release <- true
	if got := p.next(); !strings.Contains(got, `"version":3`) || !strings.Contains(got, `"message":"three"`) {
		t.Errorf("published %s", got)
	}
}

// A request that needs findings gets those of the text as it is.
func TestRequestsSeeTheLatestText(t *testing.T) {
	p := newPeer(t, Options{Delay: time.Hour, Check: echo})
	p.begin()
	p.send(open("untitled:r", "one"))
	if got := p.next(); !strings.Contains(got, `"message":"one"`) {
		t.Error(got)
	}
	p.send(changed("untitled:r", 2, "two"))
	p.send(`{"jsonrpc":"2.0","id":2,"method":"textDocument/codeAction","params":{"textDocument":{"uri":"untitled:r"},"range":{"start":{"line":0,"character":0},"end":{"line":0,"character":0}},"context":{}}}`)
	if got := p.next(); !strings.Contains(got, `"message":"two"`) {
		t.Error(got)
	}
	if got := p.next(); !strings.Contains(got, `"id":2`) {
		t.Error(got)
	}
}

// A failure of pare becomes a finding, and the conversation goes on.
func TestCheckFails(t *testing.T) {
	p := newPeer(t, Options{Check: func(string, []byte, func(string) []byte) *Result { panic("a bug\nwith a stack") }})
	p.begin()
	p.send(open("file:///r.yaml", "one"))
	if got := p.next(); !strings.Contains(got, "pare failed on this text: a bug") || strings.Contains(got, "stack") {
		t.Error(got)
	}
	p.send(`{"jsonrpc":"2.0","id":3,"method":"shutdown"}`)
	p.next()
	p.send(`{"jsonrpc":"2.0","method":"exit"}`)
	if err := <-p.end; err != nil {
		t.Error(err)
	}
}

func TestEnds(t *testing.T) {
	for _, c := range []struct {
		name, send string
		want       string
	}{
		{"stream ends", "", errEnded.Error()},
		{"exit without shutdown", "Content-Length: 33\r\n\r\n" + `{"jsonrpc":"2.0","method":"exit"}`, errEnded.Error()},
		{"no header", "{}\r\n\r\n", `the stream of messages cannot be read: "{}" is no line of a header`},
		{"stream ends in a message", "Content-Length: 33\r\n\r\n{", "the stream of messages cannot be read: unexpected EOF"},
	} {
		var out bytes.Buffer
		err := Serve(context.Background(), strings.NewReader(c.send), &out, Options{Language: &recipe.Language{}, Check: echo})
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	in, _ := io.Pipe()
	if err := Serve(ctx, in, io.Discard, Options{Language: &recipe.Language{}, Check: echo}); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}

func newServer(enc encoding) *server {
	return &server{Options: Options{Language: &recipe.Language{}, Check: echo}, ctx: context.Background(), out: io.Discard,
		log: log.New(io.Discard, "", 0), enc: enc, docs: map[string]*document{}, due: make(chan check), done: make(chan checked)}
}

func TestBounds(t *testing.T) {
	s := newServer(utf16Units)
	d := &document{uri: "a"}
	s.docs["a"] = d
	s.set(d, make([]byte, maxText+1))
	if !d.refused || len(d.text) != 0 || d.isRecipe() {
		t.Error("a text that is too large was kept")
	}
	s.edit(d, change{Range: &textRange{}, Text: "part"})
	if !d.refused || len(d.text) != 0 {
		t.Error("a part of a text that is not there was kept")
	}
	s.edit(d, change{Text: "whole"})
	if d.refused || string(d.text) != "whole" {
		t.Error("the whole text was not taken")
	}
	for i := len(s.docs); i <= maxDocuments; i++ {
		raw := fmt.Sprintf(`{"textDocument":{"uri":"file:///%d.txt","languageId":"yaml","version":1,"text":""}}`, i)
		if failed := s.didOpen(json.RawMessage(raw)); (failed != nil) != (i == maxDocuments) {
			t.Fatalf("text %d: %v", i, failed)
		}
	}
	s.set(d, make([]byte, maxText))
	many := strings.Repeat(`{"range":{"start":{"line":0,"character":0},"end":{"line":0,"character":0}},"text":""},`, 40)
	failed := s.didChange(json.RawMessage(`{"textDocument":{"uri":"a","version":2},"contentChanges":[` + strings.TrimSuffix(many, ",") + `]}`))
	if failed == nil || !d.refused {
		t.Errorf("too many edits of a large text: %v", failed)
	}
}

// reference applies an edit as the protocol's text says, slowly.
func reference(text string, r textRange, with string, enc encoding) string {
	offset := func(p position) int {
		line, i := uint32(0), 0
		for i < len(text) && line < p.Line {
			if strings.HasPrefix(text[i:], "\r\n") {
				i++
			}
			if text[i] == '\r' || text[i] == '\n' {
				line++
			}
			i++
		}
		if line < p.Line {
			return len(text)
		}
		for units := uint32(0); i < len(text) && text[i] != '\r' && text[i] != '\n'; {
			c := []rune(text[i:])[0]
			n, size := uint32(len(utf16.Encode([]rune{c}))), len(string(c))
			if enc == utf8Units {
				n = uint32(size)
			}
			if units += n; units > p.Character {
				break
			}
			i += size
		}
		return i
	}
	start, end := offset(r.Start), offset(r.End)
	return text[:start] + with + text[max(start, end):]
}

// FuzzChanges: any sequence of edits gives the text that the protocol says, and nothing that is asked about it fails.
func FuzzChanges(f *testing.F) {
	f.Add("a🙂é\r\nb\nc: {d: e\n", []byte("\x00\x01\x00\x03x🙂\x00\x02\x00\x01\x00\xff\n\r"), true)
	f.Add("passes:\n  - prune: {}\n", []byte{1, 4, 1, 9, 'q', 0, 0, 0, 0, 0, 9, 9, 9, 9, '{', '$', '{', '{'}, false)
	f.Fuzz(func(t *testing.T, text string, script []byte, bytesCount bool) {
		text = strings.ToValidUTF8(text, "?")
		enc := utf16Units
		if bytesCount {
			enc = utf8Units
		}
		s := newServer(enc)
		d := &document{uri: "file:///r.yaml", path: "/r.yaml"}
		s.docs[d.uri] = d
		s.set(d, []byte(text))
		for n := 0; len(script) >= 5 && n < 50; n++ {
			r := textRange{position{uint32(script[0]), uint32(script[1])}, position{uint32(script[2]), uint32(script[3])}}
			size := min(int(script[4]%16), len(script)-5)
			with := strings.ToValidUTF8(string(script[5:5+size]), "?")
			script = script[5+size:]
			want := reference(string(d.text), r, with, enc)
			s.edit(d, change{&r, with})
			if string(d.text) != want {
				t.Fatalf("%q, want %q", d.text, want)
			}
			at := d.lines.offset(r.End)
			s.hover(d, at)
			s.completion(d, at)
			s.definition(d, at)
			p, _ := json.Marshal(documentParams{textDocumentIdentifier{d.uri}})
			s.symbols(p)
		}
	})
}

func TestDifference(t *testing.T) {
	for _, c := range []struct{ old, text string }{
		{"", "a\n"}, {"a\n", ""}, {"a\nb\nc\n", "a\nx\nc\n"}, {"a\nb", "a\nb\n"}, {"a\na\na\n", "a\na\n"}, {"b\na\n", "a\n"}, {"a\n", "b\na\n"}, {"x\na\n", "y\na"},
	} {
		start, end, with := difference([]byte(c.old), []byte(c.text))
		if got := c.old[:start] + string(with) + c.old[end:]; got != c.text {
			t.Errorf("%q to %q: [%d:%d] %q gives %q", c.old, c.text, start, end, with, got)
		}
	}
	if start, end, with := difference([]byte("a\nb\nc\nd\n"), []byte("a\nx\nc\nd\n")); start != 2 || end != 4 || string(with) != "x\n" {
		t.Errorf("[%d:%d] %q", start, end, with)
	}
}
