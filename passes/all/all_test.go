package all_test

import (
	"testing"

	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/passes/all"
)

func TestRecords(t *testing.T) {
	if err := passes.Validate(all.All()); err != nil {
		t.Error(err)
	}
}
