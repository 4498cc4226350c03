package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	slashpath "path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/graph/lock"
	"github.com/pare-ml/pare/graph/provenance"
	"github.com/pare-ml/pare/graph/store"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
)

// variation is a surrounding that the result must not depend on.
type variation struct {
	what    string
	env     []string
	umask   int
	deep    int       // folders of long names around the copy
	times   time.Time // of the inputs; zero: 400 days ahead
	reverse bool      // the inputs are copied in the other order
	host    string    // name of the host, where the system lets us have another
}

var variations = []variation{
	{what: "1 processor, memory scarce, Kiribati, Turkish, umask 077, inputs of 1970", umask: 0o077, times: time.Unix(0, 0),
		env: []string{"GOMAXPROCS=1", "GOMEMLIMIT=64MiB", "TZ=Pacific/Kiritimati", "LANG=tr_TR.UTF-8", "LC_ALL=tr_TR.UTF-8"}},
	{what: "2 processors, Newfoundland, no language, umask 000, long paths, inputs in the other order and of the year 2099", umask: 0, deep: 4,
		times: time.Date(2099, 12, 31, 23, 59, 59, 0, time.UTC), reverse: true, host: "another-host",
		env: []string{"GOMAXPROCS=2", "TZ=America/St_Johns", "LANG=C", "LC_ALL=C", "SOURCE_DATE_EPOCH=1"}},
	{what: "7 workers, Nepal, Arabic, umask 022, SOURCE_DATE_EPOCH, inputs of 400 days ahead", umask: 0o022, deep: 1,
		host: "third-host",
		env:  []string{"GOMAXPROCS=7", "TZ=Asia/Kathmandu", "LANG=ar_EG.UTF-8", "LC_ALL=ar_EG.UTF-8", "SOURCE_DATE_EPOCH=4102444800"}},
}

// rebuild builds a verified result again, from a copy of its inputs alone, and compares.
func (s *session) rebuild(v *verification, o verifyOptions) error {
	if v.origin == nil {
		return integrityError{fmt.Sprintf("%s cannot be built again without its provenance", v.dir)}
	}
	external := v.origin.Predicate.Definition.External
	path := v.recipeAt(o.recipe)
	if path == "" {
		return usageError{"name the recipe with --recipe: the provenance does not say where it is from here"}
	}
	p, set, err := s.loadAs(path, external)
	if err != nil {
		return err
	}
	defer p.Close()
	for i, variation := range variations[:o.times] {
		r := &rebuilding{session: s, v: v, p: p, variation: variation, set: set}
		same, err := r.run()
		if err != nil {
			return fmt.Errorf("rebuild %d of %d (%s): %w", i+1, o.times, variation.what, err)
		}
		if len(r.wrong) > 0 {
			fmt.Fprintf(s.stdout, "  rebuild %d of %d differs (%s%s)\n", i+1, o.times, variation.what, r.note)
			for _, w := range r.wrong {
				fmt.Fprintf(s.stdout, "    %s\n", diag.Printable(w))
			}
			return integrityError{fmt.Sprintf("%s is not what building again gives: %s", v.dir, plural(len(r.wrong), "difference"))}
		}
		if _, err := fmt.Fprintf(s.stdout, "  rebuild %d of %d: %s the same (%s%s)\n", i+1, o.times, plural(same, "file"), variation.what, r.note); err != nil {
			return err
		}
	}
	return nil
}

// loadAs loads a recipe with the values of variables that a result was built with. set are the arguments that give them.
func (s *session) loadAs(path string, external provenance.External) (p *project, set []string, err error) {
	p, err = s.load(path, nil)
	if err != nil {
		return nil, nil, err
	}
	if p.recipe == nil || p.report.HasErrors() {
		p.Close()
		return nil, nil, integrityError{fmt.Sprintf("%s cannot be built any more: pare lint %s tells why", path, path)}
	}
	for _, v := range p.recipe.Vars {
		want, ok := external.Vars[v.Name]
		if now := fmt.Sprint(v.Value); !ok || now == want {
			continue
		}
		set = append(set, v.Name+"="+valueText(v, want))
	}
	if set == nil {
		return p, nil, nil
	}
	p.Close()
	p, err = s.load(path, set)
	return p, set, err
}

// valueText is the value of a variable as --set takes it: sizes have a unit.
func valueText(v recipe.Var, value string) string {
	if v.Kind == schema.KindBytes {
		return value + "B"
	}
	return value
}

type rebuilding struct {
	*session
	v *verification
	p *project
	variation
	set   []string
	wrong []string
	note  string
}

// run builds once and returns how many files are the same.
func (r *rebuilding) run() (same int, err error) {
	top, err := os.MkdirTemp("", "pare-rebuild-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(top)) }()
	if top, err = filepath.EvalSymlinks(top); err != nil {
		return 0, err
	}
	here, typed, whole, err := r.copyInputs(top)
	if err != nil || len(r.wrong) > 0 {
		return 0, err
	}
	out := filepath.Join(top, "out")
	if err := r.build(here, typed, out, filepath.Join(top, "home")); err != nil {
		return 0, err
	}
	return r.compare(out, whole)
}

// copyInputs copies the recipe and the inputs that the provenance lists below top, and nothing else: who reads another
// file finds none. It returns the folder to build in, and the recipe's path from there; whole tells that this is the path
// that the recipe was built by, so that reports must be equal too.
func (r *rebuilding) copyInputs(top string) (here, typed string, whole bool, err error) {
	for range r.deep {
		top = filepath.Join(top, strings.Repeat("long", 30))
	}
	folder, err := filepath.Rel(r.p.top, r.p.dir)
	if err != nil {
		return "", "", false, err
	}
	place := split(filepath.Join(folder, filepath.Base(r.p.source.Name)))
	typed = r.v.origin.Predicate.Definition.External.Recipe.Path
	root := top
	switch words := split(typed); {
	case !filepath.IsLocal(typed) || filepath.Clean(typed) != typed:
		typed, here = filepath.Base(r.p.source.Name), filepath.Join(top, folder)
	case suffix(place, words):
		here, whole = filepath.Join(append([]string{top}, place[:len(place)-len(words)]...)...), true
	case suffix(words, place):
		here, whole = top, true
		root = filepath.Join(append([]string{top}, words[:len(words)-len(place)]...)...)
	default: // the recipe was moved
		typed, here = filepath.Base(r.p.source.Name), filepath.Join(top, folder)
	}
	if err := os.MkdirAll(filepath.Join(root, ".git"), 0o777); err != nil { // makes root the place that inputs may come from
		return "", "", false, err
	}
	if err := r.copy(filepath.Join(root, folder, filepath.Base(r.p.source.Name)), bytes.NewReader(r.p.source.Text)); err != nil {
		return "", "", false, err
	}
	if config, err := r.p.root.Open(recipe.ConfigName); err == nil {
		err = errors.Join(r.copy(filepath.Join(root, recipe.ConfigName), config), config.Close())
		if err != nil {
			return "", "", false, err
		}
	}
	inputs := slices.Clone(r.v.origin.Predicate.Definition.Dependencies)
	if r.reverse {
		slices.Reverse(inputs)
	}
	for _, in := range inputs {
		f, err := r.p.lookUp(in.Name, lock.Data)
		if missing(err) {
			r.wrong = append(r.wrong, in.Name+", which the result was built from, is not there")
			continue
		} else if err != nil {
			return "", "", false, err
		}
		sum, err := f.SHA256(r.ctx)
		if err != nil {
			return "", "", false, err
		}
		if sum != in.Digest.SHA256 {
			r.wrong = append(r.wrong, fmt.Sprintf("%s is not what the result was built from: sha256 %.12s…, then %.12s…", in.Name, sum, in.Digest.SHA256))
			continue
		}
		if err := r.copy(filepath.Join(root, folder, filepath.FromSlash(slashpath.Clean(in.Name))), f.Reader()); err != nil {
			return "", "", false, err
		}
	}
	return here, typed, whole, nil
}

func split(path string) []string {
	return strings.Split(filepath.ToSlash(filepath.Clean(path)), "/")
}

// suffix tells whether list ends with end.
func suffix(list, end []string) bool {
	return len(end) <= len(list) && slices.Equal(list[len(list)-len(end):], end)
}

// copy writes a file with the times of the variation.
func (r *rebuilding) copy(path string, from io.Reader) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	at := r.times
	if at.IsZero() {
		at = time.Now().Add(400 * 24 * time.Hour)
	}
	return os.Chtimes(path, at, at)
}

// build runs this program in other surroundings, with nothing in its store.
func (r *rebuilding) build(here, typed, out, home string) error {
	if err := os.MkdirAll(home, 0o777); err != nil {
		return err
	}
	program, err := ownProgram()
	if err != nil {
		return err
	}
	args := []string{"build", typed, "--out", out, "--no-lock", "--no-cache", "--quiet"}
	for _, v := range r.set {
		args = append(args, "--set", v)
	}
	cmd := r.command(program, args)
	cmd.Dir = here
	cmd.Env = append([]string{"HOME=" + home, "TMPDIR=" + home, "USER=another", "PATH=" + os.Getenv("PATH")}, r.env...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.Discard, &said
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	err = startWithUmask(cmd, r.umask)
	if err == nil {
		err = cmd.Wait()
	}
	var exit *exec.ExitError
	switch {
	case r.ctx.Err() != nil:
		return r.ctx.Err()
	case errors.As(err, &exit) && exit.ExitCode() == exitGate:
		return nil // the result is compared all the same
	case err != nil:
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(diag.Printable(said.String())))
	}
	return nil
}

// command runs the program, under another host name if the system lets us have one.
func (r *rebuilding) command(program string, args []string) *exec.Cmd {
	if r.host == "" {
		return exec.CommandContext(r.ctx, program, args...)
	}
	unshare, err := exec.LookPath("unshare")
	if err == nil {
		ctx, done := context.WithTimeout(r.ctx, 10*time.Second)
		defer done()
		script := "echo " + r.host + " > /proc/sys/kernel/hostname"
		if exec.CommandContext(ctx, unshare, "--user", "--map-root-user", "--uts", "sh", "-c", script).Run() == nil {
			r.note = ", another host name"
			script += ` && exec "$@"`
			return exec.CommandContext(r.ctx, unshare, append([]string{"--user", "--map-root-user", "--uts", "sh", "-c", script, "sh", program}, args...)...)
		}
	}
	r.note = ", the same host name: the system lets us have no other"
	return exec.CommandContext(r.ctx, program, args...)
}

// ownProgram is the path of this program: by the name that it was called, if that is it.
func ownProgram() (string, error) {
	exe, err := os.Executable()
	if err != nil {
		return "", err
	}
	if called, err := exec.LookPath(os.Args[0]); err == nil {
		if called, err = filepath.Abs(called); err == nil && sameFile(called, exe) {
			return called, nil
		}
	}
	return exe, nil
}

// compare holds the files of a build against those of the verified one. Without whole only the model's files count: the
// recipe's path stands in the others.
func (r *rebuilding) compare(out string, whole bool) (same int, err error) {
	if _, err := os.Stat(out); errors.Is(err, fs.ErrNotExist) {
		out += rejected
	}
	again := &verification{dir: out, ctx: r.ctx}
	if err := again.folder(); err != nil {
		return 0, err
	}
	if again.listed == nil {
		return 0, fmt.Errorf("the build gave nothing: %s", strings.Join(again.wrong, "; "))
	}
	for _, name := range sortedNames(r.v.listed) {
		model := slices.ContainsFunc(r.v.models, func(m modelFile) bool { return filepath.ToSlash(m.Path) == name })
		now, ok := again.listed[name]
		switch {
		case name == provenance.EnvelopeName:
			continue // who builds again has no key
		case !whole && !model:
			continue
		case !ok:
			r.wrong = append(r.wrong, name+" is not there")
		case now == r.v.listed[name]:
			same++
		case model:
			if err := r.tensors(name, out); err != nil {
				return 0, err
			}
		case r.v.outcome == evaluate.NotMet || r.v.outcome == evaluate.Undecided:
			// the report of a rejected result names the folder that it was meant for
		default:
			r.wrong = append(r.wrong, name+" differs"+r.line(name, out))
		}
	}
	for _, name := range sortedNames(again.listed) {
		if _, ok := r.v.listed[name]; !ok && name != store.Sums {
			r.wrong = append(r.wrong, name+" was not there")
		}
	}
	return same, nil
}

const rejected = ".rejected"

func (r *rebuilding) tensors(name, out string) error {
	list, err := differences(filepath.Join(r.v.dir, filepath.FromSlash(name)), filepath.Join(out, filepath.FromSlash(name)))
	if err != nil {
		list = []string{fmt.Sprintf("the files differ, and cannot be compared: %v", err)}
	}
	for _, text := range list {
		r.wrong = append(r.wrong, name+": "+text)
	}
	return nil
}

// line names the first line in which two texts differ.
func (r *rebuilding) line(name, out string) string {
	a, errA := r.v.read(name)
	b, errB := (&verification{dir: out}).read(name)
	if errA != nil || errB != nil {
		return ""
	}
	want, got := strings.Split(string(a), "\n"), strings.Split(string(b), "\n")
	for i := range min(len(want), len(got)) {
		if want[i] != got[i] {
			return fmt.Sprintf(" from line %d on: it is %.60s, was %.60s", i+1, strings.TrimSpace(got[i]), strings.TrimSpace(want[i]))
		}
	}
	return ""
}
