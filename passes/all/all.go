// Package all lists the passes there are, by hand: one line a pass, in the order in which recipes commonly use them.
package all

import "github.com/pare-ml/pare/passes"

// All returns every pass that this build of pare knows.
func All() []*passes.Pass {
	return []*passes.Pass{}
}
