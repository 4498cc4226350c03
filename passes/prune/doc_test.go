package prune_test

import (
	"testing"

	"github.com/pare-ml/pare/passes/prune"
	"github.com/pare-ml/pare/passes/passtest"
)

func TestDoc(t *testing.T) { passtest.Doc(t, prune.Pass) }
