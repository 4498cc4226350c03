package quantize_test

import (
	"testing"

	"github.com/pare-ml/pare/passes/quantize"
	"github.com/pare-ml/pare/passes/passtest"
)

func TestDoc(t *testing.T) { passtest.Doc(t, quantize.Pass) }
