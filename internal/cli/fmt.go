package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"

	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/layout"
)

var fmtVerb = &verb{
	name: "fmt", args: "RECIPE…", summary: "canonical form; comments kept", min: 1, max: -1,
	long: `Rewrites recipes in canonical form: keys in the order of the language, two blanks a level, one blank line between
sections and between steps. What they mean stays, and so does every comment. Names the files that it changed.
- stands for standard input; the result then goes to standard output. A file that is not YAML stays as it is, and
the findings are printed; what a recipe says is for pare lint.`,
	setup: func(f *pflag.FlagSet) func(*session, []string) error {
		var o fmtOptions
		f.BoolVar(&o.check, "check", false, "change nothing; list the files that are not in canonical form and exit 1")
		f.BoolVar(&o.diff, "diff", false, "change nothing; print what would change")
		f.BoolVar(&o.migrate, "migrate", false, "bring recipes of older versions of the language to this one first")
		return func(s *session, args []string) error { return s.format(args, o) }
	},
}

type fmtOptions struct{ check, diff, migrate bool }

func (s *session) format(paths []string, o fmtOptions) error {
	var report diag.List
	differ := false
	lang := s.suite.Language()
	for _, path := range paths {
		src, err := readText(path)
		if err != nil {
			return err
		}
		text := canonical(src, lang, o.migrate, &report)
		changed := text != nil && !bytes.Equal(text, src.Text)
		differ = differ || changed
		if err := s.formatted(path, src, text, changed, o); err != nil {
			return err
		}
	}
	err := printFindings(s.stderr, report, false)
	if err == nil && o.check && differ {
		err = findingsError{}
	}
	return err
}

// formatted does with one text what the options ask for. The text is nil if there was no way to format it.
func (s *session) formatted(path string, src *diag.Source, text []byte, changed bool, o fmtOptions) (err error) {
	if changed && o.diff {
		if _, err := s.stdout.Write(unified(src.Name, src.Name, src.Text, text)); err != nil {
			return err
		}
	}
	switch {
	case o.check && changed && !o.diff:
		_, err = fmt.Fprintln(s.stdout, src.Name)
	case o.check || o.diff:
	case path == "-" && text == nil:
		_, err = s.stdout.Write(src.Text)
	case path == "-":
		_, err = s.stdout.Write(text)
	case changed:
		if err = rewriteFile(path, src.Text, text); err == nil {
			_, err = fmt.Fprintln(s.stdout, path)
		}
	}
	return err
}

// canonical returns a recipe's text in canonical form, or nil with the findings that say why not.
func canonical(src *diag.Source, lang *recipe.Language, migrate bool, report *diag.List) []byte {
	if migrate {
		text, changed, found := recipe.Migrate(src, lang)
		for _, d := range found {
			report.Add(d)
		}
		if found.HasErrors() {
			return nil
		}
		if changed {
			src = &diag.Source{Name: src.Name, Text: text}
		}
	}
	return layout.Format(src, lang, report)
}

// readText reads a recipe, or standard input if the path is -.
func readText(path string) (*diag.Source, error) {
	if path != "-" {
		text, err := readRecipe(path)
		return &diag.Source{Name: path, Text: text}, err
	}
	text, err := io.ReadAll(io.LimitReader(os.Stdin, recipeBytes+1))
	return &diag.Source{Name: "<stdin>", Text: text}, err
}
