package quantize

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pare-ml/pare/graph/ir"
)

// mix is a scheme of llama.cpp that gives layers block types by what they are. The rules are those of llama-quantize for
// models of the Llama family, with and without an importance matrix; which types there are and how layers count is the
// same, so a file is of the same types tensor by tensor.
type mix struct {
	name, doc string
	rest      ir.DType          // of layers without a rule
	value     func(at) ir.DType // of what gives attention its values, alone or with queries and keys; nil: rest
	down      func(at) ir.DType // of the layer that ends a feed-forward network
	output    func(at) ir.DType // of the layer behind an attention
	experts8  ir.DType          // the last again, in a model of 8 experts; 0: rest
	tokens    ir.DType          // of the table of tokens, unless it scores them too; 0: rest
	must      bool              // layers of the type rest are no good without importance
}

// chosenMix is a mix, and whether errors are weighed by importance, which changes some of its types.
type chosenMix struct {
	*mix
	weighed bool
}

func mixOf(p *Params) chosenMix { return chosenMix{p.mix, p.mix != nil && p.Importance != ""} }

// single tells whether all layers get one type.
func (m *mix) single() bool {
	return m.rest == ir.Float16 || m.rest == ir.BFloat16 || m.rest == ir.Q8_0
}

// at says where a layer stands among those of its kind, and in what model.
type at struct {
	i, n    int  // the layer's number among n
	sharing int  // heads of queries that share one of keys
	weighed bool // errors are weighed by importance
}

// more picks the first and the last eighth of the layers, and every third between.
func (a at) more() bool { return a.i < a.n/8 || a.i >= 7*a.n/8 || (a.i-a.n/8)%3 == 2 }

// pick returns one of two types.
func pick(yes bool, one, other ir.DType) ir.DType {
	if yes {
		return one
	}
	return other
}

func always(t ir.DType) func(at) ir.DType { return func(at) ir.DType { return t } }

// mixes are the schemes, from few bits to many.
var mixes = []mix{
	{name: "TQ1_0", doc: "llama.cpp: tq1_0, for models trained to -1, 0, 1, about 1.7 bits a weight", rest: ir.TQ1_0, tokens: ir.Q4K},
	{name: "TQ2_0", doc: "llama.cpp: tq2_0, for models trained to -1, 0, 1, about 2.1 bits a weight", rest: ir.TQ2_0, tokens: ir.Q4K},
	{name: "Q2_K", doc: "llama.cpp: q2_k, q3_k and q4_k, about 3.0 bits a weight", rest: ir.Q2K,
		value: func(a at) ir.DType { return pick(a.sharing >= 4, ir.Q4K, ir.Q3K) },
		down:  always(ir.Q3K), output: always(ir.Q3K), experts8: ir.Q5K},
	{name: "Q2_K_S", doc: "llama.cpp: q2_k, with q4_k where it matters, about 2.8 bits a weight; it needs importance", rest: ir.Q2K, must: true,
		value: func(a at) ir.DType { return pick(a.sharing >= 4, ir.Q4K, ir.Q2K) }, down: firsts(ir.Q2K, ir.Q4K)},
	{name: "Q3_K_S", doc: "llama.cpp: q3_k, about 3.5 bits a weight", rest: ir.Q3K, experts8: ir.Q5K},
	{name: "Q3_K_M", doc: "llama.cpp: q3_k, with q4_k and q5_k where it matters, about 3.9 bits a weight", rest: ir.Q3K,
		value:  func(a at) ir.DType { return pick(a.i < 2, ir.Q5K, ir.Q4K) },
		down:   func(a at) ir.DType { return pick(a.i < a.n/16, ir.Q5K, ir.Q4K) },
		output: always(ir.Q4K), experts8: ir.Q5K},
	{name: "Q3_K_L", doc: "llama.cpp: q3_k, with q5_k where it matters, about 4.2 bits a weight", rest: ir.Q3K,
		value: always(ir.Q5K), down: always(ir.Q5K), output: always(ir.Q5K)},
	{name: "IQ4_XS", doc: "llama.cpp: iq4_xs, about 4.3 bits a weight", rest: ir.IQ4XS, value: uneven(ir.IQ4XS), down: unlessWeighed(ir.IQ4XS, ir.Q5K), experts8: ir.Q5K},
	{name: "IQ4_NL", doc: "llama.cpp: iq4_nl, about 4.6 bits a weight", rest: ir.IQ4NL, value: uneven(ir.IQ4NL), down: unlessWeighed(ir.IQ4NL, ir.Q5K), experts8: ir.Q5K},
	{name: "Q4_0", doc: "llama.cpp: q4_0, about 4.6 bits a weight", rest: ir.Q4_0, down: ifWeighed(ir.Q4_0, ir.Q4_1)},
	{name: "Q4_1", doc: "llama.cpp: q4_1, about 5.1 bits a weight", rest: ir.Q4_1},
	{name: "Q4_K_S", doc: "llama.cpp: q4_k, with q5_k where it matters, about 4.6 bits a weight", rest: ir.Q4K,
		value: func(a at) ir.DType { return pick(a.i < 4, ir.Q5K, ir.Q4K) }, down: firsts(ir.Q4K, ir.Q5K), experts8: ir.Q5K},
	{name: "Q4_K_M", doc: "llama.cpp: q4_k, with q6_k where it matters, about 4.9 bits a weight", rest: ir.Q4K,
		value: better(ir.Q4K), down: better(ir.Q4K), experts8: ir.Q5K},
	{name: "Q5_0", doc: "llama.cpp: q5_0, about 5.6 bits a weight", rest: ir.Q5_0, down: ifWeighed(ir.Q5_0, ir.Q5_1)},
	{name: "Q5_1", doc: "llama.cpp: q5_1, about 6.1 bits a weight", rest: ir.Q5_1},
	{name: "Q5_K_S", doc: "llama.cpp: q5_k, about 5.6 bits a weight", rest: ir.Q5K},
	{name: "Q5_K_M", doc: "llama.cpp: q5_k, with q6_k where it matters, about 5.7 bits a weight", rest: ir.Q5K,
		value: better(ir.Q5K), down: better(ir.Q5K)},
	{name: "Q6_K", doc: "llama.cpp: q6_k, about 6.6 bits a weight", rest: ir.Q6K},
	{name: "Q8_0", doc: "llama.cpp: q8_0, 8.5 bits a weight", rest: ir.Q8_0},
	{name: "F16", doc: "float16 weights", rest: ir.Float16},
	{name: "BF16", doc: "bfloat16 weights", rest: ir.BFloat16},
}

// better gives q6_k to those layers that more picks.
func better(rest ir.DType) func(at) ir.DType {
	return func(a at) ir.DType { return pick(a.more(), ir.Q6K, rest) }
}

// firsts gives another type to the first eighth.
func firsts(rest, other ir.DType) func(at) ir.DType {
	return func(a at) ir.DType { return pick(a.i < a.n/8, other, rest) }
}

// unlessWeighed is firsts for layers that are quantized without importance, ifWeighed for those that are with.
func unlessWeighed(rest, other ir.DType) func(at) ir.DType {
	return func(a at) ir.DType { return pick(a.i < a.n/8 && !a.weighed, other, rest) }
}

func ifWeighed(rest, other ir.DType) func(at) ir.DType {
	return func(a at) ir.DType { return pick(a.i < a.n/8 && a.weighed, other, rest) }
}

// uneven gives q5_k where four heads or more share their values, which are few then.
func uneven(rest ir.DType) func(at) ir.DType {
	return func(a at) ir.DType { return pick(a.sharing >= 4, ir.Q5K, rest) }
}

// mixNamed returns the mix of a scheme, nil if the scheme is none.
func mixNamed(name string) *mix {
	if i := slices.IndexFunc(mixes, func(m mix) bool { return m.name == name }); i >= 0 {
		return &mixes[i]
	}
	return nil
}

// smaller are the types that take over where blocks do not divide a row.
var smaller = map[ir.DType]ir.DType{
	ir.IQ4XS: ir.IQ4NL, ir.Q2K: ir.Q4_0, ir.Q3K: ir.Q4_0, ir.TQ1_0: ir.Q4_0, ir.TQ2_0: ir.Q4_0,
	ir.Q4K: ir.Q5_0, ir.Q5K: ir.Q5_1, ir.Q6K: ir.Q8_0,
}

// fallback returns the type that rows of n weights get where blocks of t do not divide them: one of smaller blocks, or
// float16.
func fallback(t ir.DType, n int) ir.DType {
	for t != 0 {
		if elements, _ := t.Block(); elements == 0 || n%elements == 0 {
			return t
		}
		t = smaller[t]
	}
	return ir.Float16
}

// assigned is what a mix decides for a layer.
type assigned struct {
	dtype ir.DType // Undefined: the layer stays as it is
	why   string   // of a type that is not the mix's own, or of staying
	must  bool     // the type is no good without importance
}

// assign gives types to the layers of a model. It counts all of them, also those that the step does not treat: what one
// layer gets does not hang on what was asked for another.
func (m *mix) assign(layers []ir.Layer, weighed bool) map[string]assigned {
	c := census(layers)
	out := make(map[string]assigned, len(layers))
	values, downs := 0, 0
	for _, i := range byBlock(layers) {
		l := &layers[i]
		place := at{sharing: c.sharing, weighed: weighed}
		var a assigned
		switch {
		case l.Type == "embedding" && l.Weight != c.tokens:
			a.why = "it is no embedding of tokens, which " + m.name + " leaves as it is"
		case l.Is("router"):
			a.why = "it routes to experts, and " + m.name + " leaves routers as they are"
		case m.rest == ir.Float16 || m.rest == ir.BFloat16:
			a.dtype = m.rest
		case l.Weight == c.scores:
			a = m.scores(l)
		case l.Type == "embedding":
			a.dtype = m.tokens
		case l.Is("attention_v") || l.Is("attention_qkv") || l.Is("attention_kv"):
			place.i, place.n = values, c.values
			a.dtype = m.valueType(place, c)
			values++
		case l.Is("attention_k") && c.experts == 8:
			a.dtype = ir.Q8_0
		case l.Is("ffn_down"):
			place.i, place.n = downs, c.blocks
			if b, ok := blockNumber(l.Name); ok && c.experts > 1 {
				place.i = b
			}
			a.dtype = ruled(m.down, place, m.rest)
			downs++
		case l.Is("attention_o") && c.experts == 8:
			a.dtype = m.experts8
		case l.Is("attention_o"):
			a.dtype = ruled(m.output, place, m.rest)
		}
		if a.dtype == 0 && a.why == "" {
			a.dtype = m.rest
		}
		a = a.divided(rowOf(l))
		a.must = m.must && a.dtype == m.rest && l.Weight != c.scores && l.Type != "embedding"
		out[l.Name] = a
	}
	return out
}

// byBlock lists layers in the order in which llama-quantize counts them: by block, whatever the order of a file.
func byBlock(layers []ir.Layer) []int {
	list := make([]int, len(layers))
	block := make([]int, len(layers))
	for i := range layers {
		list[i], block[i] = i, -1
		if b, ok := blockNumber(layers[i].Name); ok {
			block[i] = b
		}
	}
	slices.SortStableFunc(list, func(i, j int) int { return block[i] - block[j] })
	return list
}

func ruled(rule func(at) ir.DType, place at, rest ir.DType) ir.DType {
	if rule == nil {
		return rest
	}
	return rule(place)
}

// valueType is the type of what gives attention its values.
func (m *mix) valueType(place at, c counts) ir.DType {
	t := ruled(m.value, place, m.rest)
	if c.blocks == 80 && c.sharing > 1 && (t == ir.Q3K || t == ir.Q4K) {
		t = ir.Q5K // 70 billion parameters, of which the values are few
	}
	if c.experts == 8 {
		t = ir.Q8_0
	}
	return t
}

// scores is what the layer that scores the tokens gets.
func (m *mix) scores(l *ir.Layer) assigned {
	if elements, _ := m.rest.Block(); rowOf(l)%elements != 0 {
		return assigned{dtype: ir.Q8_0, why: fmt.Sprintf("%s has blocks of %d, which do not divide rows of %d", m.rest, elements, rowOf(l))}
	}
	return assigned{dtype: pick(m.rest == ir.Q8_0, ir.Q8_0, ir.Q6K)}
}

// divided lets a type fall back where its blocks do not divide a row.
func (a assigned) divided(row int) assigned {
	if a.dtype == 0 {
		return a // it stays as it is
	}
	t := fallback(a.dtype, row)
	if t == a.dtype {
		return a
	}
	elements, _ := a.dtype.Block()
	if a.why != "" {
		a.why += "; "
	}
	return assigned{dtype: t, why: a.why + fmt.Sprintf("%s has blocks of %d, which do not divide rows of %d", a.dtype, elements, row)}
}

// counts is what the rules ask of a model.
type counts struct {
	values, blocks int // layers that give values; blocks of the model
	sharing        int // heads of queries that share one of keys
	experts        int
	tokens, scores *ir.Tensor // the table of tokens, and what scores them: the same if they are tied
}

func census(layers []ir.Layer) counts {
	c := counts{sharing: 1, experts: 1}
	rows, downs, last := 0, 0, -1
	var query *ir.Layer
	for i := range layers {
		l := &layers[i]
		switch {
		case l.Type == "embedding":
			if l.InFeatures > rows {
				rows, c.tokens = l.InFeatures, l.Weight
			}
		case l.Is("lm_head"):
			c.scores = l.Weight
		case l.Is("attention_v") || l.Is("attention_qkv") || l.Is("attention_kv"):
			c.values++
		case l.Is("attention_q") && query == nil:
			query = l
		case l.Is("attention_k") && query != nil && c.sharing == 1 && l.OutFeatures > 0:
			c.sharing = max(1, query.OutFeatures/l.OutFeatures)
		case l.Is("ffn_down"):
			downs++
		case l.Is("router"):
			c.experts = max(c.experts, l.OutFeatures)
		}
		if b, ok := blockNumber(l.Name); ok {
			last = max(last, b)
		}
	}
	c.blocks = downs
	if c.experts > 1 {
		c.blocks = last + 1
	}
	if c.scores == nil {
		c.scores = c.tokens // a model without a head of its own scores with the table
	}
	return c
}

// blockNumber reads the number of a block out of a layer's name: the first segment that is one.
func blockNumber(name string) (int, bool) {
	for _, part := range strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == '/' }) {
		if n, err := strconv.Atoi(part); err == nil && n >= 0 && n < 1<<20 {
			return n, true
		}
	}
	return 0, false
}

// rowOf is how many weights stand in a row: the inputs of a linear layer, the width of an embedding.
func rowOf(l *ir.Layer) int {
	if l.Type == "embedding" {
		return l.OutFeatures
	}
	return l.InFeatures
}
