package cli

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"os"
	slashpath "path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/lock"
	"github.com/pare-ml/pare/graph/provenance"
	"github.com/pare-ml/pare/internal/inputs"
	"github.com/pare-ml/pare/internal/parallel"
)

// seal marks the model with what it was made from, refuses a result that a lock does not expect, makes sure that the
// inputs are still what they were, and writes provenance and bill of materials. locked and key may be nil.
func (p *project) seal(ctx context.Context, plan *graph.Plan, now, locked *lock.Recipe, key ed25519.PrivateKey) graph.Seal {
	return graph.Seal{
		Input: p.inputFile(plan, now),
		Marks: []ir.KeyValue{{Key: graph.MarkRecipe, Value: now.Effective}, {Key: graph.MarkVersion, Value: now.Tool}, {Key: graph.MarkLock, Value: now.Digest()}},
		Written: func(files []evaluate.File) error {
			if locked == nil || locked.Artifacts == nil {
				return nil
			}
			if list := lock.CompareArtifacts(locked.Artifacts, artifactsOf(files)); list != nil {
				return differs(fmt.Sprintf("the result is not what %s says, so nothing is published", lockName(p.source.Name)), list)
			}
			return nil
		},
		Documents: func(report *evaluate.Report, files []graph.Sealed) ([]graph.Document, error) {
			if err := p.inputs.Check(ctx); err != nil {
				return nil, err
			}
			return documents(&provenance.Build{Report: report, Lock: now, Target: plan.Recipe.Target.Name + plan.Recipe.Target.Path, Datasets: datasets(plan)}, files, key)
		},
	}
}

// sealLate is seal for a plan that needs no digest before its work: inputs are hashed beside it, and now is complete when the
// runner asks for the seal. end stops the hashing of a build that failed.
func (p *project) sealLate(ctx context.Context, plan *graph.Plan, now *lock.Recipe, key ed25519.PrivateKey, r *graph.Runner) (end func()) {
	ctx, stop := context.WithCancel(ctx)
	hashed := make(chan error, 1)
	go func() { hashed <- p.hash(ctx, now, runtime.GOMAXPROCS(0)) }()
	wait := sync.OnceValue(func() error { return <-hashed })
	r.Seal.Await = func() (graph.Seal, error) {
		if err := wait(); err != nil {
			return graph.Seal{}, err
		}
		return p.seal(ctx, plan, now, nil, key), nil
	}
	return func() { stop(); wait() }
}

// hash fills in the digests of a state's inputs.
func (p *project) hash(ctx context.Context, now *lock.Recipe, workers int) error {
	files := map[string]*inputs.File{}
	for _, f := range p.inputs.Files() {
		files[slashpath.Clean(f.Path)] = f
	}
	errs := make([]error, len(now.Inputs))
	parallel.For(workers, len(now.Inputs), func(i int) {
		in := &now.Inputs[i]
		if f := files[in.Path]; f == nil {
			errs[i] = fmt.Errorf("%s is not open any more", in.Path)
		} else {
			in.SHA256, errs[i] = f.SHA256(ctx)
		}
	})
	return errors.Join(errs...)
}

// orChanged returns the error of a build that failed, or that of an input that changed meanwhile: then that is the reason.
func (p *project) orChanged(err error) error {
	var changed *inputs.Changed
	if cerr := p.inputs.Check(context.Background()); errors.As(cerr, &changed) {
		return cerr
	}
	return err
}

// inputFile is what is known of the model that goes in.
func (p *project) inputFile(plan *graph.Plan, now *lock.Recipe) *evaluate.File {
	path, err := p.modelFile(plan.Recipe.Model.Path)
	if err != nil {
		return nil
	}
	path = slashpath.Clean(path)
	in := now.Input(path)
	if in == nil {
		return nil
	}
	f := &evaluate.File{SHA256: in.SHA256, Bytes: in.Size}
	for _, beside := range plan.Model.Files {
		if w := now.Input(slashpath.Join(slashpath.Dir(path), beside)); w != nil {
			f.Bytes += w.Size
		}
	}
	return f
}

// documents are provenance and bill of materials; with a key a signed provenance too.
func documents(b *provenance.Build, files []graph.Sealed, key ed25519.PrivateKey) ([]graph.Document, error) {
	for _, f := range files {
		b.Files = append(b.Files, provenance.File{Path: f.Path, SHA256: f.SHA256})
	}
	materials, err := provenance.BOM(b)
	if err != nil {
		return nil, err
	}
	b.Files = append(b.Files, provenance.File{Path: provenance.BOMName, SHA256: sha256Hex(materials)})
	statement, err := provenance.NewStatement(b).Encode()
	if err != nil {
		return nil, err
	}
	out := []graph.Document{{Name: provenance.BOMName, Data: materials}, {Name: provenance.StatementName, Data: statement}}
	if key != nil {
		envelope, err := provenance.Sign(statement, key)
		if err != nil {
			return nil, err
		}
		out = append(out, graph.Document{Name: provenance.EnvelopeName, Data: envelope})
	}
	return out, nil
}

// datasets says of each data set of the recipe what it is for.
func datasets(plan *graph.Plan) []provenance.Dataset {
	reads, weighs, tests := plan.Reads(), plan.Weighs(), plan.Tests()
	var out []provenance.Dataset
	for _, d := range plan.Recipe.Data {
		var use []string
		if slices.Contains(reads, d.Name) {
			use = append(use, "training or calibration")
		}
		if slices.Contains(tests, d.Name) {
			use = append(use, "evaluation")
		}
		if slices.Contains(weighs, d.Name) {
			use = append(use, "importance of weights")
		}
		set := provenance.Dataset{Name: d.Name, Use: strings.Join(use, " and ")}
		for _, path := range []string{d.Images, d.Labels, d.Importance} {
			if path != "" {
				set.Paths = append(set.Paths, slashpath.Clean(path))
			}
		}
		out = append(out, set)
	}
	return out
}

// signingKey reads the key of --sign-key; nil if there is none. It comes before any work.
func signingKey(path string) (ed25519.PrivateKey, error) {
	if path == "" {
		return nil, nil
	}
	text, err := readKey(path)
	if err != nil {
		return nil, err
	}
	key, err := provenance.PrivateKey(text)
	if err != nil {
		return nil, usageError{fmt.Sprintf("--sign-key %s: %v", path, err)}
	}
	return key, nil
}

// keyBytes bounds the file of a key.
const keyBytes = 64 << 10

func readKey(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	if err != nil {
		return nil, usageError{err.Error()}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, usageError{err.Error()}
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, keyBytes))
}
