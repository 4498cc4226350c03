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
	name: "init", args: "DIR", summary: "write an example with its model and data", min: 1, max: 1,
	long: `Writes an example recipe with the small model and the data it uses into DIR, which must be new or empty.
The examples: ` + strings.Join(exampleNames(), ", ") + ".",
	setup: func(f *pflag.FlagSet) func(*session, []string) error {
		name := f.String("example", "", "the example to write")
		return func(s *session, args []string) error { return s.init(*name, args[0]) }
	},
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
		return usageError{"name an example with --example: " + strings.Join(exampleNames(), ", ")}
	}
	return usageError{fmt.Sprintf("there is no example %q%s", name, diag.Suggest(name, exampleNames()))}
}
