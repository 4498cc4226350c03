package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pare-ml/pare/graph/format/manifest"
	"github.com/pare-ml/pare/graph/ir/build"
)

// The inputs: all of so many lines, and a model of about so many layers.
const (
	lines  = 300
	blocks = 111 // of nine layers each
)

// writeInputs writes recipe.yaml with model.json, alone.yaml, which is the same with a model that is not there, and
// workflow.yaml for actionlint.
func writeInputs(dir string) error {
	b := build.New("decoder", 21)
	b.Fill = func(_ string, shape []int, _ int) []float32 {
		n := 1
		for _, d := range shape {
			n *= d
		}
		return make([]float32, n)
	}
	b.Transformer(build.Transformer{Vocabulary: 64, Width: 32, Hidden: 64, Blocks: blocks, Heads: 4, KVHeads: 2})
	header, err := manifest.Encode(b.Model())
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"model.json": string(header), "recipe.yaml": recipeText(), "workflow.yaml": workflowText(),
		"alone.yaml": strings.Replace(recipeText(), "model.json", "absent.json", 1),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// recipeText is a recipe as one grows in a team: rules by role and by name, and an exception for each block that needs one.
func recipeText() string {
	var b strings.Builder
	b.WriteString(`version: 1
name: decoder
model: {path: model.json}
vars:
  sparsity: 0.3
passes:  # pare:allow layer-untouched attention stays as it is
  - id: thin
    prune:
      criterion: magnitude
      sparsity: ${{ vars.sparsity }}
    targets: ["role:ffn"]
    overrides:
`)
	const tail = `gates:
  - {metric: weight_sqnr, threshold: 20}
  - {expect: artifact.bytes <= 90MB}
outputs:
  - {format: onnx, path: decoder.onnx}
`
	n := strings.Count(b.String()+tail, "\n")
	const each = 5
	for i := range (lines - n) / each {
		fmt.Fprintf(&b, "      - targets: [\"model.layers.%d.mlp.*\"]  # measured in review %d\n        when: |\n"+
			"          layer.params > %d && layer.index != 7\n          && not (layer.name endsWith \"down_proj\")\n        set: {sparsity: 0.%02d}\n", i, i+100, 1000+i, 31+i)
	}
	for range (lines - n) % each {
		b.WriteString("# Blocks are numbered from the input.\n")
	}
	b.WriteString(tail)
	return b.String()
}

// workflowText is a workflow of GitHub Actions with as many lines.
func workflowText() string {
	var b strings.Builder
	b.WriteString("name: build\non:\n  push:\n    branches: [main]\njobs:\n")
	for i := 0; ; i++ {
		job := fmt.Sprintf(`  job%d:
    runs-on: ubuntu-latest
    env:
      LEVEL: "%d"
    steps:
      - uses: actions/checkout@v4
      - name: test ${{ matrix.part }}
        if: ${{ github.event_name == 'push' && github.ref == 'refs/heads/main' }}
        env:
          PART: ${{ matrix.part }}
    strategy:
      matrix:
        part: [one, two, three]
`, i, i)
		job = strings.Replace(job, "        env:\n          PART", "        run: make test\n        env:\n          PART", 1)
		if strings.Count(b.String()+job, "\n") > lines {
			break
		}
		b.WriteString(job)
	}
	for strings.Count(b.String(), "\n") < lines {
		b.WriteString("# Jobs run side by side.\n")
	}
	return b.String()
}
