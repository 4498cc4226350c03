package cli

import (
	"encoding/hex"
	"fmt"

	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/graph/lock"
	"github.com/pare-ml/pare/graph/store"
	"github.com/pare-ml/pare/internal/inputs"
	"github.com/pare-ml/pare/recipe/diag"
)

// runner returns what runs a project's plans, with the store that the options ask for. The store counts as in use until
// release, which also cuts it back to its limit.
func (s *session) runner(p *project, o buildOptions) (r *graph.Runner, release func(), err error) {
	release = func() {}
	suite, err := s.suiteOf(p, new(diag.List)) // what there is to say has been said
	if err != nil {
		return nil, release, err
	}
	r = &graph.Runner{Suite: suite, Workers: o.workers, Open: p.Model, Data: p.Data, Importance: p.Importance, Files: s.files}
	if o.noCache {
		return r, release, nil
	}
	if r.Store, err = s.store(o.cache, false); err != nil || r.Store == nil {
		return r, release, err
	}
	if !o.locked && o.signKey == "" {
		p.inputs.Recall = func(f *inputs.File) string { return recall(r.Store, f) }
	}
	r.Digest = func(path string) (store.Digest, error) { return p.digest(s, path) }
	end, err := r.Store.Begin("pare build "+p.source.Name, o.out)
	if err != nil {
		return r, release, err
	}
	return r, func() {
		if err := p.remember(r.Store); err != nil {
			s.warn(fmt.Sprintf("a plan will not know what is cached: %v", err))
		}
		end()
		if err := r.Store.Trim(s.ctx); err != nil {
			s.warn(fmt.Sprintf("the store was not cut back to its limit: %v", err))
		}
	}, nil
}

// digest hashes a file that the recipe names.
func (p *project) digest(s *session, path string) (store.Digest, error) {
	path, err := p.modelFile(path)
	if err != nil {
		return store.Digest{}, err
	}
	f, err := p.open(path, p.kindOf(path))
	if err != nil {
		return store.Digest{}, err
	}
	sum, err := f.SHA256(s.ctx)
	if err != nil {
		return store.Digest{}, err
	}
	d := store.Digest{Size: f.Size()}
	_, err = hex.Decode(d.Hash[:], []byte(sum))
	return d, err
}

// kindOf tells what a file is for, as the lock counts it.
func (p *project) kindOf(path string) string {
	for _, d := range p.recipe.Data {
		if path == d.Images || path == d.Labels || path == d.Importance {
			return lock.Data
		}
	}
	for _, o := range p.models {
		if o.path == path {
			return o.kind
		}
	}
	return lock.Weights
}
