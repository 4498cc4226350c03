package onnx

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pare-ml/pare/graph/format"
)

// What is wrong at full size costs neither time nor memory (row D9 of docs/hostile.md).
func TestHostileAtFullSize(t *testing.T) {
	if testing.Short() {
		t.Skip("100 MB of file")
	}
	for _, c := range []struct {
		name string
		data []byte
		want string // damage; empty: none
	}{
		{"100 MB of unknown fields", append(model(input("x", 1), outputOf("x")), file(str(1000, strings.Repeat("u", 100<<20)))...), ""},
		{"nested 10,001 deep", model(nested(10_001)...), "deep"},
	} {
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, err := Decode(c.data)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		var damage *format.Damaged
		if c.want == "" && err != nil || c.want != "" && (!errors.As(err, &damage) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", c.name, err)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 64<<20 || took > 5*time.Second {
			t.Errorf("%s: %d bytes allocated in %v", c.name, grown, took)
		}
	}
}
