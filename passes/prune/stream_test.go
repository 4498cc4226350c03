package prune_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
	"github.com/pare-ml/pare/internal/kernel"
	"github.com/pare-ml/pare/internal/rng"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/passes/passtest"
	"github.com/pare-ml/pare/passes/prune"
)

func normal(r *rng.Rand) (x float64) {
	for range 4 {
		x += r.Float64() - 0.5
	}
	return x
}

// stored are numbers of a type with many equal sizes, zeros of both signs and denormals among them.
func stored(dtype ir.DType, n int, seed uint64) []byte {
	r := rng.New(seed)
	var b []byte
	for range n {
		x := float32(math.Round(normal(r)*40) / 64)
		switch r.Intn(20) {
		case 0:
			x = 0
		case 1:
			x = float32(math.Copysign(0, -1))
		case 2:
			x = math.Float32frombits(uint32(r.Intn(1 << 20)))
		case 3, 4, 5:
			x = float32(normal(r))
		}
		switch dtype {
		case ir.Float32:
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
		case ir.Float16:
			b = binary.LittleEndian.AppendUint16(b, kernel.Float16Bits(x))
		case ir.BFloat16:
			b = binary.LittleEndian.AppendUint16(b, kernel.BFloat16Bits(x))
		}
	}
	return b
}

// lowest sets the k elements of least absolute value among those at places to zero, of equal ones the first: the plain form
// of what the pass says it does.
func lowest(w []*ir.Tensor, data [][]byte, places [][2]int, k int) {
	score := func(p [2]int) float64 { return math.Abs(float64(numberAt(w[p[0]], p[1]))) }
	slices.SortStableFunc(places, func(a, b [2]int) int { return cmp.Compare(score(a), score(b)) })
	for _, p := range places[:k] {
		size := w[p[0]].DType.Bits() / 8
		clear(data[p[0]][p[1]*size : (p[1]+1)*size])
	}
}

func numberAt(t *ir.Tensor, i int) float32 {
	b, _ := t.Bytes()
	switch t.DType {
	case ir.Float16:
		return kernel.Float16FromBits(binary.LittleEndian.Uint16(b[2*i:]))
	case ir.BFloat16:
		return kernel.BFloat16FromBits(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
}

func nearest(share float64, n int) int {
	return max(0, min(n-1, int(math.RoundToEven(share*float64(n)))))
}

// plain prunes weights of [outputs, inputs] or, if turned, of [inputs, outputs].
func plain(w []*ir.Tensor, params string, turned bool) [][]byte {
	data := make([][]byte, len(w))
	var all [][2]int
	for i, t := range w {
		b, _ := t.Bytes()
		data[i] = slices.Clone(b)
		for j := range t.Len() {
			all = append(all, [2]int{i, j})
		}
	}
	share := 0.5
	if strings.Contains(params, "0.3") {
		share = 0.3
	}
	if strings.Contains(params, "global") {
		lowest(w, data, all, nearest(share, len(all)))
		return data
	}
	for i, t := range w {
		rows, cols := t.Shape[0], t.Shape[1]
		step := [2]int{cols, 1} // to the next output, to the next input
		if turned {
			rows, cols, step = cols, rows, [2]int{1, cols}
		}
		line := func(row, from, to int) (places [][2]int) {
			for c := from; c < to; c++ {
				places = append(places, [2]int{i, row*step[0] + c*step[1]})
			}
			return places
		}
		switch {
		case strings.Contains(params, "n_m"):
			n, m := 2, 4
			if strings.Contains(params, "m: 20") {
				n, m = 14, 20
			}
			for row := range rows {
				for c := 0; c < cols; c += m {
					to := min(cols, c+m)
					lowest(w, data, line(row, c, to), (to-c)*(m-n)/m)
				}
			}
		case strings.Contains(params, "row"):
			for row := range rows {
				lowest(w, data, line(row, 0, cols), nearest(share, cols))
			}
		default:
			lowest(w, data, slices.DeleteFunc(slices.Clone(all), func(p [2]int) bool { return p[0] != i }), nearest(share, t.Len()))
		}
	}
	return data
}

// layersOf is a model with a linear layer for each weight.
func layersOf(w []*ir.Tensor, turned bool) *ir.Model {
	b := build.New("layers", 17)
	for i, t := range w {
		name := fmt.Sprint("fc", i)
		in, out := t.Shape[1], t.Shape[0]
		if turned {
			in, out = out, in
		}
		x := b.Input("x"+name, t.DType, "batch", in)
		b.Tensor(t.WithName(name + ".weight"))
		var y string
		if turned {
			y = b.Op("MatMul", name, []string{x, name + ".weight"})
		} else {
			y = b.Op("Gemm", name, []string{x, name + ".weight"}, ir.IntAttr("transB", 1))
		}
		b.Output(y, t.DType, "batch", out)
	}
	return b.Model()
}

// inRanges is a tensor that comes in ranges of align elements.
func inRanges(t *ir.Tensor, align int) *ir.Tensor {
	b, _ := t.Bytes()
	return ir.RangeTensor(t.Name, t.DType, t.Shape, align*t.DType.Bits()/8, func(dst []byte, off int64) error {
		if off%int64(align*t.DType.Bits()/8) != 0 {
			return errors.New("not where a range may begin")
		}
		copy(dst, b[off:])
		return nil
	})
}

func TestStreamedIsPlain(t *testing.T) {
	types := []ir.DType{ir.Float32, ir.Float16, ir.BFloat16}
	for _, params := range []string{
		"sparsity: 0.5", "{sparsity: 0.3, criterion: l2}", "{sparsity: 0.3, scope: row}", "{sparsity: 0.5, structure: n_m}",
		"{sparsity: 0.3, structure: n_m, n: 14, m: 20}", "{sparsity: 0.3, scope: global}", "{sparsity: 0.5, scope: global}",
	} {
		for _, shape := range [][]int{{65, 1030}, {40, 20}, {3, 513}, {1, 1}, {5, 4}} {
			for _, turned := range []bool{false, true} {
				if shape[1] == 1030 && (turned != strings.Contains(params, "row") || strings.Contains(params, "0.5, scope: global")) {
					continue // the plain form takes its time
				}
				var w []*ir.Tensor
				for i, dtype := range types {
					w = append(w, ir.NewTensor("w", dtype, shape, stored(dtype, shape[0]*shape[1], uint64(i))))
				}
				m := layersOf(w, turned)
				if in := m.Layers()[0].InFeatures; strings.Contains(params, "n_m") && in < 20 {
					continue
				}
				want := plain(w, params, turned)
				for i, align := range []int{1, 1 << 16, 330} {
					name := fmt.Sprintf("fc%d.weight", i)
					m.Graph.SetTensor(inRanges(m.Graph.Tensor(name), align))
				}
				r := passtest.Run(t, prune.Pass, m, passtest.Step{Params: params})
				for i := range w {
					got := r.Model.Graph.Tensor(fmt.Sprintf("fc%d.weight", i))
					b, err := got.Bytes()
					if err != nil || !bytes.Equal(b, want[i]) {
						t.Errorf("%s of %v turned %v: weight %d: %v, not as the plain form has it", params, shape, turned, i, err)
					}
					inPieces := make([]byte, len(b))
					for off := 0; off < len(b); off += 7 {
						if err := got.ReadPart(inPieces[off:min(len(b), off+7)], int64(off)); err != nil {
							t.Fatal(err)
						}
						if len(b) > 1000 {
							off += len(b) / 5
						}
					}
					if len(b) <= 1000 && !bytes.Equal(b, inPieces) {
						t.Errorf("%s of %v turned %v: weight %d in pieces is another", params, shape, turned, i)
					}
					before, after := zerosOf(t, w[i]), zerosOf(t, got)
					if e := r.Effect(t, fmt.Sprint("fc", i)); e.From.Zeros != before || e.To.Zeros != after {
						t.Errorf("%s of %v turned %v: weight %d has %d zeros, then %d; the effect says %d and %d", params, shape, turned, i,
							before, after, e.From.Zeros, e.To.Zeros)
					}
				}
			}
		}
	}
}

func zerosOf(t *testing.T, x *ir.Tensor) (n int) {
	t.Helper()
	w, err := x.Float32s()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range w {
		if v == 0 {
			n++
		}
	}
	return n
}

// Nothing is read before what is pruned is asked for, and of n:m only that.
func TestStreamsReadLate(t *testing.T) {
	var read atomic.Int64
	w := ir.NewTensor("w", ir.BFloat16, []int{512, 1024}, stored(ir.BFloat16, 512*1024, 1))
	b, _ := w.Bytes()
	counting := ir.RangeTensor("w", w.DType, w.Shape, 1, func(dst []byte, off int64) error {
		read.Add(int64(len(dst)))
		copy(dst, b[off:])
		return nil
	})
	for _, c := range []struct {
		params string
		before int64 // bytes read for the first of all
	}{{"{sparsity: 0.5, structure: n_m}", 0}, {"sparsity: 0.5", 2*w.Size() + 1<<17}, {"{sparsity: 0.5, scope: row}", w.Size()}} {
		m := layersOf([]*ir.Tensor{counting}, false)
		read.Store(0)
		n, err := passtest.Parse(c.params)
		if err != nil {
			t.Fatal(err)
		}
		p, err := passtest.Decode(prune.Pass, n)
		if err != nil {
			t.Fatal(err)
		}
		var layers []passes.LayerParams
		for _, l := range m.Layers() {
			layers = append(layers, passes.LayerParams{Layer: l, Params: p})
		}
		if !prune.Pass.Streams(layers) {
			t.Errorf("%s does not stream", c.params)
		}
		if _, err := prune.Pass.Run(context.Background(), &passes.Site{Model: m, Workers: 2}, p, layers); err != nil {
			t.Fatal(err)
		}
		if read.Load() != 0 {
			t.Errorf("%s: %d bytes were read at once", c.params, read.Load())
		}
		piece := make([]byte, 1<<17)
		if err := m.Graph.Tensor("fc0.weight").ReadRange(piece, 1<<17); err != nil {
			t.Fatal(err)
		}
		if got := read.Load() - 1<<17; got > c.before {
			t.Errorf("%s: %d bytes were read to give %d; %d would do", c.params, read.Load(), 1<<17, c.before+1<<17)
		}
	}
}

func TestStreamsRefuseNaN(t *testing.T) {
	for _, params := range []string{"sparsity: 0.5", "{sparsity: 0.5, scope: row}", "{sparsity: 0.5, scope: global}", "{sparsity: 0.5, structure: n_m}"} {
		for _, dtype := range []ir.DType{ir.Float32, ir.Float16, ir.BFloat16} {
			b := stored(dtype, 40*40, 3)
			size := dtype.Bits() / 8
			for _, i := range []int{0, 70} { // NaN, and infinity below zero
				for j := range size {
					b[(i+1)*size-1-j] = 0xff
				}
			}
			m := layersOf([]*ir.Tensor{ir.NewTensor("w", dtype, []int{40, 40}, b)}, false)
			_, err := passtest.Try(t, prune.Pass, m, passtest.Step{Params: params})
			var damaged *format.Damaged
			if !errors.As(err, &damaged) || !strings.Contains(err.Error(), "2 of its 1600 weights are NaN or infinite") {
				t.Errorf("%s of %s: %v", params, dtype, err)
			}
		}
	}
}
