package recipe

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pare-ml/pare/recipe/diag"
)

// outputs takes over the files to write: each has a format, no two are the same, none is a file that is read.
func (p *parser) outputs(list []Output) {
	inputs := p.inputs()
	written := map[string]*Output{}
	for i := range list {
		o := &list[i]
		if o.Path == "" {
			continue // reported
		}
		p.format(o)
		p.splits(o)
		clean := strings.ToLower(path.Clean(o.Path))
		at := o.Node.Get("path").Span
		if first := written[clean]; first != nil {
			p.report.Add(diag.Diagnostic{Severity: diag.Error, Code: "repeated-path", Span: at,
				Message: "two outputs are written to " + quote(o.Path) + "; give each its own path",
				Related: []diag.Related{{Span: first.Node.Get("path").Span, Message: "the first one"}}})
			continue
		}
		written[clean] = o
		if model := path.Clean(p.recipe.Model.Path); o.GGUF.splits() && isSplit(o.Path, model) {
			p.report.Errorf(at, "output-is-input", "the files of the output %s can have the name of %s, the model that goes in; write to another, such as dist/%s", quote(o.Path), quote(model), path.Base(o.Path))
			continue
		}
		if what := inputs[clean]; what != "" {
			p.report.Errorf(at, "output-is-input", "the output %s is the path of %s; write to another, such as dist/%s", quote(o.Path), what, path.Base(o.Path))
			continue
		}
		p.recipe.Outputs = append(p.recipe.Outputs, *o)
	}
}

// splits checks how an output is spread over files.
func (p *parser) splits(o *Output) {
	n := o.Node.Get("gguf")
	if n == nil {
		return
	}
	if o.Format != "gguf" && o.Format != "" {
		p.report.Errorf(o.Node.KeySpan("gguf"), "split-does-not-fit", "gguf says how GGUF files are written; this output is of format %s", o.Format)
	}
	if first := n.Get("no_tensor_first_split"); first != nil && o.GGUF.NoTensorFirstSplit && !o.GGUF.splits() {
		p.report.Errorf(n.KeySpan("no_tensor_first_split"), "split-does-not-fit", "no_tensor_first_split needs split_max_size or split_max_tensors: without them there is one file")
	}
	if o.GGUF.SplitMaxSize > 0 && o.GGUF.SplitMaxTensors > 0 {
		p.report.Errorf(n.KeySpan("split_max_tensors"), "split-does-not-fit", "split_max_size and split_max_tensors are two ways to cut a model; keep one")
	}
}

var splitName = regexp.MustCompile(`^-\d{5}-of-\d{5}\.gguf$`)

// isSplit reports whether file has the name of one of the splits of an output.
func isSplit(output, file string) bool {
	prefix := strings.ToLower(strings.TrimSuffix(path.Clean(output), ".gguf"))
	rest, ok := strings.CutPrefix(strings.ToLower(file), prefix)
	return ok && splitName.MatchString(rest)
}

// inputs lists the files that the recipe reads, by path, with what they are.
func (p *parser) inputs() map[string]string {
	m := map[string]string{}
	add := func(file, what string) {
		if file != "" {
			m[strings.ToLower(path.Clean(file))] = what
		}
	}
	for _, d := range p.recipe.Data {
		for _, file := range []string{d.Path, d.Images, d.Labels, d.Importance} {
			add(file, "the data set "+d.Name)
		}
	}
	add(p.recipe.Model.Manifest, "the model's manifest")
	add(p.recipe.Target.Path, "the target's profile")
	for _, i := range p.recipe.Imports {
		add(i.Path, "a recipe that is imported")
	}
	add(p.recipe.Model.Path, "the model that goes in")
	return m
}

// format fills in the format from the path's extension if it is not given.
func (p *parser) format(o *Output) {
	if o.Format != "" || o.Node.Get("format") != nil {
		return
	}
	ext := strings.ToLower(path.Ext(o.Path))
	for _, w := range p.lang.Formats {
		if slices.Contains(w.Extensions, ext) {
			o.Format = w.Name
			return
		}
	}
	at := o.Node.Get("path").Span
	if ext == "" {
		p.report.Errorf(at, "unknown-format", "%s has no extension that says its format; add format: one of %s", quote(o.Path), diag.Names(names(p.lang.Formats)))
		return
	}
	p.report.Errorf(at, "unknown-format", "no format writes files that end in %s; add format: one of %s", quote(ext), diag.Names(names(p.lang.Formats)))
}
