// Command weights writes the weights of a model's linear layers as pare understands them, in float32, into a file of
// tensors: what a runtime that reads the same model must compute from its codes.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/format/safetensors"
	"github.com/pare-ml/pare/graph/ir"
)

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(model, out string) error {
	m, done, err := safetensors.Open(model)
	if err != nil {
		return err
	}
	defer done()
	for _, n := range m.Notes {
		fmt.Println("note:", n)
	}
	weights := &ir.Model{Format: "safetensors", Graph: &ir.Graph{}}
	for _, l := range m.Layers() {
		if l.Type != "linear" || l.Tied {
			continue
		}
		w, err := exec.LayerWeight(m, l)
		if err != nil {
			return fmt.Errorf("%s: %w", l.Name, err)
		}
		weights.Graph.AddTensor(ir.FromFloat32s(l.Name+".weight", l.Weight.Shape, w))
	}
	files, err := safetensors.Encode(weights)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := (format.Stream{}).Write(context.Background(), &b, files[0]); err != nil {
		return err
	}
	return os.WriteFile(out, b.Bytes(), 0o666)
}
