// Package cli is the command line: one file a verb. It is the only package that knows the lists of passes, formats and
// metrics. Main is a function of its arguments and two streams, so tests run it as a user would.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	evaluateall "github.com/pare-ml/pare/evaluate/all"
	"github.com/pare-ml/pare/graph"
	formatall "github.com/pare-ml/pare/graph/format/all"
	"github.com/pare-ml/pare/graph/store"
	"github.com/pare-ml/pare/graph/target"
	passesall "github.com/pare-ml/pare/passes/all"
	"github.com/pare-ml/pare/recipe/diag"
)

// verb is one command.
type verb struct {
	name    string
	args    string // as shown in usage: "RECIPE…"
	summary string // one line, for the list of commands
	long    string // what it reads, prints and returns
	min     int    // arguments it needs
	max     int    // arguments it takes; -1: any number
	quick   bool   // it leaves nothing behind when a signal ends it, so signals are not listened for
	setup   func(*pflag.FlagSet) func(*session, []string) error
}

// verbs in the order in which help lists them.
var verbs = []*verb{lintVerb, fmtVerb, planVerb, explainVerb, diffVerb, testVerb, buildVerb, lockVerb, verifyVerb, evalVerb, inspectVerb, manifestVerb, cacheVerb, initVerb, lspVerb, listVerb, schemaVerb, completionVerb, versionVerb}

// session is one run of the command.
type session struct {
	ctx    context.Context
	stdout io.Writer
	stderr io.Writer
	suite  *graph.Suite
	verbs  []*verb
	files  store.FS // under the store and under what is published; nil: the real one

	published string // the folder that a build has put its result into
}

// Suite returns the passes, formats and metrics that this pare comes with.
func Suite() *graph.Suite {
	return &graph.Suite{Passes: passesall.All(), Formats: formatall.All(), Metrics: evaluateall.Metrics(), Targets: target.All()}
}

// gcPercent lets the heap grow to five times what is in use before it is collected: most commands end before that, and
// a lint of a thousand layers spent a third of its time on collections (53 ms; 38 ms with this). What a build holds it
// holds in arrays that it uses again.
const gcPercent = 400

// Main runs the command and returns its exit code (exit.go).
func Main(args []string, stdout, stderr io.Writer) int { return MainOn(nil, args, stdout, stderr) }

// MainOn is Main with another file system under the store and under what is published, so that tests can let it fail.
func MainOn(files store.FS, args []string, stdout, stderr io.Writer) (code int) {
	debug.SetGCPercent(gcPercent)
	out := &output{w: stdout}
	s := &session{ctx: context.Background(), stdout: out, stderr: stderr, suite: Suite(), verbs: verbs, files: files}
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(stderr, "pare: internal error: %s; this is a bug in pare: please report it with the recipe and this line\n", diag.Printable(firstLine(r)))
			code = exitMachine
		}
	}()
	return s.exit(out.complete(s.run(args)))
}

// stopped is the cause of a context that a signal ended.
type stopped struct{ signal syscall.Signal }

func (s stopped) Error() string { return "stopped by a signal (" + s.signal.String() + ")" }

// listen lets a signal end the session's context, which costs half a millisecond, until the function returned is called.
func (s *session) listen() (stop func()) {
	s.ctx, stop = interruptible()
	return stop
}

// interruptible returns a context that ends at the first interrupt or termination signal; the second one kills.
func interruptible() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		defer signal.Stop(signals)
		select {
		case got := <-signals:
			s, _ := got.(syscall.Signal)
			cancel(stopped{s})
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// firstLine keeps a panic's message and drops the stack that parallel.For appends.
func firstLine(r any) string {
	line, _, _ := strings.Cut(fmt.Sprint(r), "\n")
	return line
}

func (s *session) run(args []string) error {
	if len(args) == 0 {
		usage(s.stderr)
		return usageError{"name a command"}
	}
	switch args[0] {
	case "help", "--help", "-h":
		return s.help(args[1:])
	case "--version":
		args[0] = "version"
	}
	v := findVerb(args[0])
	if v == nil {
		return usageError{fmt.Sprintf("unknown command %q%s", args[0], diag.Suggest(args[0], verbNames()))}
	}
	flags := v.flags()
	do := v.setup(flags)
	err := flags.Parse(args[1:])
	switch {
	case errors.Is(err, pflag.ErrHelp):
		v.help(s.stdout, flags)
		return nil
	case err != nil:
		return usageError{fmt.Sprintf("%v; see pare help %s", err, v.name)}
	case flags.NArg() < v.min:
		return usageError{fmt.Sprintf("usage: pare %s %s; see pare help %s", v.name, v.args, v.name)}
	case v.max >= 0 && flags.NArg() > v.max:
		return usageError{fmt.Sprintf("pare %s takes %s at most, and %q is one more; see pare help %s",
			v.name, plural(v.max, "argument"), flags.Arg(v.max), v.name)}
	}
	if !v.quick {
		defer s.listen()()
	}
	return do(s, flags.Args())
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func findVerb(name string) *verb {
	for _, v := range verbs {
		if v.name == name {
			return v
		}
	}
	return nil
}

func verbNames() []string {
	names := []string{"help"}
	for _, v := range verbs {
		names = append(names, v.name)
	}
	return names
}

func (s *session) help(args []string) error {
	if len(args) == 0 {
		usage(s.stdout)
		return nil
	}
	v := findVerb(args[0])
	if v == nil {
		return usageError{fmt.Sprintf("unknown command %q%s", args[0], diag.Suggest(args[0], verbNames()))}
	}
	flags := v.flags()
	v.setup(flags)
	v.help(s.stdout, flags)
	return nil
}

func usage(w io.Writer) {
	fmt.Fprint(w, "pare compresses neural networks by recipe: prune, distill, quantize, gate.\n\nUsage: pare COMMAND …\n\n")
	for _, v := range verbs {
		fmt.Fprintf(w, "  %-10s %s\n", v.name, v.summary)
	}
	fmt.Fprint(w, "\nStart with:\n\n  pare init --example fashion demo\n  pare plan demo/fashion.yaml\n  pare build demo/fashion.yaml\n\n"+
		"pare help COMMAND tells more. Exit codes: 0 fine, 1 findings in a recipe, 2 wrong usage, 3 the machine failed,\n"+
		"4 a gate is not met or undecided, 5 integrity, 6 a model or data file is damaged.\n")
}

// flags returns an empty set for the verb's flags, which prints nothing by itself.
func (v *verb) flags() *pflag.FlagSet {
	f := pflag.NewFlagSet(v.name, pflag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	return f
}

func (v *verb) help(w io.Writer, flags *pflag.FlagSet) {
	fmt.Fprintf(w, "pare %s: %s\n\nUsage: pare %s %s\n\n%s\n", v.name, v.summary, v.name, strings.TrimSpace(v.args+" "+flagHint(flags)), strings.TrimSpace(v.long))
	if text := flags.FlagUsages(); text != "" {
		fmt.Fprintf(w, "\nFlags:\n%s", text)
	}
}

func flagHint(flags *pflag.FlagSet) string {
	if flags.HasFlags() {
		return "[flags]"
	}
	return ""
}
