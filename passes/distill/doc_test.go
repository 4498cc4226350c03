package distill_test

import (
	"testing"

	"github.com/pare-ml/pare/passes/distill"
	"github.com/pare-ml/pare/passes/passtest"
)

func TestDoc(t *testing.T) { passtest.Doc(t, distill.Pass) }
