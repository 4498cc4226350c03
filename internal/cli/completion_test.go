package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func script(t *testing.T, shell string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := Main([]string{"completion", shell}, &out, &errs); code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	return out.String()
}

// bash completes as a user sees it: the words typed so far, then what is offered.
func TestCompletionBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		if runtime.GOOS == "windows" {
			t.Skip("no bash")
		}
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"a.yaml", "b.yml", "model.onnx", "two words.yaml", "sub/c.yaml"} {
		os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777)
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	text := script(t, "bash") + `
words=("$@")
COMP_WORDS=("${words[@]}")
COMP_CWORD=$((${#words[@]} - 1))
$(complete -p pare | sed 's/.*-F \([^ ]*\).*/\1/')
printf '%s\n' "${COMPREPLY[@]}"
`
	for _, c := range []struct{ typed, want string }{
		{"pare li", "lint list"},
		{"pare help pl", "plan"},
		{"pare lint --st", "--strict"},
		{"pare lint ", "a.yaml b.yml sub two words.yaml"},
		{"pare plan a", "a.yaml"},
		{"pare plan two", "two words.yaml"},
		{"pare plan sub/", "sub/c.yaml"},
		{"pare inspect m", "model.onnx"},
		{"pare init m", "model.onnx"},
		{"pare init s", "sub"},
		{"pare list pr", "prune"},
		{"pare list met", "metrics"},
		{"pare build --out s", "sub"},
		{"pare manifest -o m", "model.onnx"},
		{"pare completion ", "bash fish zsh"},
		{"pare version x", ""},
		{"pare nonsense x", ""},
	} {
		cmd := exec.Command(bash, append([]string{"--norc", "-c", text, "bash"}, strings.Split(c.typed, " ")...)...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", c.typed, err, out)
		}
		got := strings.Split(strings.TrimSpace(string(out)), "\n")
		slices.Sort(got)
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q offers %q, want %q", c.typed, strings.Join(got, " "), c.want)
		}
	}
}

// The scripts of all shells know every command and every flag.
func TestCompletionIsWhole(t *testing.T) {
	for _, shell := range shellNames() {
		text := script(t, shell)
		for _, c := range Commands() {
			if !strings.Contains(text, c.Name) {
				t.Errorf("%s: no %s", shell, c.Name)
			}
			for _, f := range c.Flags {
				if !strings.Contains(text, "--"+f.Name) && !strings.Contains(text, "-l "+f.Name) {
					t.Errorf("%s: no --%s", shell, f.Name)
				}
			}
		}
		if path, err := exec.LookPath(shell); err == nil {
			cmd := exec.Command(path, "-n")
			cmd.Stdin = strings.NewReader(text)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", shell, err, out)
			}
		}
	}
}
