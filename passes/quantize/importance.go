package quantize

import (
	"errors"
	"fmt"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/ggml"
	"github.com/pare-ml/pare/internal/importance"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
)

// weighed tells whether codes of a type are chosen by how much columns matter, where that is known.
func (t *numbers) weighed() bool {
	return t.kind == block && ggml.Type(t.dtype-ir.BlockBase).UsesImportance()
}

// weighs finds schemes that need an importance matrix, and a matrix that has no effect.
func (p *Params) weighs(t *numbers, n *syntax.Node, report *diag.List) {
	alike := p.mix == nil || p.mix.single()
	switch {
	case p.Importance == "" && p.mix != nil && p.mix.must:
		report.Errorf(n.At("scheme").Span, "missing-importance",
			"%s leaves so few bits that weights need an importance matrix; declare data: {matrix: {importance: FILE}} with what llama-imatrix writes, and add importance: matrix", p.mix.name)
	case p.Importance != "" && alike && !t.weighed():
		report.Warningf(n.KeySpan("importance"), "parameter-unused", "importance has no effect on %s, whose codes are the same without", t.name)
	}
}

// weigh finds out how much the columns of the weights matter, for layers whose step names a matrix that is at hand.
func (w *work) weigh() error {
	var refused passes.Refused
	for _, t := range w.layers {
		name := t.Params.Importance
		if name == "" || w.site.Importance == nil || t.left != "" || t.shares != nil {
			continue
		}
		m, err := w.site.Importance(name)
		if err != nil {
			return err
		}
		if m == nil {
			continue
		}
		t.matrix = m
		if problem := t.weighBy(m); problem != nil {
			refused = append(refused, passes.LayerProblem{Layer: t.Name, Problem: *problem})
		}
	}
	if refused != nil {
		return refused
	}
	return nil
}

// weighBy takes the importance of a weight's columns from a matrix. As llama-quantize does, it goes without where the
// matrix says nothing of the weight, unless the type is no good then, and where it does not fit the table of tokens.
func (t *target) weighBy(m *importance.Matrix) *passes.Problem {
	if !t.as.weighed() {
		return nil
	}
	matrices, _, columns := stackOf(t.Weight.Shape)
	v, entry, err := m.Of(t.Weight.Name, matrices, columns)
	var mismatch *importance.Mismatch
	switch {
	case errors.As(err, &mismatch) && t.Type == "embedding":
		t.notes = append(t.notes, fmt.Sprintf("without importance: %s has %d numbers for %s", m.File, mismatch.Values, entry))
	case err != nil:
		return &passes.Problem{Code: "importance-does-not-fit", Field: "importance", Message: err.Error()}
	case v == nil && t.must:
		return &passes.Problem{Code: "missing-importance", Field: "importance",
			Message: fmt.Sprintf("%s says nothing of %s, and %s of %s is no good without; make the matrix from more text, or take a scheme of more bits", m.File, entry, t.as.name, t.Params.mix.name)}
	case v == nil:
		t.notes = append(t.notes, "without importance: "+m.File+" says nothing of it")
	default:
		t.importance = v
	}
	return nil
}

// stackOf reads a weight's shape as that of a stack of matrices, of one mostly: how many there are, and their rows and
// columns.
func stackOf(shape []int) (matrices, rows, columns int) {
	matrices, rows, columns = 1, 1, 1
	for i, d := range shape {
		switch len(shape) - i {
		case 1:
			columns = d
		case 2:
			rows = d
		default:
			matrices *= d
		}
	}
	return matrices, rows, columns
}

// weighed makes sure, before any weight is read, that matrices which are asked for are at hand.
func (w *work) weighed() error {
	for _, t := range w.layers {
		if t.Params.Importance != "" && t.matrix == nil && t.left == "" && t.shares == nil {
			return fmt.Errorf("layer %s: the importance matrix %s is not at hand", t.Name, t.Params.Importance)
		}
	}
	return nil
}
