package cli

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/graph/store"
	"github.com/pare-ml/pare/internal/inputs"
	"github.com/pare-ml/pare/internal/record"
	"github.com/pare-ml/pare/recipe/diag"
)

// A plan says which results the store has. Their keys begin with the digests of the files that go in, and a plan reads
// no weights and no data: so a build leaves in the store, under the place, the size and the times of each file, the digest
// that it found. The next build takes it from there, unless it is to be held against a lock or signed.

// remember keeps the digests of the files that a build has read.
func (p *project) remember(st *store.Store) error {
	for _, f := range p.inputs.Files() {
		stamp, ok := f.Stamp()
		if sum := f.Known(); ok && sum != "" && !st.ReadOnly() {
			key := stampKey(f.Name(), stamp)
			if st.Has(key) {
				continue
			}
			if err := st.Set(key, store.Entry{Note: []byte("digest of " + f.Path + "\n" + sum)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// look marks in a plan what the store has, if there is a store and a build has read the recipe's model before.
func (s *session) look(p *project, plan *graph.Plan, cache string) error {
	st, err := s.looked(cache, true)
	if err != nil {
		if cache == "" {
			return nil // there is no folder for caches, and so no store
		}
		return err
	}
	digest := func(path string) (store.Digest, error) { return p.remembered(st, path) }
	if d, err := digest(p.recipe.Model.Path); err != nil || d.IsZero() {
		return err
	}
	suite, err := s.suiteOf(p, new(diag.List))
	if err != nil {
		return err
	}
	return plan.Look(st, digest, suite)
}

// remembered returns the digest of a file as a build found it; the zero Digest if none did, or if the file has changed.
func (p *project) remembered(st *store.Store, path string) (store.Digest, error) {
	f, err := p.lookUp(path, p.kindOf(path))
	if err != nil {
		return store.Digest{}, nil // what is not there is not known; who needs it says so
	}
	sum := recall(st, f)
	d := store.Digest{Size: f.Size()}
	if _, err := hex.Decode(d.Hash[:], []byte(sum)); err != nil || sum == "" {
		return store.Digest{}, nil
	}
	return d, nil
}

// recall returns the digest of a file as a build left it in the store; nothing if none did, or if the file has changed.
func recall(st *store.Store, f *inputs.File) (sum string) {
	stamp, ok := f.Stamp()
	if !ok {
		return ""
	}
	const size = 2 * sha256.Size
	e, err := st.Get(stampKey(f.Name(), stamp))
	if err != nil || len(e.Note) < size {
		return ""
	}
	return string(e.Note[len(e.Note)-size:])
}

func stampKey(path, stamp string) store.Digest {
	w := &record.Writer{}
	w.Texts([]string{"pare stamp 2", path, stamp})
	return store.Sum(w.Record())
}
