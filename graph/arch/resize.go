package arch

import (
	"fmt"
	"strings"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/strictjson"
)

// Resized returns the sizes that a configuration must say instead of what it says, by key, for tensors of which some rows
// and columns have been removed: the width of feed-forward networks. An error says why no configuration fits.
func Resized(root *strictjson.Value, tensors []*ir.Tensor) (map[string]int, error) {
	c, err := readConfig(root)
	if err != nil {
		return nil, err
	}
	f := familyOf(c.kind)
	if f == nil {
		return nil, nil
	}
	b := newBuilder(tensors)
	b.config, b.family = c, f
	if !b.findRoot() {
		return nil, nil
	}
	if err := c.sizes(f, c.vocabulary); err != nil {
		return nil, err
	}
	out := map[string]int{}
	for i := range c.layers {
		p := b.root + fmt.Sprintf(f.block, i)
		key, widths := b.widths(p)
		if b.err != nil {
			return nil, b.err
		}
		for _, w := range widths {
			if old, ok := out[key]; ok && old != w {
				return nil, damaged("feed-forward networks have become %d and %d wide (%s); the configuration has one %s for all", old, w, strings.TrimSuffix(p, "."), key)
			}
			out[key] = w
		}
	}
	for key, w := range out {
		if n, ok := c.Get(key).Int(); ok && n == int64(w) {
			delete(out, key)
		}
	}
	return out, nil
}

// widths returns how wide the feed-forward networks of a block are, and the key by which the configuration says so.
func (b *builder) widths(p string) (key string, widths []int) {
	if b.router == "" || !b.has(p+b.router) {
		return b.innerKey("intermediate_size", "n_inner", "ffn_hidden_size"), []int{b.innerOf(p + b.down)}
	}
	key = b.innerKey("moe_intermediate_size", "intermediate_size")
	base := p + strings.TrimSuffix(b.expert, "%d.")
	if straight, ok := stored(b.byName[base+"gate_up_proj"], b.byName[base+"down_proj"]); ok {
		inner, _ := stack{base + "down_proj", straight}.sizes(b.byName[base+"down_proj"])
		return key, []int{inner}
	}
	for e := range b.experts {
		widths = append(widths, b.innerOf(p+fmt.Sprintf(b.expert, e)+b.eDn))
	}
	return key, widths
}

// innerKey is the first of these keys that the configuration has.
func (b *builder) innerKey(keys ...string) string {
	for _, k := range keys {
		if b.Get(k).Is(strictjson.Number) {
			return k
		}
	}
	return keys[0]
}
