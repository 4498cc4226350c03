package graph

import (
	"slices"

	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
)

// checks lists what is found beyond the text of a recipe: by Compile and those who open its files, and by the passes.
// Package recipe lists the rest.
var checks = slices.Concat(compileChecks, passChecks)

var compileChecks = []recipe.Check{
	{Code: "condition-always", Severity: diag.Warning, Model: true, Doc: "a condition of an override or a selector that holds for every layer it is asked of"},
	{Code: "condition-fails", Severity: diag.Error, Model: true, Doc: "a condition that has no value for a layer"},
	{Code: "gate-loosened", Severity: diag.Warning, Model: true, Doc: "pare diff: a gate that asks for less than it did"},
	{Code: "gate-removed", Severity: diag.Warning, Model: true, Doc: "pare diff: a gate that is gone"},
	{Code: "gate-undecidable", Severity: diag.Error, Mixed: true, Model: true, Doc: "a gate that the number of samples can never meet: an error, a warning with on_fail: warn"},
	{Code: "ignore-without-effect", Severity: diag.Warning, Model: true, Doc: "a selector of ignore that takes nothing out"},
	{Code: "layer-untouched", Severity: diag.Note, Model: true, Doc: "layers with weights that no step picks"},
	{Code: "lock-damaged", Severity: diag.Error, Doc: "pare.lock is not as pare writes it: a merge that is not settled, an edit"},
	{Code: "lock-stale", Severity: diag.Warning, Model: true, Doc: "the recipe, an input or a version is not what pare.lock says"},
	{Code: "manifest-missing", Severity: diag.Note, Model: true, Doc: "the manifest that the recipe names is not there, the model is"},
	{Code: "manifest-stale", Severity: diag.Warning, Model: true, Doc: "the manifest is not the header of the model any more"},
	{Code: "manifest-used", Severity: diag.Note, Model: true, Doc: "the model is not there, so its manifest is taken"},
	{Code: "metrics-without-data", Severity: diag.Error, Model: true, Doc: "a step's condition on metrics, with no data set, or several, to measure them on"},
	{Code: "output-cannot-hold", Severity: diag.Error, Model: true, Doc: "a result that the format of an output has no room for"},
	{Code: "output-collides", Severity: diag.Error, Model: true, Doc: "files of two outputs, or of one and of the build itself, with one name"},
	{Code: "override-matches-nothing", Severity: diag.Error, Model: true, Doc: "an override that matches none of its step's layers"},
	{Code: "override-shadowed", Severity: diag.Warning, Model: true, Doc: "an override that later ones cover on every layer"},
	{Code: "overrides-fight", Severity: diag.Warning, Model: true, Doc: "two overrides that set one parameter of a layer to different values"},
	{Code: "pass-refuses", Severity: diag.Error, Model: true, Doc: "a pass that cannot work on this model"},
	{Code: "repeated-name", Severity: diag.Error, Doc: "pare test: two cases of one name"},
	{Code: "selector-matches-everything", Severity: diag.Warning, Model: true, Doc: "a pattern that picks every layer"},
	{Code: "selector-matches-nothing", Severity: diag.Error, Model: true, Doc: "a selector that matches no layer"},
	{Code: "siblings-split", Severity: diag.Warning, Model: true, Doc: "layers that a runtime computes as one leave a step in different types"},
	{Code: "step-treats-nothing", Severity: diag.Warning, Model: true, Doc: "a step that is left with no layer to treat"},
	{Code: "target-cannot-run", Severity: diag.Error, Model: true, Doc: "a type, granularity or operator that the target's runtime does not have"},
	{Code: "target-over-budget", Severity: diag.Error, Model: true, Doc: "a model beyond a budget of the target"},
	{Code: "target-saturates", Severity: diag.Warning, Model: true, Doc: "a pair of types whose sums overflow on the target"},
	{Code: "test-failed", Severity: diag.Error, Doc: "pare test: what a case expects does not hold"},
	{Code: "tied-split", Severity: diag.Error, Model: true, Doc: "layers that share a weight leave a step in different states"},
	{Code: "unexpected-match-count", Severity: diag.Error, Model: true, Doc: "a step that matches another number of layers than expect says"},
	{Code: "zero-does-not-fit", Severity: diag.Error, Model: true, Doc: "pruned weights in a type that has no exact zero"},
}

var passChecks = []recipe.Check{
	{Code: "block-does-not-divide", Severity: diag.Error, Model: true, Doc: "quantize: rows that are no whole number of a ggml type's blocks"},
	{Code: "criterion-needs-data", Severity: diag.Error, Doc: "prune: a criterion that is measured, without data"},
	{Code: "criterion-needs-filters", Severity: diag.Error, Doc: "prune: a criterion that ranks filters, on another structure"},
	{Code: "group-size-does-not-divide", Severity: diag.Error, Model: true, Doc: "quantize: rows that are no whole number of groups"},
	{Code: "hidden-needs-layers", Severity: diag.Error, Doc: "distill: a loss of kind hidden without layers"},
	{Code: "importance-does-not-fit", Severity: diag.Error, Model: true, Doc: "quantize: an importance matrix that has another number of columns for a weight"},
	{Code: "layers-need-hidden", Severity: diag.Error, Doc: "distill: layers in a loss of another kind"},
	{Code: "loss-stands-twice", Severity: diag.Error, Doc: "distill: two losses of one kind"},
	{Code: "missing-data", Severity: diag.Error, Doc: "quantize: ranges of activations without data"},
	{Code: "missing-importance", Severity: diag.Error, Doc: "quantize: a scheme of so few bits that it needs an importance matrix, which is not named or says nothing of a weight"},
	{Code: "n-m-does-not-divide", Severity: diag.Warning, Model: true, Doc: "prune: rows that are no whole number of groups"},
	{Code: "n-m-order", Severity: diag.Error, Doc: "prune: n is not less than m"},
	{Code: "n-m-sparsity", Severity: diag.Error, Doc: "prune: sparsity is not what n and m give"},
	{Code: "no-loss", Severity: diag.Error, Doc: "distill: an empty list of losses"},
	{Code: "no-teacher-in-losses", Severity: diag.Error, Doc: "distill: no loss asks the teacher"},
	{Code: "observer-conflict", Severity: diag.Error, Doc: "quantize: observer and algorithm choose the range in different ways"},
	{Code: "one-scale-for-depthwise", Severity: diag.Warning, Model: true, Doc: "quantize: one scale for all filters of a depthwise convolution"},
	{Code: "parameter-unused", Severity: diag.Warning, Doc: "a parameter that has no effect beside the others"},
	{Code: "scope-does-not-fit", Severity: diag.Error, Doc: "prune: a scope that the structure cannot have"},
	{Code: "slow-type-pair", Severity: diag.Warning, Doc: "quantize: types of weights and activations that runtimes compute slowly"},
	{Code: "type-does-not-fit", Severity: diag.Error, Doc: "quantize: a granularity, size or layer that the type cannot have"},
	{Code: "warmup-too-long", Severity: diag.Error, Doc: "training: the warmup is longer than the training"},
}
