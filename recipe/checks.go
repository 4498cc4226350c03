package recipe

import (
	"slices"
	"strings"

	"github.com/pare-ml/pare/recipe/diag"
)

// Check is a kind of finding. docs/checks.md has a section for each.
type Check struct {
	Code     string
	Severity diag.Severity // the gravest that it comes in
	Mixed    bool          // it also comes less grave, and can be silenced then
	Model    bool          // it takes the model's header, or more, to find it
	Doc      string        // what fires it
}

// check returns the check of this code, or nil.
func (l *Language) check(code string) *Check {
	for _, list := range [][]Check{checks, l.Checks} {
		if i := slices.IndexFunc(list, func(c Check) bool { return c.Code == code }); i >= 0 {
			return &list[i]
		}
	}
	return nil
}

// AllChecks lists every kind of finding that there is, sorted by code.
func (l *Language) AllChecks() []Check {
	out := slices.Concat(checks, l.Checks)
	slices.SortStableFunc(out, func(a, b Check) int { return strings.Compare(a.Code, b.Code) })
	return out
}

// softCodes lists what can be silenced.
func (l *Language) softCodes() []string {
	var out []string
	for _, c := range l.AllChecks() {
		if c.Severity != diag.Error || c.Mixed {
			out = append(out, c.Code)
		}
	}
	return out
}

// checks lists what is found in the text of recipes.
var checks = slices.Concat(yamlChecks, valueChecks, conditionChecks, recipeChecks)

var yamlChecks = []Check{
	{Code: "yaml-alias-cycle", Severity: diag.Error, Doc: "an alias stands inside the value that it stands for"},
	{Code: "yaml-anchor", Severity: diag.Warning, Doc: "an anchor is set twice"},
	{Code: "yaml-byte-order-mark", Severity: diag.Warning, Doc: "the text begins with a byte-order mark"},
	{Code: "yaml-control-character", Severity: diag.Error, Doc: "a character that is no text"},
	{Code: "yaml-crlf", Severity: diag.Note, Doc: "lines end in CR LF"},
	{Code: "yaml-directive", Severity: diag.Error, Doc: "a line begins with %, a directive"},
	{Code: "yaml-duplicate-key", Severity: diag.Error, Doc: "a key stands twice in a mapping"},
	{Code: "yaml-empty", Severity: diag.Error, Doc: "the text holds nothing"},
	{Code: "yaml-encoding", Severity: diag.Error, Doc: "the text is not UTF-8"},
	{Code: "yaml-escape", Severity: diag.Error, Doc: "an escape in quotes that YAML does not have"},
	{Code: "yaml-hidden-character", Severity: diag.Error, Mixed: true, Doc: "a character that does not show"},
	{Code: "yaml-key", Severity: diag.Error, Doc: "a key that is no plain word"},
	{Code: "yaml-line-end", Severity: diag.Error, Doc: "lines end in CR alone, or in a character that few take for a line end"},
	{Code: "yaml-merge", Severity: diag.Error, Doc: "<< brings in what is no mapping"},
	{Code: "yaml-second-document", Severity: diag.Error, Doc: "a second document in the file"},
	{Code: "yaml-syntax", Severity: diag.Error, Doc: "the text is no YAML"},
	{Code: "yaml-tab", Severity: diag.Error, Doc: "a tab where YAML wants blanks"},
	{Code: "yaml-tag", Severity: diag.Error, Doc: "a tag"},
	{Code: "yaml-too-deep", Severity: diag.Error, Doc: "values nested beyond the bound"},
	{Code: "yaml-too-large", Severity: diag.Error, Doc: "more text, values or aliases than the bound"},
}

var valueChecks = []Check{
	{Code: "deprecated-key", Severity: diag.Warning, Doc: "a key that has a better name"},
	{Code: "empty-value", Severity: diag.Error, Doc: "a key without a value, an empty list"},
	{Code: "hidden-default", Severity: diag.Warning, Doc: "a default in effect that should be written out"},
	{Code: "missing-key", Severity: diag.Error, Doc: "a required key is not there"},
	{Code: "missing-unit", Severity: diag.Error, Doc: "a size without its unit"},
	{Code: "odd-bool", Severity: diag.Error, Doc: "yes, no, on, off where true or false belongs"},
	{Code: "odd-number", Severity: diag.Error, Doc: "a number that readers read in different ways: 017, 1_000, .nan"},
	{Code: "odd-text", Severity: diag.Error, Doc: "a plain text that some readers take for another type"},
	{Code: "out-of-range", Severity: diag.Error, Doc: "a number outside of the bounds of its key"},
	{Code: "path-not-allowed", Severity: diag.Error, Doc: "a path that does not mean the same on any computer"},
	{Code: "path-outside-repository", Severity: diag.Error, Doc: "a path that leads out of the repository"},
	{Code: "suspicious-number", Severity: diag.Warning, Doc: "a number that is allowed and most likely a slip"},
	{Code: "template-empty", Severity: diag.Error, Doc: "${{ }} without an expression"},
	{Code: "template-fails", Severity: diag.Error, Doc: "an expression that has no value"},
	{Code: "template-not-allowed", Severity: diag.Error, Doc: "${{ }} where nothing is filled in"},
	{Code: "template-type", Severity: diag.Error, Doc: "an expression of another type than its key"},
	{Code: "template-unclosed", Severity: diag.Error, Doc: "${{ without }}"},
	{Code: "unknown-key", Severity: diag.Error, Doc: "a key that its mapping does not have"},
	{Code: "unknown-unit", Severity: diag.Error, Doc: "a size in a unit that there is not"},
	{Code: "unknown-value", Severity: diag.Error, Doc: "a word that is none of the choices"},
	{Code: "wrong-type", Severity: diag.Error, Doc: "a value of another type than its key"},
}

var conditionChecks = []Check{
	{Code: "condition-constant", Severity: diag.Error, Mixed: true, Doc: "a condition, or a part of one, that is always true or never"},
	{Code: "condition-division", Severity: diag.Error, Doc: "division by zero"},
	{Code: "condition-not-allowed", Severity: diag.Error, Doc: "what conditions leave out: loops, lists, other functions"},
	{Code: "condition-pattern", Severity: diag.Error, Doc: "a pattern of matches that is no RE2, or too large"},
	{Code: "condition-syntax", Severity: diag.Error, Doc: "a condition that cannot be read"},
	{Code: "condition-too-long", Severity: diag.Error, Doc: "a condition beyond the bound"},
	{Code: "condition-type", Severity: diag.Error, Doc: "types that do not go together"},
	{Code: "unknown-fact", Severity: diag.Error, Doc: "a fact that there is not, or not at this place"},
}

var recipeChecks = []Check{
	{Code: "bad-address", Severity: diag.Error, Doc: "a model's address that is not hf://org/name@revision"},
	{Code: "bad-name", Severity: diag.Error, Doc: "a name of a variable, step or data set with characters that it may not have"},
	{Code: "bad-selector", Severity: diag.Error, Doc: "a selector that cannot be read"},
	{Code: "bad-set", Severity: diag.Error, Doc: "--set without a value"},
	{Code: "bad-silence", Severity: diag.Error, Doc: "a silence without a reason, for an unknown code, or for an error"},
	{Code: "data-of-other-kind", Severity: diag.Error, Doc: "samples where an importance matrix is wanted, or the other way round"},
	{Code: "data-overlap", Severity: diag.Error, Mixed: true, Doc: "data sets that share samples: error if a gate measures on one, else a warning"},
	{Code: "fact-without-data", Severity: diag.Error, Doc: "a condition on what is measured, with no data to measure on"},
	{Code: "file-missing", Severity: diag.Error, Mixed: true, Doc: "a file that the recipe names is not there"},
	{Code: "gate-does-not-fit", Severity: diag.Error, Doc: "a gate that makes no sense for its metric, or asks for a confidence that none has"},
	{Code: "gate-missing", Severity: diag.Warning, Doc: "a recipe without gates"},
	{Code: "import-cycle", Severity: diag.Error, Doc: "a fragment imports itself, directly or through others"},
	{Code: "import-unreadable", Severity: diag.Error, Doc: "an import that cannot be read or is no recipe"},
	{Code: "keys-conflict", Severity: diag.Error, Doc: "keys that do not go together"},
	{Code: "lengths-differ", Severity: diag.Error, Doc: "lists that must be of one length are not"},
	{Code: "version-migrated", Severity: diag.Note, Doc: "what pare fmt --migrate did"},
	{Code: "migration-fails", Severity: diag.Error, Doc: "a recipe that cannot be rewritten in the next version"},
	{Code: "not-formatted", Severity: diag.Warning, Doc: "a text that pare fmt cannot bring into canonical form safely"},
	{Code: "output-is-input", Severity: diag.Error, Doc: "an output would overwrite a file that is read"},
	{Code: "output-missing", Severity: diag.Warning, Doc: "a recipe without outputs"},
	{Code: "override-refused", Severity: diag.Error, Doc: "overrides of a pass that treats the model as a whole"},
	{Code: "pass-order", Severity: diag.Error, Doc: "steps in an order that breaks a pass's rule"},
	{Code: "passes-empty", Severity: diag.Warning, Doc: "a recipe without steps"},
	{Code: "remote-model", Severity: diag.Error, Doc: "a model at an address, which this version does not fetch, and no manifest"},
	{Code: "repeated-id", Severity: diag.Error, Doc: "two steps with one id"},
	{Code: "repeated-import", Severity: diag.Error, Doc: "a file that is imported twice"},
	{Code: "repeated-path", Severity: diag.Error, Doc: "two outputs with one path"},
	{Code: "repeated-set", Severity: diag.Error, Doc: "--set gives a variable twice"},
	{Code: "selector-repeated", Severity: diag.Warning, Doc: "a selector that stands twice in a list"},
	{Code: "split-does-not-fit", Severity: diag.Error, Doc: "files of a size where the format knows none, or cut in two ways"},
	{Code: "target-missing", Severity: diag.Error, Doc: "a fact of the target in a recipe that names none"},
	{Code: "too-many", Severity: diag.Error, Doc: "more steps, selectors or imports than the bound"},
	{Code: "two-passes", Severity: diag.Error, Doc: "a step with two passes"},
	{Code: "unknown-data", Severity: diag.Error, Doc: "a data set that is not declared"},
	{Code: "unknown-format", Severity: diag.Error, Doc: "an output whose format its path does not say"},
	{Code: "unknown-pass", Severity: diag.Error, Doc: "a pass that there is not"},
	{Code: "unknown-role", Severity: diag.Error, Doc: "a layer role that there is not"},
	{Code: "unknown-target", Severity: diag.Error, Doc: "a target that is not built in"},
	{Code: "unknown-type", Severity: diag.Error, Doc: "a layer type that there is not"},
	{Code: "unknown-var", Severity: diag.Error, Doc: "--set of a variable that is not declared"},
	{Code: "unknown-version", Severity: diag.Error, Doc: "another version of the language"},
	{Code: "unpinned-model", Severity: diag.Warning, Doc: "a model's address without a commit"},
	{Code: "unused-data", Severity: diag.Warning, Doc: "a data set that nothing uses"},
	{Code: "unused-import", Severity: diag.Warning, Doc: "an import of which nothing is left"},
	{Code: "unused-silence", Severity: diag.Warning, Doc: "a silence that silences nothing"},
	{Code: "unused-var", Severity: diag.Warning, Doc: "a variable that nothing uses"},
}
