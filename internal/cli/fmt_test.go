package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/layout"
)

// What lint has to say of a text does not change when it is formatted.
func TestFormattingChangesNoFinding(t *testing.T) {
	lang := Suite().Language()
	files, _ := filepath.Glob("../../recipe/testdata/*/*.yaml")
	more, _ := filepath.Glob("../../recipes/*.yaml")
	formatted := 0
	for _, file := range append(files, more...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		src := &diag.Source{Name: "r.yaml", Text: text}
		var report diag.List
		out := layout.Format(src, lang, &report)
		if out == nil {
			continue
		}
		for _, d := range report {
			t.Errorf("%s: %s", file, d.Message)
		}
		formatted++
		before, after := said(src, lang), said(&diag.Source{Name: "r.yaml", Text: out}, lang)
		if !slices.Equal(before, after) {
			t.Errorf("%s: before\n%s\nafter\n%s", file, strings.Join(before, "\n"), strings.Join(after, "\n"))
		}
	}
	if formatted < 50 {
		t.Errorf("only %d files were formatted", formatted)
	}
}

// said lists what lint says of a text, without places and in no order.
func said(src *diag.Source, lang *recipe.Language) []string {
	var found diag.List
	recipe.Parse(src, lang, recipe.Options{}, &found)
	var list []string
	for _, d := range found {
		if strings.HasPrefix(d.Code, "yaml-crlf") || strings.HasPrefix(d.Code, "yaml-byte-order-mark") {
			continue // which formatting puts right
		}
		list = append(list, d.Code+": "+d.Message)
	}
	slices.Sort(list)
	return list
}

func TestUnified(t *testing.T) {
	for _, c := range []struct{ old, text, want string }{
		{"a\n", "a\n", ""},
		{"", "a\n", "--- o\n+++ n\n@@ -0,0 +1,1 @@\n+a\n"},
		{"a", "a\n", "--- o\n+++ n\n@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+a\n"},
		{"1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n", "1\nx\n3\n4\n5\n6\n7\n8\n9\n10\n12\n",
			"--- o\n+++ n\n@@ -1,5 +1,5 @@\n 1\n-2\n+x\n 3\n 4\n 5\n@@ -8,5 +8,4 @@\n 8\n 9\n 10\n-11\n 12\n"},
		{"1\n2\n3\n4\n5\n6\n7\n8\n", "x\n2\n3\n4\n5\n6\n7\ny\n",
			"--- o\n+++ n\n@@ -1,8 +1,8 @@\n-1\n+x\n 2\n 3\n 4\n 5\n 6\n 7\n-8\n+y\n"},
	} {
		if got := string(unified("o", "n", []byte(c.old), []byte(c.text))); got != c.want {
			t.Errorf("%q to %q: got\n%s\nwant\n%s", c.old, c.text, got, c.want)
		}
	}
}

func TestRewriteFile(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "a"), filepath.Join(dir, "link")
	if err := os.WriteFile(file, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a", link); err != nil {
		t.Skip(err)
	}
	if err := rewriteFile(link, []byte("old"), []byte("new")); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(file)
	info, _ := os.Lstat(link)
	mode, _ := os.Stat(file)
	if string(text) != "new" || info.Mode()&os.ModeSymlink == 0 || mode.Mode().Perm() != 0o600 {
		t.Errorf("got %q, %v, %v", text, info.Mode(), mode.Mode())
	}
	if err := rewriteFile(file, []byte("old"), []byte("lost")); err == nil {
		t.Error("a file that has changed is overwritten")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("left behind: %v", entries)
	}
}
