package lock

import (
	"fmt"
	"slices"
)

// Compare says in what a recipe as it is differs from what its lock says, an item a difference, most telling first. What
// the current state does not know (digests of inputs that were not read) is not compared; artefacts and tensors never.
func Compare(lock, now *Recipe) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if lock.Tool != now.Tool {
		add("it was made with pare %s; this is %s", lock.Tool, now.Tool)
	}
	if lock.Seed != now.Seed {
		add("the seed is %d; the lock says %d", now.Seed, lock.Seed)
	}
	vars := compareNamed(add, "the variable %s", lock.Vars, now.Vars,
		func(v Var) (string, string) { return v.Name, quoted(v.Value) })
	for _, k := range []struct {
		what      string
		lock, now []Uses
	}{{"pass", lock.Passes, now.Passes}, {"metric", lock.Metrics, now.Metrics}, {"format", lock.Formats, now.Formats}} {
		compareNamed(add, "the version of "+k.what+" %s", k.lock, k.now,
			func(u Uses) (string, string) { return u.Name, fmt.Sprint(u.Version) })
	}
	inputs := compareInputs(add, lock, now)
	if now.Effective != "" && lock.Effective != now.Effective && !vars && !inputs && lock.Seed == now.Seed {
		add("the recipe has changed")
	}
	return out
}

// compareNamed compares two sorted lists and tells whether they differ.
func compareNamed[T any](add func(string, ...any), what string, lock, now []T, get func(T) (name, value string)) bool {
	old, found := map[string]string{}, false
	for _, x := range lock {
		name, value := get(x)
		old[name] = value
	}
	for _, x := range now {
		name, value := get(x)
		was, ok := old[name]
		delete(old, name)
		switch {
		case !ok:
			add(what+" is not in the lock", name)
		case was != value:
			add(what+" is %s; the lock says %s", name, value, was)
		default:
			continue
		}
		found = true
	}
	for _, x := range lock {
		if name, value := get(x); old[name] != "" {
			add(what+" is %s in the lock, and the recipe has none", name, value)
			found = true
		}
	}
	return found
}

// compareInputs tells whether the files differ in which they are.
func compareInputs(add func(string, ...any), lock, now *Recipe) (others bool) {
	for _, in := range now.Inputs {
		was := lock.Input(in.Path)
		switch {
		case was == nil:
			add("%s is not in the lock", in.Path)
			others = true
		case in.SHA256 != "" && in.SHA256 != was.SHA256:
			add("%s has changed: sha256 %s, in the lock %s", in.Path, short(in.SHA256), short(was.SHA256))
			others = others || in.Kind == Import
		case in.Size != was.Size:
			add("%s has changed: %d bytes, in the lock %d", in.Path, in.Size, was.Size)
			others = others || in.Kind == Import
		case in.Kind != was.Kind:
			add("%s is read as %s; the lock says %s", in.Path, in.Kind, was.Kind)
			others = true
		}
	}
	for _, in := range lock.Inputs {
		if now.Input(in.Path) == nil {
			add("%s is in the lock, and the build does not read it", in.Path)
			others = true
		}
	}
	return others
}

// CompareArtifacts says in what the files that a build gave differ from those that the lock expects.
func CompareArtifacts(lock, now []Artifact) []string {
	var out []string
	rest := slices.Clone(lock)
	for _, a := range now {
		i := slices.IndexFunc(rest, func(b Artifact) bool { return b.Path == a.Path })
		switch {
		case i < 0:
			out = append(out, a.Path+" is not in the lock")
			continue
		case rest[i].SHA256 != a.SHA256:
			out = append(out, fmt.Sprintf("%s has sha256 %s, in the lock %s", a.Path, short(a.SHA256), short(rest[i].SHA256)))
		case rest[i].Size != a.Size:
			out = append(out, fmt.Sprintf("%s has %d bytes, in the lock %d", a.Path, a.Size, rest[i].Size))
		}
		rest = slices.Delete(rest, i, i+1)
	}
	for _, a := range rest {
		out = append(out, a.Path+" is in the lock, and the build does not give it")
	}
	return out
}

// short is the beginning of a digest, for people.
func short(sum string) string { return sum[:min(len(sum), 12)] + "…" }
