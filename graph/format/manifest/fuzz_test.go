package manifest_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/format/manifest"
	"github.com/pare-ml/pare/graph/ir"
)

func sprint(v any) string { return fmt.Sprint(v) }

// FuzzDecode: whatever the bytes, a manifest or a *format.Damaged; and what is read has the digest that it says.
func FuzzDecode(f *testing.F) {
	b, err := manifest.Encode(odd())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"pare_manifest": 1, "header": "sha256:` + fmt.Sprintf("%064d", 0) + `", "layers": [], "format": "onnx", "nodes": []}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := manifest.Decode(b)
		if err != nil {
			var damage *format.Damaged
			if !errors.As(err, &damage) {
				t.Fatalf("%v is no *format.Damaged", err)
			}
			return
		}
		if sum, err := manifest.Header(m.Model); err != nil || sum != m.Header {
			t.Fatalf("the header has the digest %s, %v; the manifest says %s", sum, err, m.Header)
		}
		m.Model.Layers()
		if _, err := ir.Infer(m.Model, nil); err != nil {
			t.Skip()
		}
	})
}
