package cli

import (
	"fmt"

	"github.com/spf13/pflag"

	"github.com/pare-ml/pare/graph/lock"
	"github.com/pare-ml/pare/recipe/diag"
)

var lockVerb = &verb{
	name: "lock", args: "RECIPE", summary: "is pare.lock what the recipe would be built from?", min: 1, max: 1,
	long: `Reads every input of the recipe and holds what it would be built from against pare.lock beside it: files by their
digests, variables, seed, versions of pare and of the passes, metrics and formats in use. Exits 5 if they differ.
With --update the lock is written instead, without building: it then expects no particular result, unless nothing
had changed. pare build writes it too.`,
	setup: func(f *pflag.FlagSet) func(*session, []string) error {
		set := f.StringArray("set", nil, "give a declared variable another value: name=value")
		update := f.Bool("update", false, "write what the recipe would be built from into pare.lock")
		return func(s *session, args []string) error { return s.lock(args[0], *set, *update) }
	},
}

func (s *session) lock(path string, set []string, update bool) error {
	p, err := s.load(path, set)
	if err != nil {
		return err
	}
	defer p.Close()
	var locked *lock.Recipe
	if !update && p.recipe != nil {
		if locked, err = s.verifyLocked(p); err != nil {
			return err
		}
	}
	plan, err := s.compile(p, diag.Error)
	if err == nil {
		_, err = p.input()
	}
	p.silence(plan != nil)
	if perr := printFindings(s.stderr, p.report, p.strict(false)); err == nil {
		err = perr
	}
	if err != nil {
		return err
	}
	now, err := p.buildState(s.ctx, plan, true)
	if err != nil {
		return err
	}
	if err := p.tensors(now); err != nil {
		return err
	}
	if !update {
		if err := p.checkLocked(locked, now); err != nil {
			return err
		}
		return s.printLocked(p, locked)
	}
	if file, _, err := readLock(path); err == nil {
		if old := file.Section(p.section()); old != nil && old.Digest() == now.Digest() {
			now.Artifacts = old.Artifacts
		}
	}
	if err := p.inputs.Check(s.ctx); err != nil {
		return err
	}
	changed, note, err := s.writeLock(p, now)
	if err != nil {
		return err
	}
	if note != "" {
		fmt.Fprintf(s.stderr, "pare: %s\n", note)
	}
	if !changed {
		_, err = fmt.Fprintf(s.stdout, "%s is as it was: it holds %s of %s\n", lockName(path), plural(len(now.Inputs), "input"), p.section())
		return err
	}
	_, err = fmt.Fprintf(s.stdout, "%s written: it holds %s of %s\n", lockName(path), plural(len(now.Inputs), "input"), p.section())
	return err
}

func (s *session) printLocked(p *project, r *lock.Recipe) error {
	result := "no build has given a result yet"
	if len(r.Artifacts) > 0 {
		result = fmt.Sprintf("the result is known: sha256 %s of %s", r.Artifacts[0].SHA256, r.Artifacts[0].Path)
	}
	_, err := fmt.Fprintf(s.stdout, "%s: %s as %s says; %s\n", diag.Printable(p.source.Name), plural(len(r.Inputs), "input"), lockName(p.source.Name), result)
	return err
}
