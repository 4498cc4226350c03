package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Occupied is the error of Check for a place that pare must not replace.
type Occupied struct{ Path, Why string }

func (o *Occupied) Error() string {
	return fmt.Sprintf("%s %s; name another folder with --out, or move it away", o.Path, o.Why)
}

// Check tells whether target may be published to: it is absent, an empty folder, or a folder in which pare wrote
// everything there is. It must not be, hold or replace one of the inputs, nor hold the folder that pare runs in.
func Check(target string, inputs ...string) error {
	abs, err := filepath.Abs(target)
	if err != nil {
		return err
	}
	if err := checkAround(target, abs, inputs); err != nil {
		return err
	}
	info, err := os.Lstat(abs)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.IsDir():
		return &Occupied{target, "is " + kind(info.Mode())}
	case info.Mode().Perm()&0o200 == 0:
		return &Occupied{target, "is a folder that must not be changed (its mode is " + info.Mode().Perm().String() + ")"}
	}
	listed, err := readSums(abs)
	if err != nil {
		return err
	}
	return filepath.WalkDir(abs, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(abs, path)
		if err != nil {
			return err
		}
		if name = filepath.ToSlash(name); name != Sums && !slices.Contains(listed, name) {
			return &Occupied{target, "holds " + name + ", which pare did not write"}
		}
		return nil
	})
}

func kind(m fs.FileMode) string {
	switch {
	case m.IsRegular():
		return "a file, not a folder"
	case m&fs.ModeSymlink != 0:
		return "a symbolic link, not a folder"
	case m&fs.ModeNamedPipe != 0:
		return "a pipe, not a folder"
	case m&fs.ModeSocket != 0:
		return "a socket, not a folder"
	}
	return "not a folder"
}

// checkAround looks at where the target lies, links followed.
func checkAround(target, abs string, inputs []string) error {
	real := resolved(abs)
	if real == filepath.Dir(real) {
		return &Occupied{target, "is the root of the file system"}
	}
	if dir, err := os.Getwd(); err == nil && inside(resolved(dir), real) {
		return &Occupied{target, "is or holds the folder that pare runs in"}
	}
	for _, in := range inputs {
		path, err := filepath.Abs(in)
		if err != nil {
			return err
		}
		switch path = resolved(path); {
		case path == real:
			return &Occupied{target, "is an input of this build"}
		case inside(path, real):
			return &Occupied{target, "holds " + in + ", an input of this build"}
		}
	}
	return nil
}

// resolved follows the links of a path as far as it exists.
func resolved(path string) string {
	rest := ""
	for p := path; ; p = filepath.Dir(p) {
		if real, err := filepath.EvalSymlinks(p); err == nil {
			return filepath.Join(real, rest)
		}
		if p == filepath.Dir(p) {
			return path
		}
		rest = filepath.Join(filepath.Base(p), rest)
	}
}

// inside tells whether path is dir or lies in it.
func inside(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

// readSums returns the names that a folder's list of digests holds; none if there is no list.
func readSums(dir string) ([]string, error) {
	path := filepath.Join(dir, Sums)
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &Occupied{path, "is " + strings.TrimSuffix(kind(info.Mode()), ", not a folder")}
	}
	f, err := os.OpenFile(path, os.O_RDONLY|cautious, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return nil, err
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		if _, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  "); ok {
			names = append(names, name)
		}
	}
	return names, nil
}

// HoldTarget keeps a folder to one build until release or the end of the process. A second build of the same work, which is what
// same says (the digest of its plan, for instance; empty: of none), waits for the first, so that equal builds at once work
// once; one of other work is refused at once with a *Held. What a dead build of the same target left is cleaned up. The folders
// above target are made.
func HoldTarget(ctx context.Context, f FS, target, who, same string, warn func(string)) (release func(), err error) {
	f = orOS(f)
	abs, err := filepath.Abs(target)
	if err != nil {
		return nil, err
	}
	if err := makeDirs(f, filepath.Dir(abs), 0o777); err != nil {
		return nil, fmt.Errorf("make the folder of %s: %w", target, err)
	}
	h := me(who)
	h.Same, h.Target = same, abs
	if warn == nil {
		warn = func(string) {}
	}
	q := queue{
		fs: f, path: prefix(abs) + "hold", me: h, what: target, wait: defaultWait, patience: defaultPatience, warn: warn,
		refuse: func(other Holder) bool { return same == "" || other.Same != same },
	}
	release, err = q.acquire(ctx)
	var held *Held
	if errors.As(err, &held) {
		held.Hint = "wait for it, or name another folder with --out"
	}
	if err != nil {
		return nil, err
	}
	if _, err := sweepStages(f, abs); err != nil {
		release()
		return nil, fmt.Errorf("clean up what an earlier build of %s left: %w", target, err)
	}
	return release, nil
}

// Clean removes what dead builds of target left beside it and returns how many things that were. If a build of it runs
// nothing is removed.
func Clean(f FS, target string) (int, error) {
	f = orOS(f)
	abs, err := filepath.Abs(target)
	if err != nil {
		return 0, err
	}
	if _, err := os.Stat(filepath.Dir(abs)); errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	q := queue{fs: f, path: prefix(abs) + "hold", me: me("cleaning up"), what: target}
	release, err := q.try()
	var held *Held
	if errors.As(err, &held) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer release()
	return sweepStages(f, abs)
}

// prefix begins the names of what a build of target leaves beside it until it is published.
func prefix(target string) string {
	return filepath.Join(filepath.Dir(target), "."+filepath.Base(target)+".tmp-")
}

// draftName is what follows the prefix in the name of a lease that was being written.
var draftName = regexp.MustCompile(`^hold\.lease\.[0-9a-z]{13}$`)

// editName is what follows it in the name of a file that Edit writes.
var editName = regexp.MustCompile(`^edit\.[0-9a-z]{13}$`)

// stageName is what follows the prefix in the name of a stage, or of what a stage replaced.
var stageName = regexp.MustCompile(`^[0-9a-z]{13}(\.old)?$`)

// sweepStages removes the stages of dead builds of target. What target held before a build that died between two renames goes
// back to its place. Whoever calls has the hold on target.
func sweepStages(f FS, target string) (int, error) {
	dir, name := filepath.Split(prefix(target))
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	var errs []error
	n := 0
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), name)
		path := filepath.Join(dir, e.Name())
		if ok && e.Type().IsRegular() && (draftName.MatchString(rest) && isOld(path) || editName.MatchString(rest)) {
			errs = append(errs, f.Remove(path))
			n++
		}
		if !ok || !e.IsDir() || !stageName.MatchString(rest) {
			continue
		}
		if _, err := os.Lstat(target); errors.Is(err, fs.ErrNotExist) && strings.HasSuffix(rest, ".old") {
			errs = append(errs, f.Rename(path, target), f.SyncDir(dir))
			n++
			continue
		}
		if inUse(f, path) {
			continue
		}
		errs = append(errs, removeAll(f, path))
		n++
	}
	return n, errors.Join(errs...)
}

// inUse tells whether a process fills a stage.
func inUse(f FS, stage string) bool {
	file, err := f.OpenFile(stage, os.O_RDONLY|cautious, 0)
	if err != nil {
		return false
	}
	defer file.Close()
	return errors.Is(f.Flock(file, true), ErrLocked)
}
