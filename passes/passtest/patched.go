package passtest

import (
	"bytes"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/patch"
)

// comparePatched checks that what a pass did can be stored: the patch of a draft, read back from its record and applied to
// m, gives the model that the pass made.
func comparePatched(t testing.TB, m *ir.Model, draft *patch.Draft, want *ir.Model) {
	t.Helper()
	b, tensors, err := draft.Patch().Encode()
	if err != nil {
		t.Fatal(err)
	}
	p, err := patch.Decode(b, func(i int, h *ir.Tensor) (*ir.Tensor, error) {
		data, err := tensors[i].Bytes()
		return ir.NewTensor(h.Name, h.DType, h.Shape, data), err
	})
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := p.Encode()
	if err != nil || !bytes.Equal(b, again) {
		t.Errorf("a patch read back is written otherwise: %v", err)
	}
	got := m.Clone()
	if err := patch.Apply(got, p); err != nil {
		t.Fatal(err)
	}
	if patch.Structure(got, true) != patch.Structure(want, true) {
		t.Errorf("patched\n%s\nmade\n%s", Text(got), Text(want))
	}
	if digest(t, got) != digest(t, want) {
		t.Errorf("the patched model has other elements than the one that the pass made")
	}
}
