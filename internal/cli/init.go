package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipes"
)

var initVerb = &verb{
	name: "init", args: "MODEL", summary: "write a first recipe for a model, or an example", min: 1, max: 1,
	long: `Writes a first recipe for a model: weights in 4 bits for a folder of safetensors, in groups that divide its rows;
llama.cpp's mix for a GGUF file; weights in 8 bits for an ONNX file. The recipe lints without a finding, for the device
that --target names too; if there is no such recipe, init says what stands against it.

With --example it writes an example with the small model and the data that it uses into a folder instead, which must be
new or empty: pare init --example NAME DIR. The examples: ` + strings.Join(exampleNames(), ", ") + ".",
	setup: func(f *pflag.FlagSet) func(*session, []string) error {
		name := f.String("example", "", "the example to write")
		device := f.String("target", "", "the device that the recipe is for: pare list targets")
		out := f.StringP("output", "o", "", "the recipe to write, a new file (default: standard output)")
		return func(s *session, args []string) error {
			if *name == "" && (*out != "" || *device != "" || there(args[0])) {
				return s.initModel(args[0], *device, *out)
			}
			if *name != "" && (*out != "" || *device != "") {
				return usageError{"--example writes a folder, with a target of its own; leave --output and --target out"}
			}
			return s.init(*name, args[0])
		}
	},
}

// there tells whether a path names something that may be a model: a file, or a folder that is not empty.
func there(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return err == nil
	}
	entries, err := os.ReadDir(path)
	return err == nil && len(entries) > 0
}

func exampleNames() []string {
	var names []string
	for _, e := range recipes.Examples() {
		names = append(names, e.Name)
	}
	return names
}

func (s *session) init(name, dir string) error {
	for _, e := range recipes.Examples() {
		if e.Name != name {
			continue
		}
		if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
			return usageError{fmt.Sprintf("%s is not empty; name a new folder", dir)}
		}
		if err := e.Write(dir); err != nil {
			return err
		}
		_, err := fmt.Fprintf(s.stdout, "Wrote the example to %s. Next:\n\n  pare plan %s\n  pare build %[2]s\n", dir, filepath.Join(dir, e.Recipe))
		return err
	}
	if name == "" {
		return usageError{"there is no model " + diag.Printable(dir) + "; for an example instead name it with --example: " + strings.Join(exampleNames(), ", ")}
	}
	return usageError{fmt.Sprintf("there is no example %q%s", name, diag.Suggest(name, exampleNames()))}
}
