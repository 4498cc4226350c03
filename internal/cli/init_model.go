package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/layout"
	"github.com/pare-ml/pare/recipe/schema"
)

// start is a way to begin with a model: what init proposes, if the recipe that says so compiles without a finding.
type start struct {
	why    string // a sentence or two for the head of the recipe
	steps  string
	format string
	path   string // of the output
}

// initModel writes a first recipe for a model: of the ways to begin with one of its kind, the first that it can go.
func (s *session) initModel(model, device, out string) error {
	m, done, err := openModel(model)
	if err != nil {
		return err
	}
	defer done()
	if !m.HasWeights() {
		return usageError{diag.Printable(model) + " is a manifest; name the model itself"}
	}
	if out != "" {
		if _, err := os.Lstat(out); err == nil {
			return usageError{out + " is there already; name a new file with -o"}
		}
	}
	recipe := out
	if recipe == "" {
		recipe = "recipe.yaml" // never written: where its paths count from
	}
	from, err := relative(filepath.Dir(recipe), model)
	if err != nil {
		return err
	}
	ways := starts(m, nameOf(model))
	if ways == nil {
		return usageError{diag.Printable(model) + " has no layer of floats that a recipe could make smaller"}
	}
	var found diag.List
	for i, w := range ways {
		text, list, err := s.tryStart(recipe, from, device, w)
		switch {
		case err != nil:
			return err
		case text != nil && out == "":
			_, err := s.stdout.Write(text)
			return err
		case text != nil:
			if err := replaceFile(out, text); err != nil {
				return err
			}
			_, err := fmt.Fprintf(s.stdout, "Wrote %s. Next:\n\n  pare plan %[1]s\n  pare build %[1]s\n", out)
			return err
		case i == 0:
			found = list
		}
	}
	found.Sort()
	if err := diag.WriteText(s.stderr, found, diag.TextOptions{Color: colour(s.stderr), Excerpt: true}); err != nil {
		return err
	}
	return findingsError{}
}

// relative is the path of a model as a recipe in dir names it.
func relative(dir, model string) (string, error) {
	from, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	to, err := filepath.Abs(model)
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(from, to)
	return filepath.ToSlash(rel), err
}

// nameOf is what results of a model are called after.
func nameOf(model string) string {
	abs, err := filepath.Abs(model)
	if err != nil {
		abs = model
	}
	base := filepath.Base(abs)
	switch filepath.Ext(base) {
	case ".onnx", ".gguf":
		base = strings.TrimSuffix(base, filepath.Ext(base))
	case ".safetensors", ".json":
		base = filepath.Base(filepath.Dir(abs)) // model.safetensors says nothing; its folder does
	}
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '-'
	}, base)
}

// tryStart writes the recipe of a way to begin and compiles it. Without text there are findings that say why not.
func (s *session) tryStart(path, model, device string, w start) ([]byte, diag.List, error) {
	text := w.text(model, device, nameOf(model), "1000TB", "")
	report, plan, m, err := s.compileText(path, text)
	if err != nil || plan == nil {
		return nil, report, err
	}
	allow := ""
	for _, d := range report {
		switch {
		case d.Code == "layer-untouched":
			allow = "  # pare:allow layer-untouched what no step picks stays as it is"
		case d.Severity != diag.Note:
			return nil, report, nil
		}
	}
	text = w.text(model, device, nameOf(model), limitOf(m, plan, w.format), allow)
	formatted := layout.Format(&diag.Source{Name: path, Text: text}, s.suite.Language(), nil)
	if formatted == nil {
		return nil, nil, errors.New("the recipe that init made is no YAML")
	}
	return formatted, nil, nil
}

// compileText compiles a recipe as if it stood at path.
func (s *session) compileText(path string, text []byte) (diag.List, *graph.Plan, *ir.Model, error) {
	p, err := s.parse(path, text, nil, nil)
	if err != nil {
		return nil, nil, nil, err
	}
	defer p.Close()
	plan, err := s.compile(p, diag.Error)
	if err != nil && !errors.As(err, &findingsError{}) {
		return nil, nil, nil, err
	}
	var m *ir.Model
	if plan != nil {
		m = plan.Model
	}
	return p.report, plan, m, nil
}

// text is the recipe that begins in this way.
func (w *start) text(model, device, name, limit, allow string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# A first recipe, as pare init proposes it. %s\n", w.why)
	fmt.Fprintf(&b, "version: 1\nname: %s\n\nmodel: {path: %s}\n\n", schema.Inline(name), schema.Inline(model))
	if device != "" {
		fmt.Fprintf(&b, "target: %s\n\n", schema.Inline(device))
	}
	fmt.Fprintf(&b, "passes:%s\n%s\n", allow, w.steps)
	b.WriteString("# A size says nothing of quality: add a gate on a metric, with data that no step reads. See docs/gates.md.\ngates:\n")
	fmt.Fprintf(&b, "  - {expect: artifact.bytes <= %s}\n\n", limit)
	fmt.Fprintf(&b, "outputs:\n  - {format: %s, path: %s}\n", w.format, schema.Inline(w.path))
	return []byte(b.String())
}

// limitOf is a size that the result will have, and not much more: a file has a header and tensors of no layer too, and a
// GGUF file the tokenizer.
func limitOf(m *ir.Model, plan *graph.Plan, format string) string {
	rest := -plan.Before.Bytes
	for _, t := range m.Graph.Tensors() {
		rest += t.Size()
	}
	n := plan.After.Bytes + max(0, rest)
	if format == "gguf" {
		for _, a := range m.Attached {
			n += a.Size
		}
	}
	n += n/20 + 64<<10
	unit := int64(1)
	for n/unit >= 100 {
		unit *= 10
	}
	n = (n + unit - 1) / unit * unit
	for _, u := range []struct {
		size int64
		name string
	}{{1e9, "GB"}, {1e6, "MB"}} {
		if n%u.size == 0 || n >= 10*u.size {
			return fmt.Sprintf("%g%s", float64(n)/float64(u.size), u.name)
		}
	}
	return fmt.Sprintf("%gkB", float64(n)/1e3)
}

// starts lists the ways to begin with a model, the one to try first before others.
func starts(m *ir.Model, name string) []start {
	layers := m.Layers()
	var linear, convs int
	for _, l := range layers {
		switch l.Weight.DType {
		case ir.Float32, ir.Float16, ir.BFloat16, ir.Float64:
		default:
			continue
		}
		switch l.Type {
		case "linear":
			linear++
		case "conv":
			convs++
		}
	}
	switch {
	case linear+convs == 0:
		return nil
	case m.Format == "gguf":
		return []start{mix(name)}
	case m.Format == "safetensors" && linear > 0:
		return append(int4(layers, name), start{
			why:   "It stores weights in 8 bits with a scale a row,\n# which most models bear without loss.",
			steps: "  - id: pack\n    quantize: {scheme: W8A16}\n    targets: [\"type:linear\"]\n" + left(layers), format: "safetensors", path: name + "-int8/model.safetensors",
		}, half(name), mix(name))
	case m.Format == "safetensors":
		return []start{half(name)}
	}
	const why = "It stores weights in 8 bits and computes in floats.\n# For 8-bit arithmetic give the step activations: {type: uint8} and data: calibration, and declare that under data."
	pack := "  - id: pack\n    quantize: {scheme: W8A16}\n"
	return []start{
		{why: why, steps: "  - fold: {}  # first: what is folded later has been rounded\n\n" + pack, format: "onnx", path: name + "-int8.onnx"},
		{why: why, steps: pack, format: "onnx", path: name + "-int8.onnx"},
	}
}

// mix is for llama.cpp and what reads its files.
func mix(name string) start {
	return start{
		why:   "It packs the weights as llama.cpp does: most in\n# blocks of 4 bits, some in larger ones; pare plan shows which.",
		steps: "  - id: pack\n    quantize: {scheme: Q4_K_M}\n", format: "gguf", path: name + "-q4_k_m.gguf",
	}
}

// half is what is left where a format packs no smaller type.
func half(name string) start {
	return start{
		why:    "It stores weights in 16 bits: this format packs\n# smaller types for layers of class Linear alone. For llama.cpp write an output of format gguf and scheme: Q4_K_M.",
		steps:  "  - id: pack\n    quantize: {weights: {type: bfloat16}}\n",
		format: "safetensors", path: name + "-bf16/model.safetensors",
	}
}

// int4 are weights of 4 bits in groups: of the sizes in use the largest that divides every row. None may.
func int4(layers []ir.Layer, name string) []start {
	for _, size := range []int{128, 64, 32} {
		fits := true
		for _, l := range layers {
			fits = fits && (l.Type != "linear" || stays(&l) != "" || l.InFeatures%size == 0)
		}
		if fits {
			return []start{{
				why: fmt.Sprintf("It stores the weights of its linear layers\n# in 4 bits, in groups of %d, which divide the rows of all of them; no data is needed. The head and tables stay.", size),
				steps: fmt.Sprintf("  - id: pack\n    quantize:\n      scheme: W4A16\n      weights: {group_size: %d}\n    targets: [\"type:linear\"]\n%s",
					size, left(layers)),
				format: "safetensors", path: name + "-int4/model.safetensors",
			}}
		}
	}
	return nil
}

// stays is the role for which a linear layer is left as it is; empty: it is not.
func stays(l *ir.Layer) string {
	for _, role := range []string{"lm_head", "router"} {
		if l.Is(role) {
			return role
		}
	}
	return ""
}

// left ignores the layers that stay as they are.
func left(layers []ir.Layer) string {
	var roles []string
	for _, role := range []string{"lm_head", "router"} {
		for i := range layers {
			if layers[i].Type == "linear" && stays(&layers[i]) == role {
				roles = append(roles, schema.Inline("role:"+role))
				break
			}
		}
	}
	if roles == nil {
		return ""
	}
	return "    ignore: [" + strings.Join(roles, ", ") + "]\n"
}
