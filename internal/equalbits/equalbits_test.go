package equalbits

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestProduct holds what pare links to the rules, as it is built with assembly and without.
func TestProduct(t *testing.T) {
	root := filepath.Join("..", "..")
	watch(t, root)
	for _, tags := range []string{"", "purego"} {
		p, err := Load(root, tags, "./cmd/pare")
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Packages) < 30 {
			t.Errorf("only %d packages were read: is the list right?", len(p.Packages))
		}
		for _, f := range Check(p) {
			t.Errorf("%s (tags %q)", f, tags)
		}
	}
}

// watch makes the go command run this test again when a file is new: it keeps track of folders that a test reads.
func watch(t *testing.T, root string) {
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && name != root && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestLines runs the checks on lines that say what is to be found on them: // want "part of a message".
func TestLines(t *testing.T) {
	const dir = "testdata/lines"
	p, err := Load(dir, "", "./...")
	if err != nil {
		t.Fatal(err)
	}
	wanted := wants(t, dir)
	for _, f := range Check(p) {
		line := f.Pos.Filename + ":" + strconv.Itoa(f.Pos.Line)
		found := false
		for i, w := range wanted[line] {
			if strings.Contains(f.Message, w) {
				wanted[line] = append(wanted[line][:i:i], wanted[line][i+1:]...)
				found = true
				break
			}
		}
		if !found {
			t.Errorf("not wanted: %s", f)
		}
	}
	for line, rest := range wanted {
		for _, w := range rest {
			t.Errorf("%s: nothing found that says %q", line, w)
		}
	}
}

// wants reads what lines want, by file:line.
func wants(t *testing.T, dir string) map[string][]string {
	comment, quoted := regexp.MustCompile(`// want (".*)$`), regexp.MustCompile(`"([^"]*)"`)
	wanted := map[string][]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".go" {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		for i, line := range strings.Split(string(text), "\n") {
			if m := comment.FindStringSubmatch(line); m != nil {
				for _, q := range quoted.FindAllStringSubmatch(m[1], -1) {
					key := rel + ":" + strconv.Itoa(i+1)
					wanted[key] = append(wanted[key], q[1])
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return wanted
}

// TestCompiled holds the check of what the compiler makes to lines that are fused for sure, and the check of source to
// be the stricter one: wherever the compiler did fuse, that one finds something too.
func TestCompiled(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles for other processors")
	}
	const dir = "testdata/lines"
	p, err := Load(dir, "", "./...")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	elsewhere := regexp.MustCompile(`sum at (\S+):(\d+);`)
	for _, f := range Check(p) {
		known[filepath.Base(f.Pos.Filename)+":"+strconv.Itoa(f.Pos.Line)] = true
		if m := elsewhere.FindStringSubmatch(f.Message); m != nil {
			known[m[1]+":"+m[2]] = true
		}
	}
	for _, env := range [][]string{{"GOARCH=amd64", "GOAMD64=v3"}, {"GOARCH=arm64"}} {
		found, err := Compiled(dir, "./...", "lines", append(env, "CGO_ENABLED=0", "GOOS=linux")...)
		if err != nil {
			t.Fatal(err)
		}
		lines := map[string]bool{}
		for _, f := range found {
			lines[filepath.Base(f.Pos.Filename)+":"+strconv.Itoa(f.Pos.Line)] = true
		}
		if len(lines) < 2 {
			t.Errorf("%s: only %d lines are found to be fused", env, len(lines))
		}
		if lines["others.go:14"] {
			t.Errorf("%s: math.FMA is asked for and not to be found", env)
		}
		for line := range lines {
			if !known[line] {
				t.Errorf("%s: the compiler fuses %s, and the check of source finds nothing there", env, line)
			}
		}
	}
}
