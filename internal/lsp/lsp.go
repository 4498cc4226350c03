// Package lsp is the language server behind `pare lsp`: it tells an editor, while a recipe is being written, what pare
// would say about it. It speaks the Language Server Protocol 3.17 over two streams: JSON-RPC 2.0 messages, each behind a
// header with its length.
//
// A message goes this way: frame.go cuts it out of the stream, rpc.go reads and answers it, server.go hands it to what
// does the work. Everything that changes runs on one goroutine, Server.loop; checks of recipes run beside it on a copy
// and are dropped if the text has changed in the meantime.
//
// A text that is being typed is mostly no YAML. So what stands at the cursor is found by outline.go, which reads any
// text, and places.go follows the records of the language (recipe/schema) down to that place. Hover, completion and
// definition all begin there. Only what needs values (findings, layers matched, effective parameters) comes from the
// parser and from graph.Compile.
package lsp

import (
	"context"
	"io"
	"log"
	"time"

	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
)

// Options say what the server works with. Language and Check are required.
type Options struct {
	Version  string // of pare, for the client's log
	Language *recipe.Language

	// Check reads the text of the recipe at path and compiles it as far as it goes. Files that it imports are asked of
	// buffer first, by absolute path: an editor may hold a newer text. Path is empty for a text that is in no file. Check
	// is called from several goroutines.
	Check func(path string, text []byte, buffer func(path string) []byte) *Result

	// Format returns the text in canonical form, or false if it cannot be read. Nil: there is no formatting.
	Format func(src *diag.Source) ([]byte, bool)

	Delay time.Duration // from a change to its check, so that not every key pressed is checked; 0: 200 ms
	Log   io.Writer     // what the client sends wrong; nil: nowhere
}

// Result is what checking a recipe gave, as far as it went.
type Result struct {
	Source   *diag.Source // the recipe's own text
	Findings diag.List
	Recipe   *recipe.Recipe // nil if the text is not usable
	Model    *ir.Model      // the header; nil if it is not at hand
	Plan     *graph.Plan    // nil if a finding is an error, or without a model
	Failed   error          // what is no fault of the text: a file that cannot be read, a model that is damaged
}

const standardDelay = 200 * time.Millisecond

// Serve answers the client's messages until it says exit, ends the stream or ctx is done. The error is nil if the client
// took leave as the protocol wants it: shutdown, then exit.
func Serve(ctx context.Context, in io.Reader, out io.Writer, o Options) error {
	if o.Delay == 0 {
		o.Delay = standardDelay
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s := &server{
		Options: o, ctx: ctx, out: out, log: log.New(o.Log, "pare lsp: ", 0),
		docs: map[string]*document{}, due: make(chan check), done: make(chan checked),
	}
	return s.loop(read(ctx, in))
}
