package cli

import (
	"io"
	"os"

	"golang.org/x/term"

	"github.com/pare-ml/pare/recipe/diag"
)

// colour tells whether a stream is a terminal on which colour is welcome.
func colour(w io.Writer) bool {
	return terminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

func terminal(w io.Writer) bool {
	f, ok := file(w)
	return ok && term.IsTerminal(int(f.Fd()))
}

// width returns the columns of a terminal, or 100.
func width(w io.Writer) int {
	if f, ok := file(w); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n >= 60 {
			return n
		}
	}
	return 100
}

// printFindings writes findings to w, sorted. It returns findingsError if one of them is an error, or with strict a
// warning.
func printFindings(w io.Writer, list diag.List, strict bool) error {
	list.Sort()
	if err := diag.WriteText(w, list, diag.TextOptions{Color: colour(w), Excerpt: true}); err != nil {
		return err
	}
	return verdict(list, strict)
}

func verdict(list diag.List, strict bool) error {
	if list.HasErrors() || strict && list.Count(diag.Warning) > 0 {
		return findingsError{}
	}
	return nil
}
