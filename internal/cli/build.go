package cli

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/dataset"
	"github.com/pare-ml/pare/internal/gnuflag"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
)

var buildVerb = &verb{
	name: "build", args: "RECIPE", summary: "run the plan, check the gates, write the model and its report", min: 1, max: 1,
	long: `Runs the recipe's passes, writes the artefact, reads it back, measures it against the model that came in and decides
the gates. The folder named by --out then holds the artefact, report.json, report.md, recipe.yaml (the recipe with
every default written out) and SHA256SUMS. If a gate is not met or undecided the build exits 4, the folder stays
as it was, and the result goes to the folder of that name with .rejected behind it.`,
	setup: func(f *gnuflag.Set) func(*session, []string) error {
		var o buildOptions
		f.StringArrayVar(&o.set, "set", "give a declared variable another value: name=value")
		f.StringVar(&o.out, "out", "", "folder of the result (default dist/NAME, NAME being the recipe's)")
		f.IntVar(&o.workers, "workers", 0, "goroutines that compute (0: one for each processor); the bytes do not depend on it")
		f.BoolVar(&o.quiet, "quiet", false, "print the findings and the last line alone")
		return func(s *session, args []string) error { return s.build(args[0], o) }
	},
}

type buildOptions struct {
	set     []string
	out     string
	workers int
	quiet   bool
}

func (s *session) build(path string, o buildOptions) error {
	if o.workers < 0 {
		return usageError{fmt.Sprintf("--workers is %d; it must be 0 or more", o.workers)}
	}
	p, err := s.load(path, o.set)
	if err != nil {
		return err
	}
	defer p.Close()
	plan, err := s.compile(p, diag.Error)
	if err == nil {
		err = p.checkData(plan)
	}
	var input *ir.Model
	if err == nil {
		input, err = p.input()
	}
	p.silence(plan != nil)
	if perr := printFindings(s.stderr, p.report, p.strict(false)); err == nil {
		err = perr
	}
	if err != nil {
		return err
	}
	if o.out == "" {
		o.out = filepath.Join("dist", p.name())
	}
	if !o.quiet {
		if err := plan.WriteText(s.stdout); err != nil {
			return err
		}
		fmt.Fprintln(s.stdout)
	}
	bar := newProgress(s.stderr)
	suite, err := s.suiteOf(p, new(diag.List)) // what there is to say has been said
	if err != nil {
		return err
	}
	r := &graph.Runner{Suite: suite, Workers: o.workers, Open: p.Model, Data: p.Data, Log: bar.update}
	tool := evaluate.Tool{Name: "pare", Version: Version()}
	built, err := r.Build(s.ctx, plan, input, tool, p.report, filepath.Clean(o.out))
	bar.clear()
	if err != nil {
		return err
	}
	return s.printBuilt(built, o)
}

// input opens the model that goes in, for its weights: a manifest will not do.
func (p *project) input() (*ir.Model, error) {
	m, err := p.Model(p.recipe.Model.Path)
	if err == nil {
		return m, needWeights(m, "build")
	}
	if err = p.missing(err, p.recipe.Model.Node, diag.Error); err == nil {
		err = findingsError{}
	}
	return nil, err
}

func (s *session) printBuilt(b *graph.Built, o buildOptions) error {
	if !o.quiet {
		if err := b.Report.WriteText(s.stdout, width(s.stdout), colour(s.stdout)); err != nil {
			return err
		}
	} else if _, err := fmt.Fprintf(s.stdout, "%s: %s\n", b.Dir, b.Report.Outcome()); err != nil {
		return err
	}
	switch b.Report.Outcome() {
	case evaluate.Met, evaluate.NoGates:
		return nil
	}
	return gateError{}
}

// name is the recipe's name, else that of its file.
func (p *project) name() string {
	if p.recipe.Name != "" {
		return p.recipe.Name
	}
	base := filepath.Base(p.source.Name)
	return strings.TrimSuffix(base, filepath.Ext(base))
}

// checkData opens every data set that the plan uses and reports those that are not there, and samples that a set to
// test on shares with one that the model is trained or calibrated with: a gate must see what no step has seen.
func (p *project) checkData(plan *graph.Plan) error {
	open := func(name string) (dataset.Set, *recipe.Data, error) {
		for i, d := range p.recipe.Data {
			if d.Name == name {
				set, err := p.Data(name)
				if err != nil {
					err = p.missing(err, d.Node, diag.Error)
				}
				return set, &p.recipe.Data[i], err
			}
		}
		return nil, nil, nil // reported by recipe.Parse
	}
	var read []dataset.Set
	var names []string
	for _, name := range plan.Reads() {
		set, _, err := open(name)
		if err != nil {
			return err
		}
		if set != nil {
			read, names = append(read, set), append(names, name)
		}
	}
	for _, name := range plan.Tests() {
		set, d, err := open(name)
		if err != nil {
			return err
		}
		for i := range read {
			if set == nil {
				continue
			}
			if n, a, b := dataset.Overlap(set, read[i]); n > 0 {
				p.report.Errorf(d.Node.Span, "data-overlap", "%s of %s are also in %s (the first: sample %d, there sample %d); a gate must be measured on samples that no step has seen",
					plural(n, "sample"), name, names[i], a, b)
			}
		}
	}
	if p.report.HasErrors() {
		return findingsError{}
	}
	return nil
}
