package cli

import (
	"errors"
	"fmt"

	"github.com/pare-ml/pare/graph"
	"github.com/pare-ml/pare/graph/format/gguf"
	"github.com/pare-ml/pare/graph/format/imatrix"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/lock"
	"github.com/pare-ml/pare/internal/importance"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
)

// weightNames is how importance matrices call the weights of a model.
type weightNames struct {
	find  func(weight string) (importance.Place, bool)
	known bool
}

// opener opens what the recipe names beside the model m that goes in.
func (p *project) opener(m *ir.Model) graph.Opener {
	p.nameWeights(m)
	return graph.Opener{Model: p.Model, Importance: p.importanceAtHand}
}

func (p *project) nameWeights(m *ir.Model) {
	find, ok := gguf.Places(m)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.names = weightNames{find, ok}
}

// Importance opens the importance matrix of a data set. The model that goes in has been opened.
func (p *project) Importance(name string) (*importance.Matrix, error) {
	for i := range p.recipe.Data {
		if d := &p.recipe.Data[i]; d.Name == name && d.Importance != "" {
			return p.openImportance(d)
		}
	}
	return nil, fmt.Errorf("%s declares no importance matrix %q", p.source.Name, name)
}

func (p *project) openImportance(d *recipe.Data) (*importance.Matrix, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m := p.matrices[d.Name]; m != nil {
		return m, nil
	}
	f, err := p.open(d.Importance, lock.Data)
	if err != nil {
		return nil, err
	}
	if !p.names.known {
		return nil, fmt.Errorf("data %s: an importance matrix names weights as GGUF files do, and what those of this model would be called there is not known: it needs a config.json of an architecture that can be converted to GGUF", d.Name)
	}
	m, err := imatrix.Open(f.At(), f.Size(), d.Importance)
	if err != nil {
		return nil, err
	}
	m.Place = p.names.find
	if p.matrices == nil {
		p.matrices = map[string]*importance.Matrix{}
	}
	p.matrices[d.Name] = m
	return m, nil
}

// importanceAtHand is Importance for a plan, which does without what is not there; that has been reported.
func (p *project) importanceAtHand(name string) (*importance.Matrix, error) {
	p.mu.Lock()
	known := p.names.known
	p.mu.Unlock()
	if !known {
		return nil, nil
	}
	m, err := p.Importance(name)
	var gone *errMissing
	if errors.As(err, &gone) {
		return nil, nil
	}
	return m, err
}

// checkImportance opens the importance matrices of the recipe: one that is not there is a finding of the given severity, one
// that cannot be read an error.
func (p *project) checkImportance(m *ir.Model, missing diag.Severity) error {
	p.nameWeights(m)
	for i := range p.recipe.Data {
		d := &p.recipe.Data[i]
		if d.Importance == "" {
			continue
		}
		f, err := p.open(d.Importance, lock.Data)
		if err == nil {
			_, err = imatrix.Open(f.At(), f.Size(), d.Importance)
		}
		if err != nil {
			if err = p.missing(err, d.Node, missing); err != nil {
				return err
			}
		}
	}
	if p.report.HasErrors() {
		return findingsError{}
	}
	return nil
}
