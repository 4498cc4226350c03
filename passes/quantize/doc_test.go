package quantize_test

import (
	"testing"

	"github.com/pare-ml/pare/passes/passtest"
	"github.com/pare-ml/pare/passes/quantize"
)

func TestDoc(t *testing.T) { passtest.Doc(t, quantize.Pass) }
