package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/pare-ml/pare/internal/dataset"
	"github.com/pare-ml/pare/recipe/diag"
)

// revision reads files of one commit out of git's objects, through the git command: it takes nothing out of the tree
// and changes nothing in the repository.
type revision struct {
	ctx    context.Context
	top    string // the repository
	commit string // its full hash
	dir    string // of the files taken out so far, as they lie in the repository
	root   *os.Root
	known  map[string]bool // names asked for -> the commit has it
}

// revisionOf splits REV:path. A file that is there under the whole name is no revision.
func revisionOf(arg string) (rev, name string, ok bool) {
	rev, name, ok = strings.Cut(arg, ":")
	if !ok || rev == "" || name == "" || filepath.VolumeName(arg) != "" {
		return "", "", false
	}
	if _, err := os.Stat(arg); err == nil {
		return "", "", false
	}
	return rev, name, true
}

// loadAny is load for a path or REV:path.
func (s *session) loadAny(arg string, set []string) (*project, error) {
	rev, name, ok := revisionOf(arg)
	if !ok {
		return s.load(arg, set)
	}
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	r := &revision{ctx: s.ctx, top: repositoryOf(here), known: map[string]bool{}}
	if err := r.open(rev); err != nil {
		return nil, err
	}
	p := &project{rev: r, sets: map[string]dataset.Set{}, files: []func() error{r.close}}
	text, name, err := r.recipe(rev, name, here)
	if err != nil {
		p.Close()
		return nil, err
	}
	p.source, p.dir = &diag.Source{Name: arg, Text: text}, filepath.Join(r.top, filepath.FromSlash(path.Dir(name)))
	return p, s.read(p, set)
}

// open resolves the name of a commit.
func (r *revision) open(rev string) error {
	if _, err := exec.LookPath("git"); err != nil {
		return usageError{fmt.Sprintf("%s names a commit, and there is no git command to read it with; install git, or give two files", rev)}
	}
	out, err := r.git("rev-parse", "--verify", "--quiet", "--end-of-options", rev+"^{commit}")
	if err != nil {
		return usageError{fmt.Sprintf("there is no commit %q in %s", rev, r.top)}
	}
	r.commit = strings.TrimSpace(string(out))
	if r.dir, err = os.MkdirTemp("", "pare-revision-"); err != nil {
		return err
	}
	r.root, err = os.OpenRoot(r.dir)
	return err
}

func (r *revision) close() error {
	if r.dir == "" {
		return nil
	}
	if r.root != nil {
		r.root.Close()
	}
	return os.RemoveAll(r.dir)
}

// git runs the git command in the repository, without its pager, its hooks or questions.
func (r *revision) git(args ...string) ([]byte, error) {
	cmd := exec.CommandContext(r.ctx, "git", args...)
	cmd.Dir = r.top
	cmd.Env = append(os.Environ(), "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1", "LC_ALL=C")
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		if text := strings.TrimSpace(problem.String()); text != "" {
			return nil, fmt.Errorf("git %s: %s", args[0], diag.Printable(text))
		}
		return nil, fmt.Errorf("git %s: %w", args[0], err)
	}
	return out.Bytes(), nil
}

// recipe reads the recipe, whose path counts from the repository's root as git has it, else from the folder we are in.
func (r *revision) recipe(rev, name, here string) (text []byte, found string, err error) {
	candidates := []string{name}
	if folder, err := filepath.Rel(r.top, here); err == nil && folder != "." {
		candidates = append(candidates, path.Join(filepath.ToSlash(folder), name))
	}
	for _, c := range candidates {
		c = path.Clean(c)
		if !filepath.IsLocal(c) {
			continue
		}
		there, err := r.extract(c)
		if err != nil {
			return nil, "", err
		}
		if !there {
			continue
		}
		f, err := r.root.Open(c)
		if err != nil {
			return nil, "", err
		}
		defer f.Close()
		text, err = io.ReadAll(io.LimitReader(f, recipeBytes+1))
		return text, c, err
	}
	return nil, "", usageError{fmt.Sprintf("commit %s has no file %s", rev, name)}
}

// extract takes a file out of the commit, once, and tells whether the commit has it. A pointer of Git LFS is not the
// file: that is in the tree, if anywhere.
func (r *revision) extract(name string) (bool, error) {
	name = filepath.ToSlash(name)
	if there, asked := r.known[name]; asked {
		return there, nil
	}
	r.known[name] = false
	kind, err := r.git("cat-file", "-t", r.commit+":"+name)
	if err != nil || strings.TrimSpace(string(kind)) != "blob" {
		return false, r.ctx.Err()
	}
	text, err := r.git("cat-file", "blob", r.commit+":"+name)
	if err != nil {
		return false, err
	}
	if len(text) < 1024 && bytes.HasPrefix(text, []byte("version https://git-lfs.github.com/spec/")) {
		return false, nil
	}
	if dir := path.Dir(name); dir != "." {
		if err := r.root.MkdirAll(dir, 0o755); err != nil {
			return false, err
		}
	}
	if err := r.root.WriteFile(name, text, 0o644); err != nil && !errors.Is(err, os.ErrExist) {
		return false, err
	}
	r.known[name] = true
	return true, nil
}
