package recipe

import (
	"slices"
	"strings"

	"github.com/pare-ml/pare/recipe/condition"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
	"github.com/pare-ml/pare/recipe/syntax"
)

// Version is the version of the language that this package reads.
const Version = 1

// Options of Parse.
type Options struct {
	Set []string // name=value, from the command line

	// Open reads a file that the recipe imports. The path is relative to the recipe's folder, with / between segments,
	// and may begin with ../; that it leads to nothing the recipe may not see is for Open to check. Nil: nothing can be
	// imported.
	Open func(path string) ([]byte, error)

	// Model is told which model goes in as soon as that is known, before the steps are read, so that it can be opened
	// meanwhile. Nil: nobody is told.
	Model func(Model)

	// Dir is the recipe's folder relative to the root of its repository, "." for the root itself. With it, paths that
	// lead out of the repository are findings. Empty: not known.
	Dir string
}

// Parse reads a recipe. It reports everything it can find without a model and returns nil only if nothing is usable:
// no YAML, not a mapping, or another version of the language.
func Parse(src *diag.Source, lang *Language, o Options, report *diag.List) *Recipe {
	if report == nil {
		report = new(diag.List)
	}
	root := syntax.Parse(src, report)
	if root == nil {
		return nil
	}
	if root.Kind != syntax.Mapping {
		report.Errorf(root.Head(), "wrong-type", "a recipe is a mapping that begins with version: %d; this is %s", Version, kindOrEmpty(root))
		return nil
	}
	p := &parser{
		lang: lang, report: report, before: len(*report),
		recipe:   &Recipe{Source: src, Root: root, lang: lang, folder: o.Dir, dirs: map[*diag.Source]string{src: ""}},
		varsUsed: map[string]bool{}, dataUsed: map[string]*dataUse{},
	}
	if !p.version(root) {
		return nil
	}
	p.imports(o.Open)
	p.vars(p.recipe.Root.Get("vars"))
	p.set(o.Set)
	p.document(o.Model)
	return p.recipe
}

// parser carries what the parts of a recipe share while it is read.
type parser struct {
	lang   *Language
	report *diag.List
	before int // findings there were before
	recipe *Recipe

	varsUsed      map[string]bool
	dataNames     []string
	dataBroken    bool // data is no mapping, so that no name can be known
	dataUsed      map[string]*dataUse
	selectorCount int
	envs          map[*string]condition.Env // see env
}

// version checks the version before all else: in another version of the language other keys may be right. What is no
// number is left to the records.
func (p *parser) version(root *syntax.Node) bool {
	n := root.Get("version")
	if n == nil {
		p.report.Errorf(root.Head(), "missing-key", "a recipe needs version, the version of the language it is written in: write version: %d", Version)
		p.report.Fix(insertLine(root, "version: 1"))
		return true
	}
	version := Version
	if !(&schema.Decoder{}).DecodeValue(n, schema.Int(&version, "version", Version, "")) {
		return true
	}
	return p.thisVersion(n, version)
}

func (p *parser) thisVersion(n *syntax.Node, version int) bool {
	if version == Version {
		return true
	}
	advice := ""
	if p.lang.migration(version) != nil {
		advice = "; pare fmt --migrate rewrites it"
	}
	p.report.Errorf(n.Span, "unknown-version", "version is %d; this pare reads version %d of the recipe language%s", version, Version, advice)
	return false
}

// document decodes the keys of the recipe and what hangs on them; model is told of the model.
func (p *parser) document(model func(Model)) {
	var doc document
	if data := p.recipe.Root.Get("data"); data != nil {
		p.dataBroken = data.Kind != syntax.Mapping
		for _, pair := range data.Pairs {
			p.dataNames = append(p.dataNames, pair.Key.Text)
		}
	}
	fields := documentFields(&doc, p.lang)
	if p.recipe.partial {
		for _, f := range fields.Fields {
			f.Required = false // an import that could not be read may hold it
		}
	}
	p.decoder(varFacts, p.referGate, p.report).Decode(p.recipe.Root, fields)
	r := p.recipe
	if n := r.Root.Get("version"); schema.HasTemplate(n) {
		p.thisVersion(n, doc.Version)
	}
	r.Name, r.Description, r.Model, r.Seed = doc.Name, doc.Description, doc.Model, uint64(doc.Seed)
	if model != nil {
		model(r.Model)
	}
	p.target(r.Root.Get("target"), doc.Target)
	p.data(doc.Data)
	p.steps(doc.Passes)
	r.Gates = p.gates(doc.Gates)
	p.outputs(doc.Outputs)
	p.summary()
}

// summary reports what only the whole recipe shows. What nothing uses is said only of a recipe without errors: a slip
// elsewhere may be why.
func (p *parser) summary() {
	if p.recipe.partial {
		return
	}
	root := p.recipe.Root
	if n := root.Get("gates"); root.Get("passes") != nil && (n == nil || n.Kind == syntax.Sequence && len(n.Items) == 0) {
		p.report.Warningf(root.KeySpan("gates"), "gate-missing", "the recipe has no gates, so nothing checks what the result can still do; add gates: [{metric: …, data: …, max_degradation: 1%%}]")
	}
	if n := root.Get("outputs"); n == nil && root.Get("passes") != nil || n != nil && n.Kind == syntax.Sequence && len(n.Items) == 0 {
		p.report.Warningf(root.KeySpan("outputs"), "output-missing", "the recipe has no outputs, so a build writes no model; add outputs: [{path: …}]")
	}
	if diag.List((*p.report)[p.before:]).HasErrors() {
		return
	}
	p.overlaps()
	p.unusedVars()
	p.unusedData()
	p.unusedImports()
}

// named checks the name that a user gave to a step or a data set: it goes into file names, seeds and messages.
func (p *parser) named(n *syntax.Node, what, name string) bool {
	if len(name) <= 100 && name != "" && strings.IndexByte(".-", name[0]) < 0 && hasOnly(name, ".-") {
		return true
	}
	p.report.Errorf(n.Span, "bad-name", "%s is %s; a name has letters, digits, - _ and . only, at most 100", what, quote(name))
	return false
}

// hasOnly tells whether a text has letters, digits, _ and those others alone, all of ASCII.
func hasOnly(text, others string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', strings.IndexByte(others, c) >= 0:
		default:
			return false
		}
	}
	return true
}

// pass returns the word of a pass, or nil.
func (l *Language) pass(name string) *PassWord {
	if i := slices.IndexFunc(l.Passes, func(w PassWord) bool { return w.Name == name }); i >= 0 {
		return &l.Passes[i]
	}
	return nil
}

// word returns the word of this name, or nil.
func word(list []Word, name string) *Word {
	if i := slices.IndexFunc(list, func(w Word) bool { return w.Name == name }); i >= 0 {
		return &list[i]
	}
	return nil
}
