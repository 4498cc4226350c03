package format_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
)

// ranged is a tensor of n bytes whose ranges come in multiples of align.
func ranged(t *testing.T, n, align int) (*ir.Tensor, []byte) {
	want := make([]byte, n)
	for i := range want {
		want[i] = byte(i * 7)
	}
	return ir.RangeTensor("r", ir.Uint8, []int{n}, align, func(dst []byte, off int64) error {
		if off%int64(align) != 0 || (int(off)+len(dst) != n && (int(off)+len(dst))%align != 0) {
			t.Errorf("range from %d, %d bytes: no multiple of %d", off, len(dst), align)
		}
		copy(dst, want[off:])
		return nil
	}), want
}

func TestStream(t *testing.T) {
	r, rb := ranged(t, 5<<20+34, 34)
	huge, hb := ranged(t, 3<<20, 3<<19) // pieces larger than usual
	whole := ir.NewTensor("w", ir.Uint8, []int{3}, []byte("abc"))
	f := format.File{Parts: []format.Part{{Bytes: []byte("head")}, {Tensor: r}, {Tensor: whole}, {Bytes: nil}, {Tensor: huge}, {Bytes: []byte("tail")}}}
	want := bytes.Join([][]byte{[]byte("head"), rb, []byte("abc"), hb, []byte("tail")}, nil)
	for _, s := range []format.Stream{{}, {Workers: 3}, {Workers: 7, Memory: 1}} {
		var got bytes.Buffer
		var last int64
		s.Progress = func(done, total int64) { last = total - done }
		if err := s.Write(context.Background(), &got, f); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) || last != 0 || f.Size() != int64(len(want)) {
			t.Errorf("%d workers: %d bytes, want %d; %d left", s.Workers, got.Len(), len(want), last)
		}
	}
}

type full struct{}

var errFull = errors.New("full")

func (full) Write([]byte) (int, error) { return 0, errFull }

// Whatever fails, Write comes back and says what it was.
func TestStreamFails(t *testing.T) {
	r, _ := ranged(t, 9<<20, 1)
	broken := ir.RangeTensor("b", ir.Uint8, []int{9 << 20}, 1, func(_ []byte, off int64) error {
		if off > 2<<20 {
			return errFull
		}
		return nil
	})
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, tt := range []struct {
		ctx  context.Context
		to   interface{ Write([]byte) (int, error) }
		t    *ir.Tensor
		want error
	}{
		{context.Background(), full{}, r, errFull},
		{context.Background(), new(bytes.Buffer), broken, errFull},
		{cancelled, new(bytes.Buffer), r, context.Canceled},
	} {
		err := format.Stream{Workers: 3, Memory: 1 << 20}.Write(tt.ctx, tt.to, format.File{Parts: []format.Part{{Tensor: tt.t}}})
		if !errors.Is(err, tt.want) {
			t.Errorf("error %v, want %v", err, tt.want)
		}
	}
}
