package measure

import (
	"fmt"

	"github.com/pare-ml/pare/graph/ir"
)

// Logits names the value of a classifier that holds its scores before the softmax: its only output, or, where that comes
// out of a Softmax, what goes in.
func Logits(m *ir.Model) (string, error) {
	if len(m.Graph.Outputs) != 1 {
		return "", fmt.Errorf("the model has %d outputs; a loss needs exactly one, of scores for each class", len(m.Graph.Outputs))
	}
	out := m.Graph.Outputs[0].Name
	if n := m.Graph.Producer(out); n != nil && n.Is("Softmax") {
		return n.Input(0), nil
	}
	return out, nil
}
