package graph

import (
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
)

// checks lists what is found beyond the text of a recipe: by Compile, and by the passes. Package recipe lists the rest.
var checks = []recipe.Check{
	{Code: "condition-fails", Severity: diag.Error, Model: true, Doc: "a condition that has no value for a layer"},
	{Code: "gate-does-not-fit", Severity: diag.Error, Model: true, Doc: "a gate that makes no sense for its metric"},
	{Code: "layer-untouched", Severity: diag.Note, Model: true, Doc: "layers with weights that no step picks"},
	{Code: "override-matches-nothing", Severity: diag.Error, Model: true, Doc: "an override that matches none of its step's layers"},
	{Code: "override-shadowed", Severity: diag.Warning, Model: true, Doc: "an override that later ones cover on every layer"},
	{Code: "overrides-fight", Severity: diag.Warning, Model: true, Doc: "two overrides that set one parameter of a layer to different values"},
	{Code: "pass-refuses", Severity: diag.Error, Model: true, Doc: "a pass that cannot work on this model"},
	{Code: "selector-matches-nothing", Severity: diag.Error, Model: true, Doc: "a selector that matches no layer"},
	{Code: "unexpected-match-count", Severity: diag.Error, Model: true, Doc: "a step that matches another number of layers than expect says"},
}
