package recipe

import (
	"slices"
	"strings"
	"testing"

	"github.com/pare-ml/pare/recipe/diag"
)

// TestFixTexts makes the only fix of each finding and compares the text.
func TestFixTexts(t *testing.T) {
	const head = "version: 1\nmodel: {path: m.onnx}\ndata: {test: {images: t.idx}}\nvars: {share: 0.5}\npasses:\n"
	for _, c := range []struct{ name, text, want, codes string }{
		{"version", "model: {path: m.onnx}\npasses: []\n", "version: 1\nmodel: {path: m.onnx}\npasses: []\n", "missing-key"},
		{"version below a comment", "# c\nmodel: {path: m.onnx}\npasses: []\n", "# c\nversion: 1\nmodel: {path: m.onnx}\npasses: []\n", "missing-key"},
		{"version in brackets", "{model: {path: m.onnx}, passes: []}\n", "{model: {path: m.onnx}, passes: []}\n", ""},
		{"pass", head + "  - prnue: {sparsity: 0.5}\n", head + "  - prune: {sparsity: 0.5}\n", "unknown-pass"},
		{"pass alone", head + "  - fold\n", head + "  - fold: {}\n", "wrong-type"},
		{"key", head + "  - prune: {sparcity: 0.5}\n", head + "  - prune: {sparsity: 0.5}\n", "unknown-key"},
		{"key that is there too", head + "  - prune: {sparsity: 0.5, sparcity: 0.5}\n", head + "  - prune: {sparsity: 0.5, sparcity: 0.5}\n", ""},
		{"value", head + "  - prune: {sparsity: 0.5, criterion: \"magnitud\"}\n", head + "  - prune: {sparsity: 0.5, criterion: \"magnitude\"}\n", "unknown-value"},
		{"percent", head + "  - prune: {sparsity: 50}\n", head + "  - prune: {sparsity: 50%}\n", "out-of-range"},
		{"perhaps percent", head + "  - prune: {sparsity: 5}\n", head + "  - prune: {sparsity: 5}\n", ""},
		{"quoted number", head + "  - prune: {sparsity: \"0.5\"}\n", head + "  - prune: {sparsity: 0.5}\n", "wrong-type"},
		{"octal", head + "  - prune: {sparsity: 0.5, round_to: 010}\n", head + "  - prune: {sparsity: 0.5, round_to: 10}\n", "odd-number"},
		{"data", head + "  - prune: {sparsity: 0.5, data: tst}\n", head + "  - prune: {sparsity: 0.5, data: test}\n", "unknown-data"},
		{"variable", head + "  - prune: {sparsity: \"${{ vars.shre }}\"}\n", head + "  - prune: {sparsity: \"${{ vars.share }}\"}\n", "unknown-fact"},
		{"selectors that are no list", head + "  - fold: {}\n    targets: type:conv\n", head + "  - fold: {}\n    targets: [\"type:conv\"]\n", "wrong-type"},
		{"type", head + "  - fold: {}\n    targets: [\"type:cnv\"]\n", head + "  - fold: {}\n    targets: [\"type:conv\"]\n", "unknown-type"},
		{"prefix", head + "  - fold: {}\n    targets: [\"tpye:conv\"]\n", head + "  - fold: {}\n    targets: [\"type:conv\"]\n", "bad-selector"},
		{"selector twice in brackets", head + "  - fold: {}\n    targets: [a, b, a, a]\n", head + "  - fold: {}\n    targets: [a, b]\n", "selector-repeated selector-repeated"},
		{"selector twice in lines", head + "  - fold: {}\n    targets:\n      - a\n      - a\n      - b\n", head + "  - fold: {}\n    targets:\n      - a\n      - b\n", "selector-repeated"},
		{"selector twice with a comment", head + "  - fold: {}\n    targets:\n      - a\n      - a # why\n", head + "  - fold: {}\n    targets:\n      - a\n      - a # why\n", ""},
		{"fact", head + "  - fold: {}\n    overrides: [{when: layer.parms => 3, set: {what: all}}]\n", head + "  - fold: {}\n    overrides: [{when: layer.parms >= 3, set: {what: all}}]\n", "condition-syntax"},
		{"fact again", head + "  - fold: {}\n    overrides: [{when: layer.parms >= 3, set: {what: all}}]\n", head + "  - fold: {}\n    overrides: [{when: layer.params >= 3, set: {what: all}}]\n", "unknown-fact"},
		{"fact without its group", head + "  - fold: {}\n    overrides: [{when: 'index > 3', set: {what: all}}]\n", head + "  - fold: {}\n    overrides: [{when: 'layer.index > 3', set: {what: all}}]\n", "unknown-fact"},
		{"digits in groups", head + "  - fold: {}\n    overrides: [{when: layer.params > 1_000, set: {what: all}}]\n", head + "  - fold: {}\n    overrides: [{when: layer.params > 1000, set: {what: all}}]\n", "condition-syntax"},
		{"zeros before a number", head + "  - fold: {}\n    overrides: [{when: layer.params > 007, set: {what: all}}]\n", head + "  - fold: {}\n    overrides: [{when: layer.params > 7, set: {what: all}}]\n", "condition-syntax"},
		{"escaped fact", head + "  - fold: {}\n    overrides: [{when: \"l\\x61yer.parms > 3\", set: {what: all}}]\n", head + "  - fold: {}\n    overrides: [{when: \"l\\x61yer.parms > 3\", set: {what: all}}]\n", ""},
	} {
		src := &diag.Source{Name: "r.yaml", Text: []byte(c.text)}
		var report diag.List
		Parse(src, testLanguage(), Options{}, &report)
		report.Sort()
		var fixes []diag.Fix
		var codes []string
		for _, d := range report {
			if len(d.Fixes) == 1 {
				fixes, codes = append(fixes, d.Fixes[0]), append(codes, d.Code)
			}
		}
		text, made := diag.Apply(src, fixes)
		if slices.Contains(made, false) {
			t.Errorf("%s: not all fixes were made: %v", c.name, made)
		}
		if got := strings.Join(codes, " "); string(text) != c.want || got != c.codes {
			t.Errorf("%s: got [%s]\n%s\nwant [%s]\n%s\nfindings %v", c.name, got, text, c.codes, c.want, report)
		}
	}
}
