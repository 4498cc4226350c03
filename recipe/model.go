package recipe

import (
	"path"
	"slices"
	"strings"

	"github.com/pare-ml/pare/internal/lazyregexp"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

var (
	remoteModel = lazyregexp.New(`^hf://[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*(?:@([A-Za-z0-9._/-]+))?$`)
	commit      = lazyregexp.New(`^[0-9a-f]{7,64}$`)
)

// checkModel checks a model that stands at an address.
func checkModel(m *Model, n *syntax.Node, report *diag.List) {
	if !m.Remote() {
		return
	}
	at := n.Get("path").Span
	parts := remoteModel.FindStringSubmatch(m.Path)
	if parts == nil {
		report.Errorf(at, "bad-address", "path is %s; a model's address is written hf://org/name@revision", quote(m.Path))
		return
	}
	switch revision := parts[1]; {
	case revision == "":
		report.Warningf(at, "unpinned-model", "%s does not say which revision, so the recipe means another model tomorrow; add @ and the commit", m.Path)
	case !commit.MatchString(revision):
		report.Warningf(at, "unpinned-model", "%s names the branch or tag %s, which may move; write the commit instead", m.Path, quote(revision))
	}
	if m.Manifest == "" {
		report.Errorf(at, "remote-model", "this version of pare fetches no models, so %s cannot be read; download it and write its path, or add manifest: with its header to lint and plan", m.Path)
	}
}

// target takes over the device that the result is for.
func (p *parser) target(n *syntax.Node, name string) {
	switch {
	case n == nil || name == "":
		return // not asked for, or reported
	case slices.Contains(names(p.lang.Targets), name):
		p.recipe.Target = Target{Name: name, Node: n}
		return
	case !looksLikePath(name):
		advice := diag.Suggest(name, names(p.lang.Targets))
		if len(p.lang.Targets) == 0 {
			advice = "; none is built in: write the path of a profile"
		}
		p.report.Errorf(n.Span, "unknown-target", "unknown target %s%s", quote(name), advice)
		p.recipe.Target = Target{Name: name, Node: n} // so that what asks about it is not reported too
		return
	}
	t := Target{Node: n}
	p.decoder(varFacts, nil, p.report).DecodeValue(n, schema.Path(&t.Path, "target", "", "").Require())
	p.recipe.Target = t
}

// looksLikePath tells whether a target is meant as a file, not as a name.
func looksLikePath(s string) bool {
	switch strings.ToLower(path.Ext(s)) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return strings.ContainsAny(s, `/\`)
}
