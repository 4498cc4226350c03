package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/lock"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
)

var buildVerb = &verb{
	name: "build", args: "RECIPE", summary: "run the plan, check the gates, write the model and its report", min: 1, max: 1,
	long: `Runs the recipe's passes, writes the artefact, reads it back, measures it against the model that came in and decides
the gates. The folder named by --out then holds the artefact, report.json, report.md, recipe.yaml (the recipe with
every default written out), provenance.json, sbom.cdx.json and SHA256SUMS. If a gate is not met or undecided the build exits 4, the folder stays
as it was, and the result goes to the folder of that name with .rejected behind it.

What the result was built from, and its digests, are written into pare.lock beside the recipe. With --locked the
build gives what the lock says or nothing: it exits 5 if an input, a variable, a version or the result differs.`,
	setup: func(f *pflag.FlagSet) func(*session, []string) error {
		var o buildOptions
		f.StringArrayVar(&o.set, "set", nil, "give a declared variable another value: name=value")
		f.StringVar(&o.out, "out", "", "folder of the result (default dist/NAME, NAME being the recipe's)")
		f.IntVar(&o.workers, "workers", 0, "goroutines that compute (0: one for each processor); the bytes do not depend on it")
		f.BoolVar(&o.locked, "locked", false, "build what pare.lock says, or exit 5")
		f.BoolVar(&o.noLock, "no-lock", false, "leave pare.lock as it is")
		f.StringVar(&o.signKey, "sign-key", "", "an ed25519 key (PEM, PKCS #8) to sign the provenance with")
		f.StringVar(&o.memory, "memory-limit", "", "refuse a plan that needs more memory, and keep below it: 4GB")
		cacheFlag(f, &o.cache)
		f.BoolVar(&o.noCache, "no-cache", false, "neither look for results of earlier builds nor keep any")
		f.BoolVar(&o.quiet, "quiet", false, "print the findings and the last line alone")
		return func(s *session, args []string) error { return s.build(args[0], o) }
	},
}

type buildOptions struct {
	set     []string
	out     string
	workers int
	locked  bool
	noLock  bool
	memory  string
	cache   string
	noCache bool
	signKey string
	quiet   bool
}

// check refuses options that make no sense.
func (o *buildOptions) check() error {
	switch {
	case o.workers < 0:
		return usageError{fmt.Sprintf("--workers is %d; it must be 0 or more", o.workers)}
	case o.noCache && o.cache != "":
		return usageError{"--cache names a store and --no-cache asks for none; give one of them"}
	case o.locked && o.noLock:
		return usageError{"--locked builds what the lock says and --no-lock without it; give one of them"}
	}
	return nil
}

func (s *session) build(path string, o buildOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	limit, err := memoryLimit(o.memory)
	if err != nil {
		return err
	}
	key, err := signingKey(o.signKey)
	if err != nil {
		return err
	}
	p, err := s.load(path, o.set)
	if err != nil {
		return err
	}
	defer p.Close()
	var locked *lock.Recipe
	if o.locked && p.recipe != nil {
		if locked, err = s.verifyLocked(p); err != nil {
			return err
		}
	}
	plan, err := s.compile(p, diag.Error)
	var r *graph.Runner
	if err == nil {
		if o.out == "" {
			o.out = filepath.Join("dist", p.name())
		}
		var release func()
		r, release, err = s.runner(p, o)
		defer release()
	}
	if err == nil {
		err = p.checkData(s.ctx, plan, r)
	}
	if err == nil {
		err = s.decidable(p, plan)
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
	if err := limit.apply(plan); err != nil {
		return err
	}
	if err := room(plan, o.out); err != nil {
		return err
	}
	late := plan.Sweeps() && locked == nil
	now, err := p.buildState(s.ctx, plan, !late)
	if err == nil && !o.noLock {
		err = p.tensors(now)
	}
	if err == nil && locked != nil {
		err = p.checkLocked(locked, now)
	}
	if err != nil {
		return err
	}
	release, err := s.claim(p, now, o.out)
	if err != nil {
		return err
	}
	defer release()
	if !o.quiet {
		if err := plan.WriteText(s.stdout); err != nil {
			return err
		}
		fmt.Fprintln(s.stdout)
	}
	bar := newProgress(s.stderr)
	r.Log, r.Memory = bar.update, int64(limit)
	if late {
		end := p.sealLate(s.ctx, plan, now, key, r)
		defer end()
	} else {
		r.Seal = p.seal(s.ctx, plan, now, locked, key)
	}
	tool := evaluate.Tool{Name: "pare", Version: Version()}
	built, err := r.Build(s.ctx, plan, input, tool, p.report, filepath.Clean(o.out))
	bar.clear()
	if err != nil {
		return p.orChanged(err)
	}
	s.published = built.Dir
	if err := s.printBuilt(built, o); err != nil || o.locked || o.noLock {
		return err
	}
	return s.keepLock(p, now, built)
}

// verifyLocked reads the lock and holds the inputs that it lists against it.
func (s *session) verifyLocked(p *project) (*lock.Recipe, error) {
	r, err := mustLock(p)
	if err != nil {
		return nil, err
	}
	wrong, err := p.verifyInputs(s.ctx, r)
	if err == nil && wrong != nil {
		err = p.notLocked(wrong)
	}
	return r, err
}

// buildState is what the recipe is built from, with the digests of all inputs if hash is set.
func (p *project) buildState(ctx context.Context, plan *graph.Plan, hash bool) (*lock.Recipe, error) {
	if err := p.openAllData(); err != nil {
		return nil, err
	}
	return p.state(ctx, plan, hash)
}

// keepLock writes into the lock what was built.
func (s *session) keepLock(p *project, now *lock.Recipe, built *graph.Built) error {
	now.Artifacts = artifactsOf(built.Report.Artifacts)
	changed, note, err := s.writeLock(p, now)
	if note != "" {
		fmt.Fprintf(s.stderr, "pare: %s\n", note)
	}
	if err == nil && changed {
		fmt.Fprintf(s.stderr, "%s says what this was built from; keep it with the recipe\n", lockName(p.source.Name))
	}
	return err
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
func (p *project) checkData(ctx context.Context, plan *graph.Plan, r *graph.Runner) error {
	declared := func(name string) *recipe.Data {
		for i, d := range p.recipe.Data {
			if d.Name == name {
				return &p.recipe.Data[i]
			}
		}
		return nil // reported by recipe.Parse
	}
	var read []*recipe.Data
	for _, name := range plan.Reads() {
		if d := declared(name); d != nil {
			if err := p.there(d); err != nil {
				return err
			}
			read = append(read, d)
		}
	}
	for _, name := range plan.Tests() {
		d := declared(name)
		if d == nil {
			continue
		}
		if err := p.there(d); err != nil {
			return err
		}
		for _, other := range read {
			o, err := r.Overlap(ctx, p.recipe, d.Name, other.Name)
			if err != nil {
				return err
			}
			if o.Count > 0 {
				p.report.Errorf(d.Node.Span, "data-overlap", "%s of %s are also in %s (the first: sample %d, there sample %d); a gate must be measured on samples that no step has seen",
					plural(o.Count, "sample"), name, other.Name, o.First, o.There)
			}
		}
	}
	if p.report.HasErrors() {
		return findingsError{}
	}
	return nil
}

// there makes sure that the files of a data set are.
func (p *project) there(d *recipe.Data) error {
	for _, path := range []string{d.Images, d.Labels, d.Importance} {
		if path == "" {
			continue
		}
		if _, err := p.open(path, lock.Data); err != nil {
			return p.missing(err, d.Node, diag.Error)
		}
	}
	return nil
}
