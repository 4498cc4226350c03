package recipe

import (
	"path"
	"slices"
	"strings"

	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// ConfigName is the name of the file at the root of a repository that holds a Config.
const ConfigName = ".pare.yaml"

// Config is how a repository wants its recipes to be checked.
type Config struct {
	Strict bool // warnings count as errors
	Allow  []Allow
}

// Allow is a kind of finding that is meant to be.
type Allow struct {
	Code, Reason string
	Paths        []string // of recipes, relative to the file; ** stands for any folders; empty: all
	Node         *syntax.Node
}

// ConfigFields returns the records of the file, for documentation and schemas.
func ConfigFields(c *Config) schema.Object {
	return schema.Object{
		Name: "the configuration",
		Doc:  "How the recipes of a repository are checked.",
		Fields: []*schema.Field{
			schema.Bool(&c.Strict, "strict", false, "whether warnings make a command fail, as --strict does"),
			schema.List(&c.Allow, "allow", "warnings and notes that are meant to be", func(a *Allow) schema.Object {
				return schema.Object{Name: "an entry of allow", Node: &a.Node, Fields: []*schema.Field{
					schema.String(&a.Code, "code", "", "the finding's code").Require(),
					schema.String(&a.Reason, "reason", "", "why it is meant to be").Require(),
					schema.Strings(&a.Paths, "paths", nil, "recipes that it holds for, relative to this file; ** stands for any folders; left out: all"),
				}}
			}),
		},
	}
}

// ParseConfig reads a configuration. What is wrong with it is reported; what is left holds.
func ParseConfig(src *diag.Source, l *Language, report *diag.List) *Config {
	c := &Config{}
	if len(strings.TrimSpace(string(src.Text))) == 0 {
		return c
	}
	root := syntax.Parse(src, report)
	if root == nil {
		return c
	}
	(&schema.Decoder{Report: report}).Decode(root, ConfigFields(c))
	c.Allow = slices.DeleteFunc(c.Allow, func(a Allow) bool { return !l.allowed(a, report) })
	return c
}

// allowed checks an entry of allow.
func (l *Language) allowed(a Allow, report *diag.List) bool {
	if a.Code == "" || a.Reason == "" {
		return false // reported
	}
	if why := l.silenceable(a.Code, nil); why != "" {
		report.Errorf(a.Node.Get("code").Span, "bad-silence", "%s", why)
		return false
	}
	for i, p := range a.Paths {
		if _, err := path.Match(p, ""); err != nil {
			report.Errorf(a.Node.Get("paths").Items[i].Span, "bad-silence", "the path %s is no pattern: a [ is not closed, or \\ stands at its end", quote(p))
			return false
		}
	}
	return true
}

// allows tells whether a finding in the file of this path is allowed.
func (c *Config) allows(d diag.Diagnostic, file string) bool {
	if c == nil || d.Severity == diag.Error {
		return false
	}
	return slices.ContainsFunc(c.Allow, func(a Allow) bool {
		return a.Code == d.Code && (len(a.Paths) == 0 || slices.ContainsFunc(a.Paths, func(p string) bool {
			return matchPath(strings.Split(path.Clean(p), "/"), strings.Split(file, "/"))
		}))
	})
}

// matchPath matches the segments of a path with those of a pattern, of which ** stands for any number.
func matchPath(pattern, file []string) bool {
	if len(pattern) > 100 || len(file) > 100 {
		return false
	}
	// reach[j]: what of the pattern has been read so far can match file[:j].
	reach := make([]bool, len(file)+1)
	reach[0] = true
	for _, p := range pattern {
		next := make([]bool, len(file)+1)
		for j, ok := range reach {
			switch {
			case p == "**":
				next[j] = ok || j > 0 && next[j-1]
			case ok && j < len(file):
				next[j+1], _ = path.Match(p, file[j])
			}
		}
		reach = next
	}
	return reach[len(file)]
}
