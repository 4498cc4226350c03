package lsp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"slices"
	"strings"
)

// server is one conversation with a client. Its fields belong to the goroutine of loop.
type server struct {
	Options
	ctx context.Context
	out io.Writer
	log *log.Logger

	state    state
	enc      encoding
	markdown bool // the client shows Markdown
	snippets bool // completions may have places to fill in
	nested   bool // document symbols may be nested
	watch    bool // the client can be asked to watch files

	docs map[string]*document // open texts by URI
	due  chan check           // checks whose delay is over
	done chan checked         // what they gave
}

type state int

const (
	fresh state = iota // before initialize
	ready
	shutDown
)

// errEnded says that the client ended without shutdown and exit.
var errEnded = errors.New("the client ended the conversation without exit")

func (s *server) loop(messages <-chan arrival) error {
	for {
		select {
		case <-s.ctx.Done():
			return s.ctx.Err()
		case m, ok := <-messages:
			if !ok {
				return errEnded
			}
			if end, err := s.arrived(m); end {
				return err
			}
		case c := <-s.due:
			s.start(c)
		case c := <-s.done:
			s.ended(c)
		}
	}
}

// arrived handles what came from the client. end says that the conversation is over.
func (s *server) arrived(m arrival) (end bool, err error) {
	var large *tooLarge
	switch {
	case errors.As(m.err, &large):
		s.answer(null, nil, failf(codeInvalidRequest, "%v", large))
		return false, nil
	case errors.Is(m.err, io.EOF):
		return true, errEnded
	case m.err != nil:
		s.answer(null, nil, failf(codeParse, "%v", m.err))
		return true, fmt.Errorf("the stream of messages cannot be read: %w", m.err)
	}
	r, failed := parseRequest(m.body)
	if failed != nil {
		s.answer(r.ID, nil, failed)
		return false, nil
	}
	if r.Method == nil {
		return false, nil // an answer to a request of ours, which asks nothing back
	}
	if *r.Method == "exit" {
		if s.state == shutDown {
			return true, nil
		}
		return true, errEnded
	}
	s.handle(r)
	return false, nil
}

// handle does what a message asks. Whatever goes wrong in it is answered, and the conversation goes on.
func (s *server) handle(r *request) {
	defer func() {
		if p := recover(); p != nil {
			text, _, _ := strings.Cut(fmt.Sprint(p), "\n")
			s.log.Printf("internal error in %s: %s", *r.Method, text)
			if !r.isNotification() {
				s.answer(r.ID, nil, failf(codeInternal, "internal error of pare: %s", text))
			}
		}
	}()
	if r.isNotification() {
		if act := notifications[*r.Method]; act != nil && s.state == ready {
			if failed := act(s, r.Params); failed != nil {
				s.log.Printf("%s: %s", *r.Method, failed.Message)
			}
		}
		return
	}
	act := requests[*r.Method]
	switch {
	case s.state == fresh && *r.Method != "initialize":
		s.answer(r.ID, nil, failf(codeNotInitialized, "initialize comes first"))
	case s.state == shutDown, s.state == ready && *r.Method == "initialize":
		s.answer(r.ID, nil, failf(codeInvalidRequest, "%s is not expected now", *r.Method))
	case act == nil:
		s.answer(r.ID, nil, failf(codeMethodNotFound, "this server has no %.60s", *r.Method))
	default:
		result, failed := act(s, r.Params)
		s.answer(r.ID, result, failed)
	}
}

// requests are the methods that are answered.
var requests map[string]func(*server, json.RawMessage) (any, *rpcError)

// notifications are those that are not. All others, $/cancelRequest among them, may be left alone: requests are answered
// in the order in which they come.
var notifications map[string]func(*server, json.RawMessage) *rpcError

func init() {
	requests = map[string]func(*server, json.RawMessage) (any, *rpcError){
		"initialize":                  (*server).initialize,
		"shutdown":                    (*server).shutdown,
		"textDocument/hover":          at((*server).hover),
		"textDocument/completion":     at((*server).completion),
		"textDocument/definition":     at((*server).definition),
		"textDocument/codeAction":     (*server).codeActions,
		"textDocument/formatting":     (*server).formatting,
		"textDocument/documentSymbol": (*server).symbols,
	}
	notifications = map[string]func(*server, json.RawMessage) *rpcError{
		"initialized":                     (*server).initialized,
		"textDocument/didOpen":            (*server).didOpen,
		"textDocument/didChange":          (*server).didChange,
		"textDocument/didSave":            (*server).didSave,
		"textDocument/didClose":           (*server).didClose,
		"workspace/didChangeWatchedFiles": (*server).watchedFilesChanged,
	}
}

// at makes a method of something that is asked about an offset of an open text.
func at(act func(*server, *document, int) any) func(*server, json.RawMessage) (any, *rpcError) {
	return func(s *server, raw json.RawMessage) (any, *rpcError) {
		p, failed := params[positionParams](raw)
		if failed != nil {
			return nil, failed
		}
		d, failed := s.document(p.TextDocument.URI)
		if failed != nil {
			return nil, failed
		}
		return act(s, d, d.lines.offset(p.Position)), nil
	}
}

func (s *server) document(uri string) (*document, *rpcError) {
	if d := s.docs[uri]; d != nil {
		return d, nil
	}
	return nil, failf(codeInvalidParams, "%.200q is not open", uri)
}

func (s *server) initialize(raw json.RawMessage) (any, *rpcError) {
	p, failed := params[initializeParams](raw)
	if failed != nil {
		return nil, failed
	}
	c := p.Capabilities
	s.enc = utf16Units
	if slices.Contains(c.General.PositionEncodings, string(utf8Units)) {
		s.enc = utf8Units
	}
	s.markdown = len(c.TextDocument.Hover.ContentFormat) == 0 || slices.Contains(c.TextDocument.Hover.ContentFormat, "markdown")
	s.snippets = c.TextDocument.Completion.CompletionItem.SnippetSupport
	s.nested = c.TextDocument.DocumentSymbol.Hierarchical
	s.watch = c.Workspace.WatchedFiles.DynamicRegistration
	s.state = ready

	r := initializeResult{}
	r.ServerInfo.Name, r.ServerInfo.Version = "pare", s.Version
	r.Capabilities.PositionEncoding = string(s.enc)
	r.Capabilities.TextDocumentSync.OpenClose = true
	r.Capabilities.TextDocumentSync.Change = 2
	r.Capabilities.TextDocumentSync.Save = true
	r.Capabilities.Hover = true
	r.Capabilities.Completion.TriggerCharacters = []string{".", ":", " ", "\"", "'", "{", "[", ","}
	r.Capabilities.Definition = true
	r.Capabilities.CodeAction.Kinds = []string{quickFix, fixAll}
	r.Capabilities.Formatting = s.Format != nil
	r.Capabilities.DocumentSymbol = true
	return r, nil
}

// initialized asks the client to say when a model, a manifest or an imported recipe changes.
func (s *server) initialized(json.RawMessage) *rpcError {
	if !s.watch {
		return nil
	}
	type watcher struct {
		Pattern string `json:"globPattern"`
	}
	s.send(struct {
		Version string `json:"jsonrpc"`
		ID      string `json:"id"`
		Method  string `json:"method"`
		Params  any    `json:"params"`
	}{"2.0", "watch", "client/registerCapability", map[string]any{"registrations": []any{map[string]any{
		"id": "files", "method": "workspace/didChangeWatchedFiles",
		"registerOptions": map[string]any{"watchers": []watcher{{"**/*.{onnx,json,yaml,yml}"}}},
	}}}})
	return nil
}

func (s *server) shutdown(json.RawMessage) (any, *rpcError) {
	s.state = shutDown
	for _, d := range s.docs {
		d.close()
	}
	return nil, nil
}

// watchedFilesChanged checks every open recipe again: any of them may read the file.
func (s *server) watchedFilesChanged(json.RawMessage) *rpcError {
	for _, d := range s.docs {
		d.edition++
		s.schedule(d, s.Delay)
	}
	return nil
}
