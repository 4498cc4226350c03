package graph

import (
	"path"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/provenance"
	"github.com/pare-ml/pare/graph/store"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
)

// ownFiles are the names of what a build puts beside its outputs.
var ownFiles = []string{ReportJSON, ReportMarkdown, RecipeYAML, store.Sums, provenance.StatementName, provenance.EnvelopeName, provenance.BOMName}

// apart holds that no file of an output has the name of a file of another one, or of one that the build itself writes: else
// that would come out when all the work is done. What a file may be called counts, whether it comes to be or not.
func (c *compiler) apart(plan *Plan) {
	type taken struct {
		name string
		by   *recipe.Output // nil: the build
	}
	var all []taken
	for _, name := range ownFiles {
		all = append(all, taken{strings.ToLower(name), nil})
	}
	for i := range c.recipe.Outputs {
		o := &c.recipe.Outputs[i]
		names := c.fileNames(plan, o)
		for _, name := range names {
			at := slices.IndexFunc(all, func(t taken) bool { return alike(t.name, name) })
			if at < 0 {
				continue
			}
			d := diag.Diagnostic{Severity: diag.Error, Code: "output-collides", Span: formatAt(o)}
			if first := all[at].by; first == nil {
				d.Message = "an output's file can be called " + name + ", as one that every build writes; give the output another name or folder"
			} else {
				d.Message = "files of two outputs can have the name " + name + "; give one of them another name, or a folder of its own"
				d.Related = []diag.Related{{Span: formatAt(first), Message: "the other output"}}
			}
			c.report.Add(d)
			break
		}
		for _, name := range names {
			all = append(all, taken{name, o})
		}
	}
}

// fileNames lists what the files of an output may be called, in lower case: names that differ by case alone are one on many
// disks.
func (c *compiler) fileNames(plan *Plan, o *recipe.Output) []string {
	f := c.suite.Format(o.Format)
	if f == nil {
		return nil
	}
	names := []string{path.Base(o.Path)}
	if f.Names != nil {
		names = f.Names(plan.output, path.Base(o.Path), splitOf(*o))
	}
	for i, name := range names {
		names[i] = strings.ToLower(path.Join(path.Dir(o.Path), name))
	}
	return names
}

// alike reports whether two names may be the same; a ? stands for any character.
func alike(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if a[i] != b[i] && a[i] != '?' && b[i] != '?' {
			return false
		}
	}
	return true
}
