package prune_test

import (
	"testing"

	"github.com/pare-ml/pare/passes/passtest"
	"github.com/pare-ml/pare/passes/prune"
)

func TestDoc(t *testing.T) { passtest.Doc(t, prune.Pass) }
