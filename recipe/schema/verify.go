package schema

import (
	"fmt"
	"slices"
)

// Verify checks the records themselves: names are there and unique, every field is documented, defaults are among the
// choices, a short form names a field. It is for the tests of those who write records.
func (o Object) Verify() error {
	if o.Short != "" && o.Field(o.Short) == nil {
		return fmt.Errorf("the short form fills %q, which is no field", o.Short)
	}
	seen := map[string]bool{}
	for _, f := range o.Fields {
		if err := f.verify(seen); err != nil {
			return fmt.Errorf("field %q: %w", f.Name, err)
		}
		seen[f.Name] = true
	}
	return nil
}

func (f *Field) verify(seen map[string]bool) error {
	switch {
	case f.Name == "":
		return fmt.Errorf("it has no name")
	case seen[f.Name]:
		return fmt.Errorf("the name stands twice")
	case f.Doc == "":
		return fmt.Errorf("it has no help")
	case f.Kind == KindEnum && len(f.Choices) == 0:
		return fmt.Errorf("it has no choices")
	case f.Kind == KindEnum && f.Default != "" && !slices.Contains(f.choiceNames(), f.Default):
		return fmt.Errorf("the default %q is no choice", f.Default)
	case f.Required && f.Optional:
		return fmt.Errorf("it is both required and optional")
	case f.Min != nil && f.Max != nil && *f.Min > *f.Max:
		return fmt.Errorf("no value lies in its range")
	case f.Fields != nil:
		return f.Fields.Verify()
	}
	return nil
}
