package passes

import (
	"errors"
	"fmt"

	"github.com/pare-ml/pare/internal/lazyregexp"
)

var nameForm = lazyregexp.New(`^[a-z][a-z0-9_]*$`)

// Validate checks the records of a suite of passes: names well formed and unique, a doc, a version, every field
// documented, every order rule with a reason, naming a pass of the suite, and not contradicted by another. A test runs
// it over passes/all.
func Validate(suite []*Pass) error {
	var errs []error
	names := map[string]bool{}
	for _, p := range suite {
		if names[p.Name] {
			errs = append(errs, fmt.Errorf("pass %s is listed twice", p.Name))
		}
		names[p.Name] = true
	}
	before := map[[2]string]bool{} // first, second
	for _, p := range suite {
		errs = append(errs, validateInfo(p)...)
		if err := p.Fields().Verify(); err != nil {
			errs = append(errs, fmt.Errorf("pass %s: %w", p.Name, err))
		}
		for _, o := range p.Order {
			pair := [2]string{p.Name, o.Before}
			if o.Before == "" {
				pair = [2]string{o.After, p.Name}
			}
			before[pair] = true
			switch {
			case (o.Before == "") == (o.After == ""):
				errs = append(errs, fmt.Errorf("pass %s: an order rule names either before or after", p.Name))
			case o.Why == "":
				errs = append(errs, fmt.Errorf("pass %s: an order rule lacks its reason", p.Name))
			case !names[o.Before+o.After]:
				errs = append(errs, fmt.Errorf("pass %s: order rule names %s, which is not in the list", p.Name, o.Before+o.After))
			}
		}
	}
	for _, a := range suite {
		for _, b := range suite {
			if a.Name < b.Name && before[[2]string{a.Name, b.Name}] && before[[2]string{b.Name, a.Name}] {
				errs = append(errs, fmt.Errorf("passes %s and %s both ask to stand first", a.Name, b.Name))
			}
		}
	}
	return errors.Join(errs...)
}

func validateInfo(p *Pass) []error {
	var errs []error
	if !nameForm.MatchString(p.Name) {
		errs = append(errs, fmt.Errorf("pass name %q: want lower case letters, digits and _", p.Name))
	}
	if p.Doc == "" {
		errs = append(errs, fmt.Errorf("pass %s has no doc", p.Name))
	}
	if p.Version < 1 {
		errs = append(errs, fmt.Errorf("pass %s has version %d; versions start at 1", p.Name, p.Version))
	}
	return errs
}
