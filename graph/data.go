package graph

import (
	"context"
	"fmt"

	"github.com/pare-ml/pare/graph/store"
	"github.com/pare-ml/pare/internal/dataset"
	"github.com/pare-ml/pare/recipe"
)

// What is asked of data sets beside their samples is kept like the results of actions, so that a build that finds all of
// its results need not decode them.

// Overlap tells how many samples of the data set a stand also in b, and the places of the first in both.
type Overlap struct{ Count, First, There int }

// Overlap compares two data sets of a recipe.
func (r *Runner) Overlap(ctx context.Context, rec *recipe.Recipe, a, b string) (Overlap, error) {
	k := keyOf("overlap")
	for _, name := range []string{a, b} {
		d, err := r.dataKey(rec, name)
		if err != nil {
			return Overlap{}, err
		}
		k.of(d)
	}
	v, _, err := keep(ctx, r, k.sum(), kept[Overlap]{
		title: fmt.Sprintf("overlap of %s and %s", a, b),
		encode: func(w *entryWriter, v Overlap) error {
			w.Ints([]int{v.Count, v.First, v.There})
			return nil
		},
		decode: func(e *entryReader) (Overlap, error) {
			list := e.Ints()
			if len(list) != 3 {
				e.Fail("%d numbers", len(list))
				return Overlap{}, e.Err()
			}
			return Overlap{list[0], list[1], list[2]}, e.End()
		},
	}, func() (v Overlap, err error) {
		x, err := r.Data(a)
		if err != nil {
			return v, err
		}
		y, err := r.Data(b)
		if err != nil {
			return v, err
		}
		v.Count, v.First, v.There = dataset.Overlap(x, y)
		return v, nil
	})
	return v, err
}

// samples tells how many samples a data set has.
func (r *Runner) samples(ctx context.Context, rec *recipe.Recipe, name string) (int, error) {
	d, err := r.dataKey(rec, name)
	if err != nil {
		return 0, err
	}
	k := keyOf("samples")
	k.of(d)
	n, _, err := keep(ctx, r, k.sum(), kept[int]{
		title:  "samples of " + name,
		encode: func(w *entryWriter, n int) error { w.Len(n); return nil },
		decode: func(e *entryReader) (int, error) { n := e.Small(); return n, e.End() },
	}, func() (int, error) {
		set, err := r.Data(name)
		if err != nil {
			return 0, err
		}
		return set.Len(), nil
	})
	return n, err
}

// dataKey is the key of a data set of a recipe.
func (r *Runner) dataKey(rec *recipe.Recipe, name string) (store.Digest, error) {
	k := &keys{digest: r.Digest}
	for i := range rec.Data {
		if rec.Data[i].Name == name && r.Digest != nil {
			return k.set(&rec.Data[i])
		}
	}
	return store.Digest{}, nil
}
