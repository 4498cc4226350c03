// Command yaml holds the position map of recipe/syntax against YAML files that people wrote for other programs:
//
//	go run ./conformance/yaml FOLDER…
//
// Of every scalar it demands that the value is the library's, that it begins where the library says, that the text marked
// as the value means this value when it is read alone, and that every byte of the value comes from the piece of the text
// that is said to be its source: of copied bytes by comparing, of escapes by decoding them, and of one byte in each value
// by changing it in the text and seeing it change in the value. A scalar whose bytes cannot be followed must fall back on
// its whole place. It prints N passed, M failed of files, and exits 1 if a file failed.
package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
	"gopkg.in/yaml.v3"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: yaml FOLDER…")
		os.Exit(2)
	}
	t := &totals{refused: map[string]int{}, seen: map[[sha256.Size]byte]bool{}}
	for _, folder := range os.Args[1:] {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || !isYAML(path) {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			t.file(path, text)
			return nil
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	t.print()
	if t.failed > 0 || t.passed == 0 {
		os.Exit(1)
	}
}

func isYAML(path string) bool {
	ext := strings.ToLower(filepath.Ext(path))
	return ext == ".yml" || ext == ".yaml"
}

// totals of all files.
type totals struct {
	passed, failed, repeated int
	refused                  map[string]int // files without a document, by the code of the first error
	seen                     map[[sha256.Size]byte]bool
	counts
}

// counts of scalars.
type counts struct {
	scalars int // with a value
	mapped  int // whose bytes can be followed
	fell    int // on their whole place
	tags    int // plain values behind a tag, which stand for themselves
	changed int // bytes changed in the text of a whole file
	merged  int // values behind << and *, which other places tell
}

func (t *totals) file(path string, text []byte) {
	digest := sha256.Sum256(text)
	if t.seen[digest] {
		t.repeated++
		return
	}
	t.seen[digest] = true
	var report diag.List
	root := syntax.Parse(&diag.Source{Name: path, Text: text}, &report)
	code, wrong := firstError(report)
	library, err := decode(text)
	if wrong && (root == nil || err != nil) {
		t.refused[code]++
		return
	}
	c := &checker{text: text, counts: &t.counts, refused: wrong}
	switch {
	case root == nil:
		c.problem(diag.Span{}, "no document and no finding")
	case err == nil:
		c.document(root, library)
	case !bytes.Contains(text, []byte("${{")): // which we take for words
		c.problem(diag.Span{}, "no finding, but the library does not read it: %v", err)
	}
	if len(c.problems) == 0 {
		t.passed++
		return
	}
	t.failed++
	for i, p := range c.problems {
		if i == 3 {
			fmt.Printf("  and %d more\n", len(c.problems)-i)
			break
		}
		fmt.Printf("FAILED %s%s\n", path, p)
	}
}

func firstError(report diag.List) (code string, ok bool) {
	for _, d := range report {
		if d.Severity == diag.Error {
			return d.Code, true
		}
	}
	return "", false
}

// decode gives the library's first document. The library panics on some texts.
func decode(text []byte) (n *yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	n = new(yaml.Node)
	if err := yaml.NewDecoder(strings.NewReader(string(text))).Decode(n); err != nil {
		return nil, err
	}
	return n, nil
}

func (t *totals) print() {
	codes := make([]string, 0, len(t.refused))
	refused := 0
	for code, n := range t.refused {
		codes = append(codes, code)
		refused += n
	}
	sort.Strings(codes)
	fmt.Printf("%d files, %d of them repeated and %d no recipe's YAML\n", len(t.seen)+t.repeated, t.repeated, refused)
	for _, code := range codes {
		fmt.Printf("  %-40s %d\n", code, t.refused[code])
	}
	fmt.Printf("%d scalars: %d mapped byte by byte, %d fell back on their whole place, %d behind tags\n", t.scalars, t.mapped, t.fell, t.tags)
	fmt.Printf("%d bytes changed in files, one at a time; %d values behind aliases and merge keys\n", t.changed, t.merged)
	fmt.Printf("%d passed, %d failed\n", t.passed, t.failed)
}
