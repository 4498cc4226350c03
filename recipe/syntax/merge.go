package syntax

import (
	"strconv"
	"strings"
)

// At follows a path of keys and list indexes such as "weights.group_size" or "losses.0.weight" and returns the node it
// leads to, or the nearest one above that exists. Findings on effective parameters use it to point at their cause.
func (n *Node) At(path string) *Node {
	for n != nil && path != "" {
		next, rest := n.step(path)
		if next == nil {
			break
		}
		n, path = next, rest
	}
	return n
}

// step goes one key or index down. A key may itself hold dots: the shortest that exists is taken.
func (n *Node) step(path string) (next *Node, rest string) {
	for end := 0; end < len(path); {
		if dot := strings.IndexByte(path[end:], '.'); dot >= 0 {
			end += dot
		} else {
			end = len(path)
		}
		name := path[:end]
		end = min(end+1, len(path))
		switch n.Kind {
		case Mapping:
			if v := n.Get(name); v != nil {
				return v, path[end:]
			}
		case Sequence:
			if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(n.Items) {
				return n.Items[i], path[end:]
			}
			return nil, ""
		}
	}
	return nil, ""
}

// Merge returns base with over laid upon it, key by key through nested mappings; a sequence or scalar is replaced.
// Every part keeps the span it came with; a mapping made of both has the span of over. Either may be nil.
func Merge(base, over *Node) *Node {
	switch {
	case over == nil:
		return base
	case base == nil, base.Kind != Mapping, over.Kind != Mapping:
		return over
	}
	merged := &Node{Kind: Mapping, Span: over.Span, Alias: over.Alias}
	at := make(map[string]int, len(base.Pairs)+len(over.Pairs))
	for _, p := range base.Pairs {
		at[p.Key.Text] = len(merged.Pairs)
		merged.Pairs = append(merged.Pairs, p)
	}
	for _, p := range over.Pairs {
		if i, ok := at[p.Key.Text]; ok {
			merged.Pairs[i] = Pair{Key: p.Key, Value: Merge(merged.Pairs[i].Value, p.Value)}
			continue
		}
		merged.Pairs = append(merged.Pairs, p)
	}
	return merged
}
