package cli

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	slashpath "path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/graph"
	formatall "github.com/pare-ml/pare/graph/format/all"
	"github.com/pare-ml/pare/graph/lock"
	"github.com/pare-ml/pare/graph/store"
	"github.com/pare-ml/pare/recipe/diag"
)

// differs is the error of something that is not what it should be, with a list of what differs.
func differs(what string, list []string) error {
	return integrityError{what + ": " + strings.Join(list, "; ")}
}

// lockName is the path of the lock beside a recipe, in the user's words.
func lockName(recipe string) string { return filepath.Join(filepath.Dir(recipe), lock.Name) }

// section is the name that a recipe has in its lock.
func (p *project) section() string { return filepath.Base(p.source.Name) }

// readLock reads the lock beside a recipe; nil if there is none. A lock that cannot be understood is a *lock.Damage; the
// text is returned with it.
func readLock(recipe string) (*lock.File, []byte, error) {
	path := lockName(recipe)
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, nil
	case err != nil:
		return nil, nil, err
	case !info.Mode().IsRegular():
		return nil, nil, &lock.Damage{Path: path, Line: 1, Reason: "the lock is not a regular file"}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, lock.MaxSize+1))
	if err != nil {
		return nil, nil, err
	}
	file, err := lock.Parse(path, text)
	return file, text, err
}

// mustLock returns the section of a recipe that is to be built as its lock says.
func mustLock(p *project) (*lock.Recipe, error) {
	f, _, err := readLock(p.source.Name)
	if err != nil {
		return nil, err
	}
	if r := f.Section(p.section()); r != nil {
		return r, nil
	}
	what := fmt.Sprintf("there is no %s", lockName(p.source.Name))
	if f != nil {
		what = fmt.Sprintf("%s has no section for %s", lockName(p.source.Name), p.section())
	}
	return nil, integrityError{what + "; pare build without --locked writes it, and so does pare lock --update " + p.source.Name}
}

// state returns what a project's recipe is built from, as far as it was opened: all of it if the data sets were. The
// digests of the inputs are taken if hash is set.
func (p *project) state(ctx context.Context, plan *graph.Plan, hash bool) (*lock.Recipe, error) {
	effective, err := plan.Effective()
	if err != nil {
		return nil, err
	}
	r := &lock.Recipe{Name: p.section(), Effective: sha256Hex(effective), Tool: release(), Seed: plan.Recipe.Seed}
	for _, v := range plan.Recipe.Vars {
		r.Vars = append(r.Vars, lock.Var{Name: v.Name, Value: fmt.Sprint(v.Value)})
	}
	versions(r, plan)
	for _, f := range p.inputs.Files() {
		kind, used := p.used[f]
		if !used {
			continue // opened to look at it only
		}
		in := lock.Input{Path: slashpath.Clean(f.Path), Kind: kind, Size: f.Size()}
		if hash {
			if in.SHA256, err = f.SHA256(ctx); err != nil {
				return nil, err
			}
		}
		r.Inputs = append(r.Inputs, in)
	}
	r.Sort()
	return r, nil
}

func sha256Hex(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }

// versions fills in the passes, metrics and formats that the recipe names.
func versions(r *lock.Recipe, plan *graph.Plan) {
	add := func(list *[]lock.Uses, name string, version int) {
		if u := (lock.Uses{Name: name, Version: version}); !slices.Contains(*list, u) {
			*list = append(*list, u)
		}
	}
	suite := Suite()
	for _, s := range plan.Steps {
		add(&r.Passes, s.Pass.Name, s.Pass.Version)
	}
	gates := slices.Clone(plan.Recipe.Gates)
	for _, s := range plan.Recipe.Steps {
		gates = append(gates, s.Gates...)
	}
	for _, g := range gates {
		if m := suite.Metric(g.Metric); m != nil {
			add(&r.Metrics, m.Name, m.Version)
		}
	}
	for _, o := range plan.Recipe.Outputs {
		if f := suite.Format(o.Format); f != nil {
			add(&r.Formats, f.Name, f.Version)
		}
	}
}

// tensors lists the tensors of the models among the inputs.
func (p *project) tensors(r *lock.Recipe) error {
	for _, o := range p.models {
		path := slashpath.Clean(o.path)
		if o.kind != lock.Model || r.TensorsOf(path) != nil || !o.model.HasWeights() {
			continue
		}
		list, err := lock.TensorsIn(o.model)
		if err != nil {
			return err
		}
		if list != nil {
			r.Tensors = append(r.Tensors, lock.Tensors{Path: path, List: list})
		}
	}
	r.Sort()
	return nil
}

// openData opens every file of the recipe's data sets, without reading it.
func (p *project) openAllData() error {
	for _, d := range p.recipe.Data {
		for _, path := range []string{d.Images, d.Labels, d.Importance} {
			if path == "" {
				continue
			}
			if _, err := p.open(path, lock.Data); err != nil {
				return err
			}
		}
	}
	return nil
}

// verifyInputs holds the files that a lock lists against their digests, before anything is read from them.
func (p *project) verifyInputs(ctx context.Context, r *lock.Recipe) (wrong []string, err error) {
	for _, in := range r.Inputs {
		f, err := p.lookUp(in.Path, in.Kind)
		var gone *errMissing
		switch {
		case errors.As(err, &gone):
			wrong = append(wrong, in.Path+" is in the lock and is not there")
			continue
		case err != nil:
			return nil, err
		}
		sum, err := f.SHA256(ctx)
		if err != nil {
			return nil, err
		}
		if sum != in.SHA256 {
			now := &lock.Recipe{Inputs: []lock.Input{{Path: in.Path, Kind: in.Kind, SHA256: sum, Size: f.Size()}}}
			was := &lock.Recipe{Inputs: []lock.Input{in}}
			wrong = append(wrong, lock.Compare(was, now)[0]+p.differing(r, in))
		}
	}
	return wrong, nil
}

// differing says which tensors of a model are not those of the lock.
func (p *project) differing(r *lock.Recipe, in lock.Input) string {
	var out []string
	for _, t := range r.Tensors {
		if t.Path != in.Path && (in.Kind != lock.Weights || !below(in.Path, slashpath.Dir(t.Path))) {
			continue
		}
		f, err := p.lookUp(t.Path, lock.Model)
		if err != nil {
			continue // told where the model itself is looked at
		}
		m, done, err := formatall.Open(f.Name())
		if err != nil {
			return " (it is no model any more)"
		}
		defer done()
		now, err := lock.TensorsIn(m)
		if err != nil {
			return " (its tensors cannot be read any more)"
		}
		if text := lock.CompareTensors(t.List, now); text != "" {
			out = append(out, text)
		}
	}
	switch {
	case out != nil:
		return " in " + diag.Printable(strings.Join(out, ", "))
	case in.Kind == lock.Model && r.TensorsOf(in.Path) != nil:
		return " (its tensors are the same: what differs stands around them)"
	}
	return ""
}

// below tells whether a path lies in a folder or in one below it.
func below(path, folder string) bool {
	rest, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(rest)
}

// checkLocked refuses a recipe that is not what its lock says. now has its tensors.
func (p *project) checkLocked(r, now *lock.Recipe) error {
	list := lock.Compare(r, now)
	if list == nil && !slices.EqualFunc(r.Tensors, now.Tensors, func(a, b lock.Tensors) bool { return a.Path == b.Path && slices.Equal(a.List, b.List) }) {
		list = []string{"its list of tensors was edited: the models are the same, and their tensors are others"}
	}
	if list != nil {
		return p.notLocked(list)
	}
	return nil
}

func (p *project) notLocked(list []string) error {
	return differs(fmt.Sprintf("%s is not what %s says", p.source.Name, lockName(p.source.Name)), list)
}

// artifactsOf are the files of a build's models, as a lock holds them.
func artifactsOf(files []evaluate.File) []lock.Artifact {
	var out []lock.Artifact
	for _, f := range files {
		out = append(out, lock.Artifact{Path: filepath.ToSlash(f.Path), SHA256: f.SHA256, Size: f.Bytes})
	}
	return out
}

// writeLock puts a section into the lock beside the recipe and tells whether that changed the file. A lock that cannot be
// understood is written anew, with this section alone; the text says so.
func (s *session) writeLock(p *project, r *lock.Recipe) (changed bool, note string, err error) {
	path := lockName(p.source.Name)
	text, _, err := p.lockWith(r)
	if err != nil {
		return false, "", err
	}
	if text == nil {
		store.Edited(s.files, path)
		return false, "", nil
	}
	err = store.Edit(s.ctx, s.files, path, "pare lock "+p.source.Name, s.warn, func() (text []byte, err error) {
		text, note, err = p.lockWith(r) // again: another build may have written its section meanwhile
		changed = text != nil
		return text, err
	})
	if err != nil {
		return false, "", fmt.Errorf("%s could not be written: %w; --no-lock builds without it", path, err)
	}
	return changed, note, nil
}

// lockWith is the text of the lock with a section in it; nil if it is there already.
func (p *project) lockWith(r *lock.Recipe) (text []byte, note string, err error) {
	file, old, err := readLock(p.source.Name)
	var damage *lock.Damage
	if errors.As(err, &damage) {
		note = fmt.Sprintf("%v; it was written anew with %s alone: build the other recipes again", err, p.section())
	} else if err != nil {
		return nil, "", err
	}
	if file == nil {
		file = &lock.File{}
	}
	file.Put(r)
	text = file.Encode()
	if strings.Contains(string(old), "\r\n") && damage == nil {
		text = []byte(strings.ReplaceAll(string(text), "\n", "\r\n"))
	}
	if string(text) == string(old) {
		return nil, "", nil
	}
	return text, note, nil
}

// lintLock says when a recipe and its lock have parted, from what is cheap to know: no input is hashed.
func (p *project) lintLock(ctx context.Context, plan *graph.Plan) error {
	if p.rev != nil {
		return nil
	}
	file, text, err := readLock(p.source.Name)
	var damage *lock.Damage
	if errors.As(err, &damage) {
		src := &diag.Source{Name: damage.Path, Text: text}
		p.report.Errorf(lineOf(src, damage.Line), "lock-damaged", "%s", damage.Reason)
		return nil
	}
	r := file.Section(p.section())
	if err != nil || r == nil || plan == nil {
		return err
	}
	if err := p.openAllData(); err != nil && !missing(err) {
		return err
	}
	now, err := p.state(ctx, plan, false)
	if err != nil {
		return err
	}
	for i, in := range now.Inputs {
		if in.Kind != lock.Import && in.Kind != lock.Target && in.Kind != lock.Manifest {
			continue
		}
		f, err := p.lookUp(in.Path, in.Kind)
		if err != nil {
			return err
		}
		if now.Inputs[i].SHA256, err = f.SHA256(ctx); err != nil {
			return err
		}
	}
	for _, in := range r.Inputs {
		if now.Input(in.Path) != nil {
			continue
		}
		if _, err := p.lookUp(in.Path, in.Kind); missing(err) {
			now.Inputs = append(now.Inputs, in) // what is not at hand cannot be compared
		}
	}
	now.Sort()
	if list := lock.Compare(r, now); list != nil {
		name := p.source.Name
		if p.held != nil {
			name = p.section() // an editor names files from the root of the disk
		}
		p.report.Warningf(p.recipe.Root.Head(), "lock-stale", "%s was made from something else: %s; build again, or write it with `pare lock --update %s`",
			lockName(name), shorten(list, 4), diag.Printable(name))
	}
	return nil
}

func missing(err error) bool {
	var gone *errMissing
	return errors.As(err, &gone)
}

// lineOf is the place of a line, counted from 1.
func lineOf(src *diag.Source, line int) diag.Span {
	start := 0
	for range line - 1 {
		i := strings.IndexByte(string(src.Text[start:]), '\n')
		if i < 0 {
			break
		}
		start += i + 1
	}
	end := len(src.Text)
	if i := strings.IndexByte(string(src.Text[start:]), '\n'); i >= 0 {
		end = start + i
	}
	return diag.Span{Source: src, Start: start, End: end}
}
