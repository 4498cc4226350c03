// Command write writes the generated pages. It runs in docs, by go generate.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/pare-ml/pare/internal/docs"
)

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write() error {
	pages, err := docs.Pages(os.DirFS(".."))
	if err != nil {
		return err
	}
	for _, p := range pages {
		path := filepath.FromSlash(p.Path)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(path, p.Text, 0o666); err != nil {
			return err
		}
	}
	return nil
}
