package cli

import (
	"github.com/spf13/pflag"

	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/recipe/diag"
)

var diffVerb = &verb{
	name: "diff", args: "A B", summary: "which layers two recipes treat differently", min: 2, max: 2,
	long: `Compares two recipes as plans: layers that change treatment, parameters and sizes before and after, gates loosened,
tightened or removed, data, model, seed or order changed. A and B are files, or REV:path for a file of a commit of
git (main:recipes/fashion.yaml); imports, manifests and models of a commit are read from the commit, and from the
tree if it does not hold them. --markdown prints a comment for a review. Exits 0, or with --exit-code 1 if the two
differ. No weight is read.`,
	setup: func(f *pflag.FlagSet) func(*session, []string) error {
		var o diffOptions
		f.StringArrayVar(&o.set, "set", nil, "give a declared variable of both another value: name=value")
		f.BoolVar(&o.asJSON, "json", false, "print JSON")
		f.BoolVar(&o.markdown, "markdown", false, "print Markdown")
		f.BoolVar(&o.exitCode, "exit-code", false, "exit 1 if the two differ")
		return func(s *session, args []string) error { return s.diff(args[0], args[1], o) }
	},
}

type diffOptions struct {
	set                        []string
	asJSON, markdown, exitCode bool
}

func (s *session) diff(a, b string, o diffOptions) error {
	if o.asJSON && o.markdown {
		return usageError{"--json and --markdown are two forms of one answer; ask for one"}
	}
	before, closeA, err := s.planOf(a, o.set)
	if err != nil {
		return err
	}
	defer closeA()
	after, closeB, err := s.planOf(b, o.set)
	if err != nil {
		return err
	}
	defer closeB()
	d := graph.Diff(before, after, s.suite)
	switch {
	case o.asJSON:
		err = d.WriteJSON(s.stdout)
	case o.markdown:
		err = d.WriteMarkdown(s.stdout)
	default:
		err = d.WriteText(s.stdout, width(s.stdout))
	}
	if err == nil {
		err = printFindings(s.stderr, d.Findings(), false)
	}
	if err == nil && o.exitCode && !d.Empty() {
		return findingsError{}
	}
	return err
}

// planOf compiles a recipe for a look at its plan. Findings are printed only if there is an error among them: lint and
// plan tell of the others.
func (s *session) planOf(arg string, set []string) (*graph.Plan, func(), error) {
	p, err := s.loadAny(arg, set)
	if err != nil {
		return nil, nil, err
	}
	plan, err := s.compile(p, diag.Error)
	if err != nil {
		p.silence(false)
		if perr := printFindings(s.stderr, p.report, false); perr != nil {
			err = perr
		}
		p.Close()
		return nil, nil, err
	}
	return plan, p.Close, nil
}
