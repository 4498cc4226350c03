package arch

import (
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/ir"
)

// rest makes layers of the matrices named *.weight that no node takes, and of stacks of matrices: in the order of the
// tensors, each reading what the one before gives in a way that nobody knows. Tables of tokens and positions are told by
// their names.
func (b *builder) rest() {
	var list []*ir.Tensor
	stacks := map[string]stack{}
	for _, t := range b.g.Tensors() {
		if b.used[t.Name] {
			continue
		}
		if len(t.Shape) == 2 && t.Shape[0] > 0 && t.Shape[1] > 0 && strings.HasSuffix(t.Name, ".weight") && isFloat(t.DType) {
			list = append(list, t)
		} else if s, ok := b.stackOf(t); ok {
			list, stacks[t.Name] = append(list, t), s
		}
	}
	if len(list) == 0 {
		b.plainOutput("")
		return
	}
	if b.family != nil {
		b.note("%d matrices are no part of the %s architecture: they are layers, but how data reach them is not known", len(list), b.name)
	}
	// The head last, so that it is what the graph says it is.
	slices.SortStableFunc(list, func(x, y *ir.Tensor) int { return order(x) - order(y) })
	x, i := b.stream, 0
	if x == "" {
		x = b.input("input_ids", ir.Int64, "batch", "sequence")
	}
	for _, t := range list {
		module := strings.TrimSuffix(t.Name, ".weight")
		b.used[t.Name] = true
		if s, ok := stacks[t.Name]; ok {
			in := b.unknownWay(module, []string{x}, 1)[0]
			columns, _ := s.sizes(t)
			b.g.Values = append(b.g.Values, &ir.Value{Name: in, DType: b.dtype(), Shape: shapeOf([]any{t.Shape[0], "tokens", columns})})
			x = b.stacked(s, t, in)
		} else if isTable(module) {
			y := b.op(module, "Gather", []string{t.Name, b.input("input_ids", ir.Int64, "batch", "sequence")})
			if i > 0 {
				y = b.unknownWay(module, []string{x, y}, 1)[0]
			}
			x = y
		} else {
			in := b.unknownWay(module, []string{x}, 1)[0]
			b.g.Values = append(b.g.Values, &ir.Value{Name: in, DType: b.dtype(), Shape: shapeOf([]any{"batch", "sequence", t.Shape[1]})})
			w := b.op(module, "Transpose", []string{t.Name}, ir.IntsAttr("perm", 1, 0))
			x = b.op(module, "MatMul", []string{in, w})
			if bias := b.byName[module+".bias"]; bias != nil && len(bias.Shape) == 1 && bias.Shape[0] == t.Shape[0] {
				x = b.op(module, "Add", []string{x, module + ".bias"})
				b.used[bias.Name] = true
			}
		}
		i++
	}
	b.plainOutput(x)
}

// plainOutput makes a value an output, so that the graph has one.
func (b *builder) plainOutput(x string) {
	if x == "" && len(b.g.Outputs) == 0 {
		x = b.op("nothing", "Identity", []string{b.input("input_ids", ir.Int64, "batch", "sequence")})
	}
	if x != "" {
		b.g.Outputs = append(b.g.Outputs, &ir.Value{Name: x})
	}
}

func isFloat(d ir.DType) bool {
	switch d {
	case ir.Float32, ir.Float16, ir.BFloat16, ir.Float64:
		return true
	}
	blocks, _ := d.Block()
	return blocks > 0
}

// order puts tables first and heads last.
func order(t *ir.Tensor) int {
	module := strings.TrimSuffix(t.Name, ".weight")
	switch {
	case isTable(module):
		return 0
	case isHead(module):
		return 2
	}
	return 1
}

func last(module string) string { return module[strings.LastIndexByte(module, '.')+1:] }

// isTable tells a table of embeddings by the names in use.
func isTable(module string) bool {
	switch last(module) {
	case "embed_tokens", "wte", "wpe", "word_embeddings", "position_embeddings", "token_type_embeddings", "embed_in", "tok_embeddings",
		"embed_positions", "embeddings", "token_embd", "embedding", "position_embedding", "shared":
		return true
	}
	return false
}

// isHead tells the head of a language model by the names in use.
func isHead(module string) bool {
	switch last(module) {
	case "lm_head", "embed_out", "output_layer":
		return true
	}
	return module == "output" || module == "head"
}
