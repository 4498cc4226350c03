package cli

import (
	"github.com/spf13/pflag"

	"github.com/pare-ml/pare/recipe/jsonschema"
)

var schemaVerb = &verb{
	name: "schema", quick: true, summary: "JSON Schema of recipes, for editors",
	long: `Prints the JSON Schema (draft 7) of the recipe language with the passes, metrics and formats of this pare. Editors
with a YAML language server complete and explain keys and values by it. Write it to a file and name that in the
first line of a recipe:

  pare schema > recipe.schema.json
  # yaml-language-server: $schema=recipe.schema.json

The schema finds wrong keys, words, types and ranges. Conditions, selectors and the model are for pare lint.`,
	setup: func(*pflag.FlagSet) func(*session, []string) error {
		return func(s *session, _ []string) error { return jsonschema.Write(s.stdout, s.suite.Language()) }
	},
}
