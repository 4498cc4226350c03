package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/arch/archtest"
	"github.com/pare-ml/pare/internal/cli"
)

// A model folder goes in, a smaller one comes out, with all that belongs to it; and that one goes in again.
func TestFolder(t *testing.T) {
	dir := t.TempDir()
	model := filepath.Join(dir, "llama")
	os.Mkdir(model, 0o777)
	if err := archtest.Named(archtest.Tiny(), "Llama-3.2-1B").WriteShards(model, 3, false); err != nil {
		t.Fatal(err)
	}
	tokenizer := []byte(`{"chat_template": "{{ never rendered }}"}`)
	os.WriteFile(filepath.Join(model, "tokenizer_config.json"), tokenizer, 0o666)
	run := func(args ...string) string {
		t.Helper()
		var stdout, stderr bytes.Buffer
		if code := cli.Main(args, &stdout, &stderr); code != 0 {
			t.Fatalf("pare %v: exit %d\n%s", args, code, stderr.String())
		}
		return stdout.String()
	}
	build := func(name, model, passes string) string {
		t.Helper()
		recipe := filepath.Join(dir, name+".yaml")
		text := "version: 1\nname: " + name + "\nmodel: {path: " + model + "}\npasses: " + passes + "\noutputs:\n  - {path: model.safetensors, format: safetensors}\n"
		if err := os.WriteFile(recipe, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(dir, name)
		run("build", recipe, "--quiet", "--no-cache", "--out", out)
		return out
	}
	small := build("small", "llama", `[{quantize: {scheme: W4A16, weights: {group_size: 32}}, targets: ["type:linear"], ignore: ["role:lm_head"]}]`)
	if sheet := run("inspect", small); !strings.Contains(sheet, "64x64 int4") || strings.Contains(sheet, "note") {
		t.Errorf("inspect says\n%s", sheet)
	}
	again := build("again", "small", "[]")
	for _, name := range []string{"model.safetensors", "config.json", "tokenizer_config.json"} {
		a, err := os.ReadFile(filepath.Join(small, name))
		if err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(filepath.Join(again, name)); err != nil || !bytes.Equal(withoutNotes(a), withoutNotes(b)) {
			t.Errorf("%s is another after reading and writing: %v", name, err)
		}
	}
	if b, _ := os.ReadFile(filepath.Join(again, "tokenizer_config.json")); !bytes.Equal(b, tokenizer) {
		t.Error("the tokenizer has changed")
	}
}

// withoutNotes takes away what the build wrote about itself, which stands first in a header.
func withoutNotes(b []byte) []byte {
	if at := bytes.Index(b, []byte(`},"`)); bytes.Contains(b[:max(at, 0)], []byte("__metadata__")) {
		return b[at:]
	}
	return b
}
