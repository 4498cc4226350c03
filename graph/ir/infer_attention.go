package ir

import "fmt"

// inferAttention: the operator Attention of opset 23. Queries, keys and values are [batch, heads, sequence, size], or
// [batch, sequence, heads·size] with the numbers of heads as attributes; the output is laid out as the queries, with the
// values' size. Outputs beyond the first, the caches, are left unknown.
func inferAttention(c *call) error {
	q, v := c.shape(0), c.shape(2)
	c.set(0, c.arg(0).DType, nil)
	switch {
	case len(q) == 4:
		size := Unknown
		if len(v) == 4 {
			size = v[3]
		}
		c.set(0, c.arg(0).DType, Shape{q[0], q[1], q[2], size})
	case len(q) == 3:
		heads, kv := c.Int("q_num_heads", 0), c.Int("kv_num_heads", 0)
		if heads <= 0 || kv <= 0 {
			return fmt.Errorf("queries of rank 3 need q_num_heads and kv_num_heads; they are %d and %d", heads, kv)
		}
		width := Unknown
		if len(v) == 3 && v[2].Known() {
			if v[2].Size%kv != 0 {
				return fmt.Errorf("values of width %d are no %d heads", v[2].Size, kv)
			}
			if n, err := Elements([]int{int(v[2].Size / kv), int(heads)}); err == nil {
				width = Dim{Size: int64(n)}
			}
		}
		c.set(0, c.arg(0).DType, Shape{q[0], q[1], width})
	}
	return nil
}
