package graph

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/store"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/condition"
	"github.com/pare-ml/pare/recipe/diag"
)

// Names of the files that stand beside the artefact.
const (
	ReportJSON     = "report.json"
	ReportMarkdown = "report.md"
	RecipeYAML     = "recipe.yaml" // the effective recipe
)

// Rejected is what is put behind the name of a target whose gates are not met: the build goes there.
const Rejected = ".rejected"

// Built is a finished build.
type Built struct {
	Report *evaluate.Report
	Dir    string // where it stands: the target, or the target with Rejected behind it
}

// Build runs the plan on input, which is the model that the plan was compiled against, writes the artefact into a stage
// beside target, reads it back and decides the gates on what it read. If every gate is met the stage takes the place of
// target; if not, of target + Rejected, and target stays as it is. Tool names the program in the report; findings are
// what is known of the recipe so far.
func (r *Runner) Build(ctx context.Context, p *Plan, input *ir.Model, tool evaluate.Tool, findings diag.List, target string) (*Built, error) {
	for _, t := range []string{target, target + Rejected} {
		if err := store.Check(t); err != nil {
			return nil, err // before hours of work, not after
		}
	}
	for attempt := 1; ; attempt++ {
		built, err := r.build(ctx, p, input, tool, findings, target)
		var gone *lostError
		if !errors.As(err, &gone) || attempt > len(p.Actions)+1 {
			return built, err
		}
		// A result that was found turned out to be damaged when it was read: it is made anew, and all others are still there.
		if err := r.lose(gone.key); err != nil {
			return nil, err
		}
	}
}

func (r *Runner) build(ctx context.Context, p *Plan, input *ir.Model, tool evaluate.Tool, findings diag.List, target string) (*Built, error) {
	stage, err := store.NewStageOn(r.Files, target)
	if err != nil {
		return nil, err
	}
	defer stage.Discard()
	b := &build{Runner: r, plan: p, input: input, report: &evaluate.Report{Tool: tool}}
	w, done, err := r.run(ctx, p, input)
	if err != nil {
		return nil, err
	}
	b.plan, b.keys, b.times = w.plan, w.keys, r.times
	m := w.model
	b.model = m
	late := b.unmarked()
	if !late {
		if err := b.sealed(); err != nil {
			return nil, err
		}
	}
	b.Seal.mark(m)
	if err := b.write(ctx, stage, m); err != nil {
		return nil, err
	}
	if late {
		if err := b.sealed(); err != nil {
			return nil, err
		}
	}
	for _, d := range done {
		for _, t := range d.Layers {
			if e := &t.Effect; e.Finish != nil { // what it tells was counted while its tensors were written
				e.Finish(e)
				e.Finish = nil
			}
		}
	}
	if b.Seal.Written != nil {
		if err := b.Seal.Written(b.report.Artifacts); err != nil {
			return nil, err
		}
	}
	back, closeFile, err := b.readBack(stage, m)
	if err != nil {
		return nil, err
	}
	defer closeFile()
	if err := b.keepsZeros(w.masks, back); err != nil {
		return nil, err
	}
	if err := b.measure(ctx, back, done); err != nil {
		return nil, err
	}
	if err := b.describe(ctx, findings, done, input, back); err != nil {
		return nil, err
	}
	built := &Built{Report: b.report, Dir: target}
	if o := b.report.Outcome(); o != evaluate.Met && o != evaluate.NoGates {
		built.Dir += Rejected
		b.report.Notes = append(b.report.Notes, fmt.Sprintf("The result was put into %s for a look; %s is as it was.", built.Dir, target))
	}
	return built, b.publish(stage, built)
}

// build is one run of Build.
type build struct {
	*Runner
	plan   *Plan
	keys   *keys
	input  *ir.Model
	model  *ir.Model // as it was written
	report *evaluate.Report
	bytes  int64  // of the artefact's files
	first  string // the file of the first output that is opened
	files  []Sealed
	times  []evaluate.Time
}

// clock starts timing a part of the build, for the terminal only: what is written depends on no clock, and not on what
// was found in the store, which the note says.
func clock(what string, times *[]evaluate.Time) (stop func(note string)) {
	start := time.Now()
	return func(note string) {
		*times = append(*times, evaluate.Time{What: what, Took: time.Since(start), Note: note})
	}
}

// write encodes the model in each format asked for.
func (b *build) write(ctx context.Context, stage *store.Stage, m *ir.Model) error {
	defer clock("write", &b.times)("")
	for _, o := range b.plan.Recipe.Outputs {
		f := b.Suite.Format(o.Format)
		if f == nil {
			return fmt.Errorf("there is no format %q", o.Format)
		}
		written := m
		if o.GGUF.Compatible {
			plain := *m
			plain.Metadata = withoutMarks(m.Metadata)
			written = &plain
		}
		files, err := f.Files(written, filepath.Base(o.Path), splitOf(o))
		if err != nil {
			return fmt.Errorf("write %s: %w", o.Path, err)
		}
		for i, file := range files {
			name := o.Path
			if file.Name != "" {
				name = filepath.Join(filepath.Dir(o.Path), file.Name)
			}
			if b.first == "" && i == 0 {
				b.first = name
			}
			sum, err := b.stream(ctx, stage, name, file)
			if err != nil {
				return fmt.Errorf("write %s: %w", name, err)
			}
			b.bytes += file.Size()
			b.files = append(b.files, Sealed{filepath.ToSlash(name), sum, file.Size()})
			b.report.Artifacts = append(b.report.Artifacts, evaluate.File{Path: name, Format: f.Name, SHA256: sum, Bytes: file.Size()})
		}
	}
	return nil
}

// splitOf is how an output is spread over files.
func splitOf(o recipe.Output) format.Split {
	return format.Split{MaxSize: o.GGUF.SplitMaxSize, MaxTensors: o.GGUF.SplitMaxTensors, NoTensorFirst: o.GGUF.NoTensorFirstSplit}
}

// stream writes one file into the stage and returns its digest.
func (b *build) stream(ctx context.Context, stage *store.Stage, name string, file format.File) (sum string, err error) {
	w, err := stage.Create(name)
	if err != nil {
		return "", err
	}
	err = b.streamTo(name).Write(ctx, w, file)
	if closeErr := w.Close(); err == nil {
		err = closeErr
	}
	return fmt.Sprintf("%x", w.Digest().Hash), err
}

// streamTo is how a file of this name is written: within the memory that there is, telling how far it has come.
func (b *build) streamTo(name string) format.Stream {
	s := format.Stream{Workers: b.workers()}
	if b.Memory > 0 {
		s.Memory = max(min(b.Memory/8, 32<<20), 1<<20)
		s.Workers = max(min(s.Workers, int(b.Memory>>26)), 1)
	}
	if b.Log != nil {
		start := time.Now()
		s.Progress = func(done, total int64) {
			note := "MiB"
			if spent := time.Since(start).Seconds(); spent > 0.5 {
				note = fmt.Sprintf("MiB  %.0f MiB/s", float64(done)/(1<<20)/spent)
			}
			b.log("write "+name, int(done>>20), int(total>>20), note)
		}
	}
	return s
}

// readBack opens the first artefact as it lies on disk.
func (b *build) readBack(stage *store.Stage, written *ir.Model) (*ir.Model, func() error, error) {
	if len(b.plan.Recipe.Outputs) == 0 {
		return nil, nil, errors.New("the recipe has no outputs")
	}
	f := b.Suite.Format(b.plan.Recipe.Outputs[0].Format)
	m, done, err := f.Open(filepath.Join(stage.Dir, b.first))
	if err == nil && f.Restore != nil {
		if m, err = f.Restore(m, written); err != nil {
			done()
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read %s back: %w", b.first, err)
	}
	return m, done, nil
}

// keepsZeros holds pruned weights that were computed when they were written against the artefact.
func (b *build) keepsZeros(z *masks, back *ir.Model) error {
	if len(z.stale) == 0 {
		return nil
	}
	defer clock("zeros", &b.times)("")
	return z.written(back, b.workers())
}

// measure lets the artefact and the model that came in predict the same samples and decides the gates.
func (b *build) measure(ctx context.Context, back *ir.Model, done []*Done) error {
	model := &evaluate.Subject{Model: back, Files: b.bytes, Rounding: b.known(done, b.input), Workers: b.workers(), Predictions: map[string]*evaluate.Predictions{}}
	baseline := &evaluate.Subject{Model: b.input, Workers: b.workers(), Predictions: map[string]*evaluate.Predictions{}}
	if in, err := b.Seal.inputFile(b.input); err == nil {
		baseline.Files = in.Bytes
	}
	tests := b.plan.Tests()
	f := b.Suite.Format(b.plan.Recipe.Outputs[0].Format)
	for _, name := range tests {
		for _, s := range []struct {
			what    string
			subject *evaluate.Subject
			m       *ir.Model
			key     store.Digest
		}{{"measure the artefact on " + name, model, back, b.keys.predicted(b.keys.final, f.Name, f.Version, name)},
			{"measure the baseline on " + name, baseline, b.input, b.keys.predicted(b.keys.input, "", 0, name)}} {
			timed := clock(s.what, &b.times)
			preds, found, err := b.predict(ctx, s.m, s.key, name, func(done, total int) { b.log(s.what, done, total, "") })
			if err != nil {
				return fmt.Errorf("%s: %w", s.what, err)
			}
			s.subject.Predictions[name] = preds
			timed(cached(found))
		}
	}
	defer clock("gates", &b.times)("")
	wants := evaluate.Wants(b.Suite.Metrics, tests, model, baseline)
	got, err := evaluate.Measure(wants, model, baseline)
	if err != nil {
		return err
	}
	base, err := evaluate.Measure(wants, baseline, baseline)
	if err != nil {
		return err
	}
	if b.report.Metrics, err = evaluate.Rows(got, base); err != nil {
		return err
	}
	return b.gates(done, got, base)
}

func (b *build) gates(done []*Done, got, base *evaluate.Result) error {
	for _, d := range done {
		for _, g := range d.Gates {
			g.Decision.Gate.Name += " after " + g.Step
			b.report.Gates = append(b.report.Gates, g.Decision)
		}
	}
	for _, g := range b.plan.Recipe.Gates {
		if g.Expr == nil {
			b.report.Gates = append(b.report.Gates, evaluate.Decide(gateSpec(g), got, base))
			continue
		}
		facts := b.resultFacts(got, base)
		holds, err := g.Expr.Bool(facts)
		if err != nil {
			return fmt.Errorf("gate %s: %w", g.Name, err)
		}
		b.report.Gates = append(b.report.Gates, evaluate.DecideExpect(g.Name, g.OnFail, holds, usedBy(b.Suite, g.Expr, facts)))
	}
	return nil
}

// resultFacts are what the expression of a gate may ask about.
func (b *build) resultFacts(got, base *evaluate.Result) condition.Facts {
	artifact := map[string]any{"bytes": b.bytes, "bits_per_weight": 0.0}
	if p := b.plan.Before.Params; p > 0 {
		artifact["bits_per_weight"] = 8 * float64(b.bytes) / float64(p)
	}
	return condition.Facts{"artifact": artifact, "metrics": values(got), "baseline": values(base), "vars": b.plan.Recipe.VarFacts()}
}

// publish writes the report and the effective recipe into the stage and puts the stage where it belongs.
func (b *build) publish(stage *store.Stage, built *Built) error {
	effective, err := b.plan.Effective()
	if err != nil {
		return err
	}
	b.report.Recipe.SHA256 = fmt.Sprintf("%x", sha256.Sum256(effective))
	asJSON, err := b.report.JSON()
	if err != nil {
		return err
	}
	var markdown bytes.Buffer
	if err := b.report.WriteMarkdown(&markdown); err != nil {
		return err
	}
	for _, d := range []Document{{RecipeYAML, effective}, {ReportMarkdown, markdown.Bytes()}, {ReportJSON, asJSON}} {
		if err := b.put(stage, d.Name, d.Data); err != nil {
			return err
		}
	}
	if err := b.seal(stage); err != nil {
		return err
	}
	b.report.Times = b.times
	return stage.Publish(built.Dir)
}
