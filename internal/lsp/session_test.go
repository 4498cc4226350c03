package lsp_test

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pare-ml/pare/graph/format/onnx"
	"github.com/pare-ml/pare/graph/ir/build"
	"github.com/pare-ml/pare/internal/cli"
)

var update = flag.Bool("update", false, "write the answers of sessions anew")

// TestMain makes the test binary the server when a session starts it.
func TestMain(m *testing.M) {
	if os.Getenv("PARE_LSP_SERVER") != "" {
		os.Exit(cli.Main([]string{"lsp"}, os.Stdout, os.Stderr))
	}
	flag.Parse()
	os.Exit(m.Run())
}

// TestSessions plays the sessions of testdata/sessions: each is an archive whose head is what a client does, line by
// line, and what the server says to it, on lines that begin with <. The files of the archive are on the disk, and
// model.onnx with them. go test ./internal/lsp -update writes the server's lines anew.
//
//	start [WORD…]       initialize; utf-8, plaintext, flat, nosnippets say what the client can do. Left out: a usual client
//	open FILE [as LANG] the file's text; it is the text that the following lines are about
//	in FILE             another open text
//	edit "OLD" "NEW"    replace the one place where OLD stands
//	text "TEXT"         replace the whole text
//	hover A|B           the same, for the place between A and B: completes, define, actions
//	format, symbols, fixall, save, close, shutdown, exit
//	write FILE "TEXT"   change a file on the disk
//	raw JSON            send this and show the answer as it is
func TestSessions(t *testing.T) {
	paths, err := filepath.Glob("testdata/sessions/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no sessions: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want := string(archive.Comment)
			c := newClient(t, archive.Files)
			got := c.play(want)
			if got == want {
				return
			}
			if *update {
				archive.Comment = []byte(got)
				if err := os.WriteFile(path, txtar.Format(archive), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Errorf("%s", firstDifference(got, want))
		})
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	i := 0
	for i < len(g) && i < len(w) && g[i] == w[i] {
		i++
	}
	return fmt.Sprintf("from line %d on:\ngot\n%s\nwant\n%s", i+1, strings.Join(g[i:min(i+12, len(g))], "\n"), strings.Join(w[i:min(i+12, len(w))], "\n"))
}

// client is one conversation with a server process.
type client struct {
	t      *testing.T
	dir    string
	server *exec.Cmd
	in     io.WriteCloser
	out    chan message
	id     int
	utf8   bool

	texts    map[string]string
	versions map[string]int
	file     string
	log      strings.Builder
}

type message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    int
		Message string
	} `json:"error"`
	raw string
}

func newClient(t *testing.T, files []txtar.File) *client {
	c := &client{t: t, dir: t.TempDir(), texts: map[string]string{}, versions: map[string]int{}, out: make(chan message, 100)}
	b := build.New("tiny", 17)
	b.ResNet(build.ResNet{Channels: 1, Size: 4, Widths: []int{4}, Blocks: 1, Classes: 2})
	model, err := onnx.Encode(b.Model())
	if err != nil {
		t.Fatal(err)
	}
	c.write("model.onnx", model)
	for _, f := range files {
		c.write(f.Name, f.Data)
	}
	c.server = exec.Command(os.Args[0])
	c.server.Env = append(os.Environ(), "PARE_LSP_SERVER=1")
	c.server.Stderr = os.Stderr
	if c.in, err = c.server.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.in.Close()
		c.server.Process.Kill()
		c.server.Wait()
	})
	go c.read(bufio.NewReader(out))
	return c
}

func (c *client) write(name string, data []byte) {
	path := filepath.Join(c.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o666); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) read(r *bufio.Reader) {
	defer close(c.out)
	for {
		size := 0
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			if line = strings.TrimSpace(line); line == "" {
				break
			}
			fmt.Sscanf(line, "Content-Length: %d", &size)
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(r, body); err != nil {
			return
		}
		m := message{raw: string(body)}
		if err := json.Unmarshal(body, &m); err != nil {
			m.Method = "broken: " + err.Error()
		}
		c.out <- m
	}
}

func (c *client) next() message {
	select {
	case m, ok := <-c.out:
		if !ok {
			c.t.Fatalf("the server ended; so far:\n%s", c.log.String())
		}
		return m
	case <-time.After(20 * time.Second):
		c.t.Fatalf("no answer; so far:\n%s", c.log.String())
	}
	panic("unreachable")
}

func (c *client) sendRaw(body string) {
	if _, err := fmt.Fprintf(c.in, "Content-Length: %d\r\n\r\n%s", len(body), body); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) notify(method string, params any) {
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "method": method, "params": params})
	if err != nil {
		c.t.Fatal(err)
	}
	c.sendRaw(string(body))
}

// call sends a request and returns the answer. Notifications that come first are shown.
func (c *client) call(method string, params any) message {
	c.id++
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": c.id, "method": method, "params": params})
	if err != nil {
		c.t.Fatal(err)
	}
	c.sendRaw(string(body))
	return c.await()
}

func (c *client) await() message {
	for {
		m := c.next()
		if m.Method == "" {
			return m
		}
		c.show(m)
	}
}

func (c *client) say(format string, args ...any) {
	for _, line := range strings.Split(strings.TrimRight(fmt.Sprintf(format, args...), "\n"), "\n") {
		c.log.WriteString(strings.TrimRight("< "+line, " ") + "\n")
	}
}

// play does what a script says and returns the script with what the server says to it.
func (c *client) play(script string) string {
	for _, line := range strings.Split(strings.TrimSuffix(script, "\n"), "\n") {
		if strings.HasPrefix(line, "<") {
			continue
		}
		c.log.WriteString(line + "\n")
		if line != "" && line[0] != '#' {
			verb, rest, _ := strings.Cut(line, " ")
			c.do(verb, strings.TrimSpace(rest))
		}
	}
	return c.log.String()
}

func (c *client) do(verb, rest string) {
	switch verb {
	case "start":
		c.start(strings.Fields(rest))
	case "open":
		name, lang, ok := strings.Cut(rest, " as ")
		if !ok {
			lang = "pare"
		}
		text, err := os.ReadFile(filepath.Join(c.dir, name))
		if err != nil {
			c.t.Fatal(err)
		}
		c.file, c.texts[name], c.versions[name] = name, string(text), 1
		c.notify("textDocument/didOpen", map[string]any{"textDocument": map[string]any{
			"uri": c.uri(), "languageId": lang, "version": 1, "text": string(text)}})
		c.settle()
	case "in":
		c.file = rest
	case "edit":
		c.edit(c.strings(rest, 2))
	case "text":
		c.texts[c.file] = c.strings(rest, 1)[0]
		c.change(map[string]any{"text": c.texts[c.file]})
	case "write":
		name, text, _ := strings.Cut(rest, " ")
		c.write(name, []byte(c.strings(text, 1)[0]))
	case "save":
		c.notify("textDocument/didSave", c.document())
		c.settle()
	case "close":
		c.notify("textDocument/didClose", c.document())
		delete(c.texts, c.file)
		c.settle()
	case "hover", "complete", "define", "actions":
		c.at(verb, rest)
	case "format":
		c.format()
	case "symbols":
		c.symbols()
	case "fixall":
		p := c.document()
		p["range"] = c.rangeOf(0, 0)
		p["context"] = map[string]any{"diagnostics": []any{}, "only": []string{"source.fixAll"}}
		c.showActions(c.call("textDocument/codeAction", p))
	case "shutdown":
		m := c.call("shutdown", nil)
		c.say("%s", m.Result)
	case "exit":
		c.notify("exit", nil)
		c.say("exits %s", c.exit())
	case "raw":
		c.sendRaw(rest)
		c.say("%s", c.await().raw)
	default:
		c.t.Fatalf("unknown line %q", verb+" "+rest)
	}
}

func (c *client) exit() string {
	for range c.out { // to the end, before Wait closes the pipe
	}
	if err := c.server.Wait(); err != nil {
		return err.Error()
	}
	return "in peace"
}

func (c *client) strings(rest string, n int) []string {
	var out []string
	for range n {
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			c.t.Fatalf("%q is not %d quoted texts", rest, n)
		}
		s, _ := strconv.Unquote(quoted)
		out = append(out, s)
		rest = strings.TrimSpace(rest[len(quoted):])
	}
	return out
}

func (c *client) start(words []string) {
	can := map[string]bool{}
	for _, w := range words {
		can[w] = true
	}
	c.utf8 = can["utf-8"]
	general := map[string]any{}
	if c.utf8 {
		general["positionEncodings"] = []string{"utf-16", "utf-8"}
	}
	formats := []string{"markdown", "plaintext"}
	if can["plaintext"] {
		formats = formats[1:]
	}
	m := c.call("initialize", map[string]any{"processId": nil, "rootUri": nil, "capabilities": map[string]any{
		"general": general,
		"textDocument": map[string]any{
			"hover":          map[string]any{"contentFormat": formats},
			"completion":     map[string]any{"completionItem": map[string]any{"snippetSupport": !can["nosnippets"]}},
			"documentSymbol": map[string]any{"hierarchicalDocumentSymbolSupport": !can["flat"]},
		}}})
	var r struct {
		Capabilities struct{ PositionEncoding string }
	}
	json.Unmarshal(m.Result, &r)
	c.say("counts in %s", r.Capabilities.PositionEncoding)
	c.notify("initialized", map[string]any{})
}

func (c *client) uri() string {
	return "file:///" + strings.TrimPrefix(filepath.ToSlash(filepath.Join(c.dir, c.file)), "/")
}

func (c *client) document() map[string]any {
	return map[string]any{"textDocument": map[string]any{"uri": c.uri()}}
}

// settle waits until the server has checked all texts, the current one first: asked for actions it does so at once.
func (c *client) settle() {
	files := slices.Sorted(maps.Keys(c.texts))
	current := c.file
	if i := slices.Index(files, current); i > 0 {
		files = slices.Insert(slices.Delete(files, i, i+1), 0, current)
	}
	for _, c.file = range files {
		p := c.document()
		p["range"], p["context"] = c.rangeOf(0, 0), map[string]any{"diagnostics": []any{}}
		if m := c.call("textDocument/codeAction", p); m.Error != nil {
			c.say("error %d: %s", m.Error.Code, m.Error.Message)
		}
	}
	if c.file = current; len(files) == 0 {
		c.call("nothing", map[string]any{}) // answered behind all that comes before
	}
}

func (c *client) edit(s []string) {
	text := c.texts[c.file]
	if strings.Count(text, s[0]) != 1 {
		c.t.Fatalf("%q stands %d times in\n%s", s[0], strings.Count(text, s[0]), text)
	}
	i := strings.Index(text, s[0])
	r := c.rangeOf(i, i+len(s[0]))
	c.texts[c.file] = text[:i] + s[1] + text[i+len(s[0]):]
	c.change(map[string]any{"range": r, "text": s[1]})
}

func (c *client) change(change any) {
	c.versions[c.file]++
	p := c.document()
	p["textDocument"].(map[string]any)["version"] = c.versions[c.file]
	p["contentChanges"] = []any{change}
	c.notify("textDocument/didChange", p)
	c.settle()
}

type place struct{ Line, Character int }

type stretch struct{ Start, End place }

// position counts as the client's side of the protocol does, with code of its own.
func (c *client) position(offset int) place {
	before := c.texts[c.file][:offset]
	before = strings.ReplaceAll(before, "\r\n", "\n")
	line := strings.Count(before, "\n")
	last := before[strings.LastIndex(before, "\n")+1:]
	if c.utf8 {
		return place{line, len(last)}
	}
	return place{line, len(utf16.Encode([]rune(last)))}
}

func (c *client) rangeOf(i, j int) map[string]any {
	return map[string]any{"start": c.json(c.position(i)), "end": c.json(c.position(j))}
}

func (c *client) json(p place) map[string]any {
	return map[string]any{"line": p.Line, "character": p.Character}
}

func (c *client) at(verb, where string) {
	where = strings.ReplaceAll(where, `\n`, "\n")
	text, before, after := c.texts[c.file], "", ""
	before, after, ok := strings.Cut(where, "|")
	if !ok || strings.Count(text, before+after) != 1 {
		c.t.Fatalf("%q stands %d times in\n%s", before+after, strings.Count(text, before+after), text)
	}
	i := strings.Index(text, before+after) + len(before)
	p := c.document()
	p["position"] = c.json(c.position(i))
	switch verb {
	case "hover":
		c.showHover(c.call("textDocument/hover", p))
	case "complete":
		c.showCompletion(c.call("textDocument/completion", p))
	case "define":
		c.showDefinition(c.call("textDocument/definition", p))
	case "actions":
		p["range"], p["context"] = c.rangeOf(i, i), map[string]any{"diagnostics": []any{}}
		c.showActions(c.call("textDocument/codeAction", p))
	}
}

// show shows a notification of the server.
func (c *client) show(m message) {
	if m.Method != "textDocument/publishDiagnostics" {
		c.say("%s %s", m.Method, c.relative(string(m.Params)))
		return
	}
	var p struct {
		URI         string
		Version     *int
		Diagnostics []struct {
			Range    stretch
			Severity int
			Code     string
			Message  string
			Tags     []int
			Related  []struct {
				Location struct {
					URI   string
					Range stretch
				}
				Message string
			} `json:"relatedInformation"`
			Description struct{ Href string } `json:"codeDescription"`
		}
	}
	if err := json.Unmarshal(m.Params, &p); err != nil {
		c.t.Fatal(err)
	}
	head := "findings in " + c.name(p.URI)
	if p.Version != nil {
		head += fmt.Sprintf(" version %d", *p.Version)
	}
	if len(p.Diagnostics) == 0 {
		head += ": none"
	}
	c.say("%s", head)
	for _, d := range p.Diagnostics {
		tags := ""
		if len(d.Tags) > 0 {
			tags = fmt.Sprint(" tags ", d.Tags)
		}
		c.say("  %s %s %s%s: %s", d.Range, []string{"", "error", "warning", "information"}[d.Severity], d.Code, tags, d.Message)
		for _, r := range d.Related {
			c.say("    %s:%s %s", c.name(r.Location.URI), r.Location.Range, r.Message)
		}
		if want := "https://github.com/pare-ml/pare/blob/main/docs/checks.md#" + d.Code; d.Description.Href != want {
			c.say("    described at %s", d.Description.Href)
		}
	}
}

func (s stretch) String() string {
	return fmt.Sprintf("%d:%d-%d:%d", s.Start.Line, s.Start.Character, s.End.Line, s.End.Character)
}

func (c *client) name(uri string) string { return strings.TrimPrefix(c.relative(uri), "file:///") }

func (c *client) relative(s string) string {
	return strings.ReplaceAll(s, filepath.ToSlash(c.dir)+"/", "/")
}

func (c *client) failed(m message) bool {
	if m.Error != nil {
		c.say("error %d: %s", m.Error.Code, c.relative(m.Error.Message))
	} else if string(m.Result) == "null" {
		c.say("nothing")
	} else {
		return false
	}
	return true
}

func (c *client) showHover(m message) {
	if c.failed(m) {
		return
	}
	var r struct {
		Contents struct{ Kind, Value string }
		Range    stretch
	}
	json.Unmarshal(m.Result, &r)
	c.say("%s %s", r.Contents.Kind, r.Range)
	c.say("%s", c.relative(r.Contents.Value))
}

// shown is how many completions are shown.
const shown = 12

func (c *client) showCompletion(m message) {
	if c.failed(m) {
		return
	}
	var r struct {
		IsIncomplete bool
		Items        []struct {
			Label, Detail, SortText, FilterText string
			InsertTextFormat                    int
			TextEdit                            struct {
				Range   stretch
				NewText string
			}
		}
	}
	json.Unmarshal(m.Result, &r)
	if len(r.Items) == 0 {
		c.say("nothing")
	}
	// As a client shows them.
	for i := range r.Items {
		for j := i; j > 0 && r.Items[j].SortText < r.Items[j-1].SortText; j-- {
			r.Items[j], r.Items[j-1] = r.Items[j-1], r.Items[j]
		}
	}
	for i, it := range r.Items {
		if i == 0 {
			c.say("in place of %s", it.TextEdit.Range)
		}
		if i == shown {
			c.say("  and %d more", len(r.Items)-shown)
			break
		}
		line := "  " + it.Label
		if it.TextEdit.NewText != it.Label {
			line += fmt.Sprintf(" writes %q", it.TextEdit.NewText)
		}
		if it.Detail != "" {
			line += " (" + it.Detail + ")"
		}
		c.say("%s", line)
	}
	if r.IsIncomplete {
		c.say("  incomplete")
	}
}

func (c *client) showDefinition(m message) {
	if c.failed(m) {
		return
	}
	var r struct {
		URI   string
		Range stretch
	}
	json.Unmarshal(m.Result, &r)
	c.say("%s:%s", c.name(r.URI), r.Range)
}

func (c *client) showActions(m message) {
	if c.failed(m) {
		return
	}
	var r []struct {
		Title, Kind string
		IsPreferred bool
		Edit        struct {
			Changes map[string][]struct {
				Range   stretch
				NewText string
			}
		}
	}
	json.Unmarshal(m.Result, &r)
	if len(r) == 0 {
		c.say("nothing")
	}
	for _, a := range r {
		preferred := ""
		if a.IsPreferred {
			preferred = ", preferred"
		}
		c.say("%s (%s%s)", a.Title, a.Kind, preferred)
		for _, e := range a.Edit.Changes[c.uri()] {
			c.say("  %s %q", e.Range, e.NewText)
		}
	}
}

func (c *client) format() {
	p := c.document()
	p["options"] = map[string]any{"tabSize": 2, "insertSpaces": true}
	m := c.call("textDocument/formatting", p)
	if c.failed(m) {
		return
	}
	var edits []struct {
		Range   stretch
		NewText string
	}
	json.Unmarshal(m.Result, &edits)
	if len(edits) == 0 {
		c.say("nothing to change")
	}
	for _, e := range edits {
		c.say("%s becomes\n%s", e.Range, e.NewText)
	}
}

func (c *client) symbols() {
	m := c.call("textDocument/documentSymbol", c.document())
	if c.failed(m) {
		return
	}
	var show func(raw json.RawMessage, indent string)
	show = func(raw json.RawMessage, indent string) {
		var list []struct {
			Name, Detail, ContainerName string
			Kind                        int
			Range                       stretch
			Location                    struct{ Range stretch }
			Children                    json.RawMessage
		}
		if len(raw) == 0 {
			return
		}
		if err := json.Unmarshal(raw, &list); err != nil {
			c.t.Fatal(err)
		}
		for _, s := range list {
			r := s.Range
			if r == (stretch{}) {
				r = s.Location.Range
			}
			line := fmt.Sprintf("%s%s %s kind %d", indent, r, s.Name, s.Kind)
			if s.Detail+s.ContainerName != "" {
				line += " (" + s.Detail + s.ContainerName + ")"
			}
			c.say("%s", line)
			show(s.Children, indent+"  ")
		}
	}
	show(m.Result, "")
}
