package docs_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pare-ml/pare/internal/docs"
)

// Every generated page is what its records say, and there is no page of something that is gone.
func TestPagesAreFresh(t *testing.T) {
	pages, err := docs.Pages(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, p := range pages {
		paths = append(paths, p.Path)
		got, err := os.ReadFile(filepath.FromSlash(p.Path))
		if err != nil || string(got) != string(p.Text) {
			t.Errorf("%s is not what the records say; go generate ./docs writes it", p.Path)
		}
	}
	list, err := filepath.Glob("passes/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range list {
		if !slices.Contains(paths, filepath.ToSlash(path)) {
			t.Errorf("%s is the page of nothing", path)
		}
	}
}

// Links between pages lead somewhere.
func TestLinks(t *testing.T) {
	pages, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("passes/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, more...) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			checkLink(t, page, m[1])
		}
	}
}

func checkLink(t *testing.T, page, to string) {
	t.Helper()
	if strings.Contains(to, "://") {
		return
	}
	path, anchor, _ := strings.Cut(to, "#")
	file := page
	if path != "" {
		file = filepath.Join(filepath.Dir(page), filepath.FromSlash(path))
	}
	text, err := os.ReadFile(file)
	if info, serr := os.Stat(file); serr == nil && info.IsDir() {
		return
	}
	if err != nil {
		t.Errorf("%s links to %s, which is not there", page, to)
		return
	}
	if anchor != "" && !slices.Contains(anchors(string(text)), anchor) {
		t.Errorf("%s links to %s, and there is no such heading", page, to)
	}
}
