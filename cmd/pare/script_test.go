package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pare-ml/pare/graph/arch/archtest"
	formatall "github.com/pare-ml/pare/graph/format/all"
	"github.com/pare-ml/pare/graph/format/gguf"
	"github.com/pare-ml/pare/graph/format/imatrix/imatrixtest"
	"github.com/pare-ml/pare/internal/cli"
	"github.com/pare-ml/pare/internal/crash"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"pare":        func() { os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr)) },
		"pare-killed": func() { os.Exit(crash.Main(os.Args[1:])) },
	})
}

// TestScripts runs testdata/script: one archive is one story, with its commands, what they print and the files they need.
// Scripts find the example model under $RECIPES, and what reviews a pull request at $REVIEW. UPDATE_SCRIPTS=1 go test ./cmd/pare writes the outputs anew.
func TestScripts(t *testing.T) {
	recipes, err := filepath.Abs("../../recipes")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("RECIPES", recipes)
			e.Setenv("REVIEW", filepath.Join(filepath.Dir(recipes), ".github", "actions", "review", "review.sh"))
			e.Setenv("NO_COLOR", "1")
			e.Setenv("XDG_CACHE_HOME", filepath.Join(e.WorkDir, ".cache")) // each script has its own store
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "damage": damage, "model": model, "matrix": matrix},
	})
}

// model writes a tiny model of a family as its publishers do, into a folder: model Llama-3.2-1B llama.
func model(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: model NAME DIR")
	}
	dir := ts.MkAbs(args[1])
	ts.Check(os.MkdirAll(dir, 0o777))
	ts.Check(archtest.Named(archtest.Tiny(), args[0]).Write(dir, false))
}

// matrix writes an importance matrix for a model, of fixed numbers: matrix MODEL FILE. A name that ends in .dat gets the older
// form.
func matrix(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: matrix MODEL FILE")
	}
	m, done, err := formatall.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer done()
	find, ok := gguf.Places(m)
	if !ok {
		ts.Fatalf("no importance matrix can speak of the weights of %s", args[0])
	}
	list := imatrixtest.Of(m, find)
	b := imatrixtest.GGUF(imatrixtest.Meta(100, "wiki.txt"), list...)
	if strings.HasSuffix(args[1], ".dat") {
		b = imatrixtest.Legacy(100, "wiki.txt", list...)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b, 0o666))
}

// exits runs a program and demands an exit code: exits 4 pare build …
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE program [args…]")
	}
	want := args[0]
	err := ts.Exec(args[1], args[2:]...)
	if got := exitCode(err); got != want {
		ts.Fatalf("exit code %s, want %s (%v)", got, want, err)
	}
}
