package distill_test

import (
	"testing"

	"github.com/pare-ml/pare/passes/distill"
	"github.com/pare-ml/pare/passes/passtest"
)

func TestResumes(t *testing.T) {
	teacher, student := pruned(t)
	for _, params := range []string{
		"optimizer: {kind: sgd, learning_rate: 0.01, momentum: 0.8, warmup: 5}",
		"{optimizer: {kind: adamw, learning_rate: 5e-3, weight_decay: 0.1}, augment: {shift: 1, flip: true}}",
	} {
		passtest.Resumes(t, distill.Pass, student, passtest.Step{Params: with(params), Data: data(), Input: teacher}, 1, 17, 18, 59)
	}
}
