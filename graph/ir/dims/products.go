package dims

import (
	"fmt"

	"github.com/pare-ml/pare/graph/ir"
)

// conv: rows of the weight are the output's channels; its columns are the input's. In a grouped convolution equal
// positions of all groups go together, which keeps the groups equal; with one channel a group (depthwise) each input
// channel goes with the outputs made of it, and the number of groups falls.
func (a *analysis) conv(n *ir.Node) {
	x, w := n.Input(0), n.Input(1)
	shape, ok := a.dims(w)
	group := n.Int("group", 1)
	if !ok || len(shape) < 3 || group < 1 || shape[0] < 1 || shape[0]%group != 0 {
		a.unknown(n)
		return
	}
	slides := fmt.Sprintf("%s slides along it", a.title(n))
	a.fixFrom(w, 2, slides)
	a.fixFrom(x, 2, slides)
	in, out := a.axis(x, 1), a.axis(w, 0)
	switch perGroup := shape[1]; {
	case group == 1:
		a.joinAxes(in, a.axis(w, 1))
	case perGroup == 1:
		out = a.depthwise(n, in, out, int(group))
	default:
		a.grouped(n, in, w, int(group))
	}
	if b := n.Input(2); b != "" {
		out = a.joinAxes(out, a.axis(b, 0))
	}
	a.spatial(n, n.Output(0), a.axis(x, 0), out)
}

func (a *analysis) depthwise(n *ir.Node, in, out axis, group int) axis {
	if out.channels == nil || in.channels == nil {
		return a.joinAxes(out, axis{why: in.why})
	}
	if len(in.channels) != group {
		a.fixBoth(in, out, fmt.Sprintf("%s has %d groups for %d channels", a.title(n), group, len(in.channels)))
		return out
	}
	times := len(out.channels) / group
	for i, c := range out.channels {
		a.join(c, in.channels[i/times])
	}
	a.nodes = append(a.nodes, rewrite{n, func(c *cutter, n *ir.Node) error {
		n.SetAttr(ir.IntAttr("group", int64(c.count(in))))
		return nil
	}})
	return out
}

func (a *analysis) grouped(n *ir.Node, in axis, w string, group int) {
	cols, rows := a.axis(w, 1), a.axis(w, 0)
	if in.channels == nil || cols.channels == nil || len(in.channels) != group*len(cols.channels) {
		why := in.why
		if why == "" {
			why = fmt.Sprintf("%s has %d groups", a.title(n), group)
		}
		a.fixBoth(in, cols, orUnknown(why))
	} else {
		for i, c := range in.channels {
			a.join(c, cols.channels[i%len(cols.channels)])
		}
	}
	if each := len(rows.channels) / group; each > 0 {
		for i, c := range rows.channels {
			a.join(c, rows.channels[i%each])
		}
	}
}

func (a *analysis) convTranspose(n *ir.Node) {
	x, w := n.Input(0), n.Input(1)
	shape, ok := a.dims(w)
	if !ok || len(shape) < 3 || n.Int("group", 1) != 1 {
		a.unknown(n)
		return
	}
	slides := fmt.Sprintf("%s slides along it", a.title(n))
	a.fixFrom(w, 2, slides)
	a.fixFrom(x, 2, slides)
	a.joinAxes(a.axis(x, 1), a.axis(w, 0))
	out := a.axis(w, 1)
	if b := n.Input(2); b != "" {
		out = a.joinAxes(out, a.axis(b, 0))
	}
	a.spatial(n, n.Output(0), a.axis(x, 0), out)
}

func (a *analysis) gemm(n *ir.Node) {
	x, w := n.Input(0), n.Input(1)
	shape, ok := a.dims(w)
	if !ok || len(shape) != 2 || n.Int("transA", 0) != 0 {
		a.unknown(n)
		return
	}
	rows, cols := 1, 0
	if n.Int("transB", 0) != 0 {
		rows, cols = 0, 1
	}
	a.joinAxes(a.axis(x, 1), a.axis(w, cols))
	out := []axis{a.axis(x, 0), a.axis(w, rows)}
	if c := n.Input(2); c != "" {
		out = a.joinBroadcast(n, out, []int64{-1, shape[rows]}, c)
	}
	a.set(n.Output(0), out)
}

// matmul joins the axes that are summed over; leading axes broadcast.
func (a *analysis) matmul(n *ir.Node) {
	x, w := n.Input(0), n.Input(1)
	xs, ok1 := a.dims(x)
	ws, ok2 := a.dims(w)
	os, ok3 := a.dims(n.Output(0))
	if !ok1 || !ok2 || !ok3 || len(xs) < 2 || len(ws) < 2 || len(os) < 2 || len(os) != max(len(xs), len(ws)) {
		a.unknown(n)
		return
	}
	r := len(os)
	a.joinAxes(a.axis(x, len(xs)-1), a.axis(w, len(ws)-2))
	out := make([]axis, r)
	for k := range r - 2 {
		out[k] = a.joinAt(os[k], k-(r-len(xs)), x, k-(r-len(ws)), w, n)
	}
	out[r-2], out[r-1] = a.axis(x, len(xs)-2), a.axis(w, len(ws)-1)
	a.set(n.Output(0), out)
}

// joinAt joins axis i of x and axis j of y, which broadcast to size.
func (a *analysis) joinAt(size int64, i int, x string, j int, y string, n *ir.Node) axis {
	out := axis{}
	have := false
	for _, in := range []struct {
		name string
		k    int
	}{{x, i}, {y, j}} {
		if in.k < 0 {
			continue
		}
		if s, _ := a.dims(in.name); s[in.k] == 1 && size != 1 {
			continue
		}
		if next := a.axis(in.name, in.k); have {
			out = a.joinAxes(out, next)
		} else {
			out, have = next, true
		}
	}
	if !have {
		return fixed("%s broadcasts it", a.title(n))
	}
	return out
}
