package fold_test

import (
	"testing"

	"github.com/pare-ml/pare/passes/fold"
	"github.com/pare-ml/pare/passes/passtest"
)

func TestDoc(t *testing.T) { passtest.Doc(t, fold.Pass) }
