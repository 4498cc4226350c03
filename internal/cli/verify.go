package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/graph/format"
	formatall "github.com/pare-ml/pare/graph/format/all"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/lock"
	"github.com/pare-ml/pare/graph/provenance"
	"github.com/pare-ml/pare/graph/store"
	"github.com/pare-ml/pare/internal/inputs"
	"github.com/pare-ml/pare/recipe/diag"
)

var verifyVerb = &verb{
	name: "verify", args: "DIR", summary: "is a result what was built, and can it be built again?", min: 1, max: 1,
	long: `Holds the folder of a build against what speaks of it: every file against SHA256SUMS, report, provenance, bill of
materials and the marks in the model, and pare.lock beside the recipe, which --recipe names if it is not where it was.
With --key the provenance must be signed by that key. Every difference is named, and the exit code is 5; it is 4 for a
sound result whose gates are not met.

With --rebuild the recipe is built again, from a copy of the inputs alone, up to three times, with other time zone,
language, umask, home folder, lengths of paths, order and times of files, number of processors and limit of memory.
Tensors that differ are named with the first element that does.`,
	setup: func(f *pflag.FlagSet) func(*session, []string) error {
		var o verifyOptions
		f.StringVar(&o.recipe, "recipe", "", "the recipe, if it is not where it was when it was built")
		f.StringVar(&o.key, "key", "", "an ed25519 public key (PEM) that must have signed the provenance")
		f.BoolVar(&o.rebuild, "rebuild", false, "build again in other surroundings, and compare")
		f.IntVar(&o.times, "times", len(variations), "how often --rebuild builds")
		return func(s *session, args []string) error { return s.verify(args[0], o) }
	},
}

type verifyOptions struct {
	recipe, key string
	rebuild     bool
	times       int
}

func (s *session) verify(dir string, o verifyOptions) error {
	if o.times < 1 || o.times > len(variations) {
		return usageError{fmt.Sprintf("--times is %d; it must be from 1 to %d", o.times, len(variations))}
	}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return usageError{fmt.Sprintf("there is no folder %s", dir)}
	case err != nil:
		return err
	case !info.IsDir():
		return usageError{fmt.Sprintf("%s is not a folder; name the folder of a build, for example dist/fashion", dir)}
	}
	v := &verification{dir: dir, ctx: s.ctx}
	if err := v.folder(); err != nil {
		return err
	}
	if v.listed != nil {
		v.report()
		v.statement()
		v.materials()
		v.signature(o.key)
		v.marks()
		v.lock(o.recipe)
	}
	for _, w := range v.wrong {
		if _, err := fmt.Fprintf(s.stdout, "%s: %s\n", diag.Printable(dir), diag.Printable(w)); err != nil {
			return err
		}
	}
	if len(v.wrong) > 0 {
		return integrityError{fmt.Sprintf("%s is not what was built: %s", dir, plural(len(v.wrong), "difference"))}
	}
	for _, line := range v.said {
		if _, err := fmt.Fprintln(s.stdout, diag.Printable(line)); err != nil {
			return err
		}
	}
	if o.rebuild {
		if err := s.rebuild(v, o); err != nil {
			return err
		}
	}
	if v.outcome != evaluate.Met && v.outcome != evaluate.NoGates {
		if _, err := fmt.Fprintf(s.stdout, "  its gates: %s\n", v.outcome); err != nil {
			return err
		}
		return gateError{}
	}
	return nil
}

// verification is one run of verify. What is wrong is collected, so that all of it is told.
type verification struct {
	ctx   context.Context
	dir   string
	wrong []string
	said  []string // if nothing is wrong

	listed    map[string]string // digests by name, as SHA256SUMS lists them
	there     map[string]string // as they are
	models    []modelFile       // as the report lists them
	effective string            // digest of the effective recipe, as the report says
	outcome   evaluate.Outcome
	origin    *provenance.Statement
}

type modelFile struct {
	Path   string `json:"path"`
	Format string `json:"format"`
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

func (v *verification) differs(format string, args ...any) {
	v.wrong = append(v.wrong, fmt.Sprintf(format, args...))
}

func (v *verification) say(format string, args ...any) {
	v.said = append(v.said, fmt.Sprintf(format, args...))
}

// mostText bounds the documents that are read whole.
const mostText = 64 << 20

// read returns a file of the folder.
func (v *verification) read(name string) ([]byte, error) {
	root, err := os.OpenRoot(v.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	set := &inputs.Set{}
	defer set.Close()
	f, err := set.Open(root, filepath.FromSlash(name), name, "")
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f.Reader(), mostText+1))
	if err == nil && len(b) > mostText {
		err = fmt.Errorf("%s has more than %d bytes", name, mostText)
	}
	return b, err
}

// folder holds every file of the folder against the list of digests.
func (v *verification) folder() error {
	text, err := v.read(store.Sums)
	if errors.Is(err, fs.ErrNotExist) {
		v.differs("there is no %s, so it is no build, or not a whole one", store.Sums)
		return nil
	} else if err != nil {
		return err
	}
	listed, err := parseSums(text)
	if err != nil {
		v.differs("%v", err)
		return nil
	}
	v.listed, v.there = listed, map[string]string{}
	root, err := os.OpenRoot(v.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	set := &inputs.Set{}
	defer set.Close()
	err = filepath.WalkDir(v.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(v.dir, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		want, ok := listed[name]
		switch {
		case name == store.Sums:
			return nil
		case !d.Type().IsRegular():
			v.there[name] = ""
			v.differs("%s is no regular file", name)
			return nil
		case !ok:
			v.there[name] = ""
			v.differs("%s is not in %s: nothing says that pare wrote it", name, store.Sums)
			return nil
		}
		f, err := set.Open(root, filepath.FromSlash(name), name, "")
		if err != nil {
			return err
		}
		sum, err := f.SHA256(v.ctx)
		if err != nil {
			return err
		}
		if v.there[name] = sum; sum != want {
			v.differs("%s has changed: sha256 %.12s…, listed %.12s…", name, sum, want)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range sortedNames(listed) {
		if _, ok := v.there[name]; !ok {
			v.differs("%s is missing", name)
		}
	}
	v.say("%s: %s as %s lists them", v.dir, plural(len(listed), "file"), store.Sums)
	return nil
}

// parseSums reads a list of digests as pare writes it.
func parseSums(text []byte) (map[string]string, error) {
	out := map[string]string{}
	for line := range strings.Lines(string(text)) {
		sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		b, err := hex.DecodeString(sum)
		if !ok || err != nil || len(b) != 32 || strings.ToLower(sum) != sum || !filepath.IsLocal(name) || out[name] != "" || !strings.HasSuffix(line, "\n") {
			return nil, fmt.Errorf("%s has a line that pare does not write: %.80q", store.Sums, line)
		}
		out[name] = sum
	}
	return out, nil
}

func sortedNames[T any](m map[string]T) []string {
	var out []string
	for name := range m {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// document reads a file that must be there; what keeps it from being read is a difference.
func (v *verification) document(name string) ([]byte, bool) {
	if v.there[name] == "" {
		if _, ok := v.listed[name]; !ok {
			v.differs("there is no %s", name)
		}
		return nil, false
	}
	b, err := v.read(name)
	if err != nil {
		v.differs("%s cannot be read: %v", name, err)
	}
	return b, err == nil
}

// report holds the report against the files that it speaks of.
func (v *verification) report() {
	text, ok := v.document(graph.ReportJSON)
	if !ok {
		return
	}
	var r struct {
		Outcome evaluate.Outcome `json:"outcome"`
		Recipe  struct {
			SHA256 string `json:"sha256"`
		} `json:"recipe"`
		Artifacts []modelFile `json:"artifacts"`
	}
	if err := json.Unmarshal(text, &r); err != nil {
		v.differs("%s is no report: %v", graph.ReportJSON, err)
		return
	}
	v.outcome, v.models, v.effective = r.Outcome, r.Artifacts, r.Recipe.SHA256
	if len(r.Artifacts) == 0 {
		v.differs("%s names no artefact", graph.ReportJSON)
	}
	for _, a := range r.Artifacts {
		v.expect(graph.ReportJSON, a.Path, a.SHA256)
	}
	v.expect(graph.ReportJSON, graph.RecipeYAML, r.Recipe.SHA256)
}

// expect says when a document has another digest for a file than the file.
func (v *verification) expect(document, name, sum string) {
	got, ok := v.there[filepath.ToSlash(name)]
	switch {
	case !ok && v.listed[filepath.ToSlash(name)] == "":
		v.differs("%s speaks of %s, which is not there", document, name)
	case ok && got != sum:
		v.differs("%s says that %s has sha256 %.12s…; it has %.12s…", document, name, sum, got)
	}
}

// statement holds the provenance against the files: it must speak of all of them.
func (v *verification) statement() {
	text, ok := v.document(provenance.StatementName)
	if !ok {
		return
	}
	s, err := provenance.ReadStatement(text)
	if err != nil {
		v.differs("%s: %v", provenance.StatementName, err)
		return
	}
	v.origin = s
	named := map[string]bool{provenance.StatementName: true, provenance.EnvelopeName: true}
	for _, r := range s.Subject {
		named[r.Name] = true
		v.expect(provenance.StatementName, r.Name, r.Digest.SHA256)
	}
	for _, name := range sortedNames(v.listed) {
		if !named[name] {
			v.differs("%s does not speak of %s", provenance.StatementName, name)
		}
	}
	d := s.Predicate.Definition
	if v.effective != "" && d.External.Recipe.Digest.SHA256 != v.effective {
		v.differs("%s and %s speak of different recipes", provenance.StatementName, graph.ReportJSON)
	}
	v.say("  built by pare %s from %s: recipe %.12s…, all that went in %.12s…; %s",
		d.Internal.Tool, d.External.Recipe.Path, d.External.Recipe.Digest.SHA256, d.Internal.Lock.SHA256, plural(len(d.Dependencies), "input"))
}

// materials holds the bill of materials against the artefacts.
func (v *verification) materials() {
	text, ok := v.document(provenance.BOMName)
	if !ok {
		return
	}
	files, err := provenance.ReadBOM(text)
	if err != nil {
		v.differs("%s: %v", provenance.BOMName, err)
		return
	}
	for _, f := range files {
		v.expect(provenance.BOMName, f.Path, f.SHA256)
	}
	for _, m := range v.models {
		if !slices.ContainsFunc(files, func(f provenance.File) bool { return f.Path == m.Path }) {
			v.differs("%s does not speak of %s", provenance.BOMName, m.Path)
		}
	}
}

// signature checks the envelope: that it holds the provenance, and with a key that the key signed it.
func (v *verification) signature(keyPath string) {
	if _, ok := v.listed[provenance.EnvelopeName]; !ok {
		if keyPath != "" {
			v.differs("it is not signed: there is no %s", provenance.EnvelopeName)
		}
		return
	}
	text, ok := v.document(provenance.EnvelopeName)
	if !ok {
		return
	}
	statement, err := provenance.Payload(text)
	if err == nil && keyPath != "" {
		var key []byte
		if key, err = readKey(keyPath); err == nil {
			statement, err = v.open(text, key)
		}
	}
	if err != nil {
		v.differs("%s: %v", provenance.EnvelopeName, err)
		return
	}
	if plain, ok := v.document(provenance.StatementName); ok && !bytes.Equal(plain, statement) {
		v.differs("%s holds another statement than %s", provenance.EnvelopeName, provenance.StatementName)
	}
	if keyPath == "" {
		v.say("  it is signed; --key tells by whom")
	}
}

func (v *verification) open(text, pem []byte) ([]byte, error) {
	key, err := provenance.PublicKey(pem)
	if err != nil {
		return nil, fmt.Errorf("the key: %w", err)
	}
	statement, err := provenance.Open(text, key)
	if err == nil {
		v.say("  signed by the key %.16s…", provenance.KeyID(key))
	}
	return statement, err
}

// marks holds what the models say of their origin against the provenance.
func (v *verification) marks() {
	if v.origin == nil {
		return
	}
	d := v.origin.Predicate.Definition
	want := []ir.KeyValue{{Key: graph.MarkRecipe, Value: d.External.Recipe.Digest.SHA256}, {Key: graph.MarkVersion, Value: d.Internal.Tool}, {Key: graph.MarkLock, Value: d.Internal.Lock.SHA256}}
	for _, file := range v.models {
		if v.there[filepath.ToSlash(file.Path)] != file.SHA256 || !filepath.IsLocal(file.Path) {
			continue // said already
		}
		m, done, err := formatall.Open(filepath.Join(v.dir, filepath.FromSlash(file.Path)))
		var damaged *format.Damaged
		if errors.As(err, &damaged) && len(v.models) > 1 {
			continue // a file that goes with another one
		}
		if err != nil {
			v.differs("%s cannot be opened: %v", file.Path, err)
			continue
		}
		for _, kv := range want {
			i := slices.IndexFunc(m.Metadata, func(other ir.KeyValue) bool { return other.Key == kv.Key })
			if i >= 0 && m.Metadata[i].Value != kv.Value {
				v.differs("%s has in its metadata another %s than %s", file.Path, kv.Key, provenance.StatementName)
			}
		}
		done()
	}
}

// recipeAt is the path of the recipe: that which was asked for, else where it was when it was built, below the folder we
// are in. A folder from elsewhere does not make pare look anywhere else.
func (v *verification) recipeAt(asked string) string {
	if asked != "" {
		return asked
	}
	if path := v.origin.Predicate.Definition.External.Recipe.Path; filepath.IsLocal(path) {
		return path
	}
	return ""
}

// lock holds the result against the lock beside the recipe.
func (v *verification) lock(recipePath string) {
	if v.origin == nil {
		return
	}
	asked := recipePath != ""
	if recipePath = v.recipeAt(recipePath); recipePath == "" {
		v.say("  no %s to hold it against; --recipe names the recipe that it stands beside", lock.Name)
		return
	}
	file, _, err := readLock(recipePath)
	section := file.Section(filepath.Base(recipePath))
	switch {
	case err != nil:
		v.differs("%v", err)
		return
	case section == nil && asked && file != nil:
		v.differs("%s has no section for %s", lockName(recipePath), filepath.Base(recipePath))
		return
	case section == nil:
		v.say("  no %s to hold it against; --recipe names the recipe that it stands beside", lock.Name)
		return
	}
	d := v.origin.Predicate.Definition
	var list []string
	if len(section.Artifacts) == 0 {
		list = append(list, "it expects no result yet")
	} else {
		var now []lock.Artifact
		for _, m := range v.models {
			now = append(now, lock.Artifact{Path: filepath.ToSlash(m.Path), SHA256: v.there[filepath.ToSlash(m.Path)], Size: m.Bytes})
		}
		list = lock.CompareArtifacts(section.Artifacts, now)
	}
	for _, r := range d.Dependencies {
		if in := section.Input(r.Name); in == nil || in.SHA256 != r.Digest.SHA256 {
			list = append(list, fmt.Sprintf("the result was made from another %s", r.Name))
		}
	}
	if list == nil && section.Digest() != d.Internal.Lock.SHA256 {
		list = append(list, "the result was made from another recipe, or by other versions")
	}
	if list != nil {
		v.differs("it is not what %s says: %s", lockName(recipePath), strings.Join(list, "; "))
		return
	}
	v.say("  %s expects this result", lockName(recipePath))
}
