// Package recipes holds the recipes that users start from, with the small models and the data that they use.
package recipes

import (
	"embed"
	"io/fs"
	"os"
	"path/filepath"
)

//go:generate go run ./train --out .

//go:embed *.yaml models data manifests
var files embed.FS

// Example is a recipe with the files that it names.
type Example struct {
	Name   string
	Recipe string
	paths  []string // of the files, folders with all they hold
}

// Examples lists them, the one to begin with first. The first start from the fashion model, which is here with its data;
// those of language models from a manifest: their model is to be fetched, and the recipes can be checked and planned without.
func Examples() []Example {
	var list []Example
	for _, name := range []string{"fashion", "int8", "mixed", "sparse", "sparse24", "devices"} {
		recipe := name + ".yaml"
		list = append(list, Example{name, recipe, []string{recipe, "models/fashion.onnx", "data/fashion"}})
	}
	for _, name := range []string{"llm-int4", "llm-gguf", "llm-fp8", "llm-sparse"} {
		recipe := name + ".yaml"
		list = append(list, Example{name, recipe, []string{recipe, "manifests"}})
	}
	return list
}

// Write copies the example's files below dir.
func (e Example) Write(dir string) error {
	for _, root := range e.paths {
		err := fs.WalkDir(files, root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := files.ReadFile(path)
			if err != nil {
				return err
			}
			to := filepath.Join(dir, filepath.FromSlash(path))
			if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
				return err
			}
			return os.WriteFile(to, data, 0o666)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
