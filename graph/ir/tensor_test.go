package ir_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
)

func TestSizes(t *testing.T) {
	for _, c := range []struct {
		dtype ir.DType
		shape []int
		bytes int64
		err   string
	}{
		{ir.Float32, nil, 4, ""}, {ir.Float32, []int{2, 3}, 24, ""}, {ir.Int4, []int{3}, 2, ""}, {ir.Uint2, []int{5}, 2, ""},
		{ir.Bool, []int{0, 7}, 0, ""}, {ir.Complex128, []int{2}, 32, ""},
		{ir.Float32, []int{1 << 61}, 0, "too many bytes"}, {ir.Int8, []int{1 << 32, 1 << 32}, 0, "too many elements"},
		{ir.Int8, []int{0, 1 << 62, 4}, 0, "too many elements"}, {ir.Int8, []int{-1}, 0, "negative"},
		{ir.String, []int{1}, 0, "no fixed size"}, {ir.Undefined, nil, 0, "no fixed size"}, {ir.DType(200), nil, 0, "no fixed size"},
	} {
		n, err := ir.ByteSize(c.dtype, c.shape)
		if n != c.bytes || (c.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s %v: %d, %v; want %d, %q", c.dtype, c.shape, n, err, c.bytes, c.err)
		}
	}
}

func TestFloat32s(t *testing.T) {
	for _, c := range []struct {
		dtype ir.DType
		data  string
		want  string
	}{
		{ir.Float32, "\x00\x00\x80\x3f\x00\x00\x00\xc0", "[1 -2]"},
		{ir.Float16, "\x00\x3c\x00\xc0\x01\x00\xff\x7b\x00\x7c\x00\x80", "[1 -2 5.9604645e-08 65504 +Inf -0]"},
		{ir.Float16, "\xff\x03\x01\x7e", "[6.097555e-05 NaN]"},
		{ir.BFloat16, "\x80\x3f\x00\xc0", "[1 -2]"},
		{ir.Float64, "\x00\x00\x00\x00\x00\x00\xf0\x3f", "[1]"},
	} {
		n := len(c.data) * 8 / c.dtype.Bits()
		got, err := ir.NewTensor("t", c.dtype, []int{n}, []byte(c.data)).Float32s()
		if fmt.Sprint(got) != c.want || err != nil {
			t.Errorf("%s: %v, %v; want %s", c.dtype, got, err, c.want)
		}
	}
	// float32 at an odd address is decoded, not aliased
	b := []byte("x\x00\x00\x80\x3f")
	if got, err := ir.NewTensor("t", ir.Float32, []int{1}, b[1:]).Float32s(); err != nil || got[0] != 1 {
		t.Errorf("unaligned: %v, %v", got, err)
	}
	if _, err := ir.FromInt64s("t", nil, []int64{1}).Float32s(); err == nil {
		t.Error("integers were taken as floats")
	}
}

func TestHalfBits(t *testing.T) {
	for h := range 1 << 16 {
		got, _ := ir.NewTensor("h", ir.Float16, []int{1}, []byte{byte(h), byte(h >> 8)}).Float32s()
		sign, exp, frac := 1-2*float64(h>>15), h>>10&31, float64(h&1023)
		want := sign * math.Ldexp(1+frac/1024, exp-15)
		switch {
		case exp == 0:
			want = sign * math.Ldexp(frac, -24)
		case exp == 31 && frac == 0:
			want = math.Inf(int(sign))
		case exp == 31:
			want = math.NaN()
		}
		if float64(got[0]) != want && !(got[0] != got[0] && want != want) {
			t.Fatalf("%#04x is %v, want %v", h, got[0], want)
		}
	}
}

func TestInt64s(t *testing.T) {
	for _, c := range []struct {
		dtype ir.DType
		data  string
		want  string
	}{
		{ir.Int8, "\xff\x7f", "[-1 127]"}, {ir.Uint8, "\xff", "[255]"}, {ir.Bool, "\x01", "[1]"}, {ir.Int16, "\xfe\xff", "[-2]"},
		{ir.Uint16, "\xfe\xff", "[65534]"}, {ir.Int32, "\xfe\xff\xff\xff", "[-2]"}, {ir.Uint32, "\xfe\xff\xff\xff", "[4294967294]"},
		{ir.Int64, "\xfe\xff\xff\xff\xff\xff\xff\xff", "[-2]"}, {ir.Uint64, "\x02\x00\x00\x00\x00\x00\x00\x00", "[2]"},
	} {
		n := len(c.data) * 8 / c.dtype.Bits()
		got, err := ir.NewTensor("t", c.dtype, []int{n}, []byte(c.data)).Int64s()
		if fmt.Sprint(got) != c.want || err != nil {
			t.Errorf("%s: %v, %v; want %s", c.dtype, got, err, c.want)
		}
	}
	if _, err := ir.NewTensor("t", ir.Uint64, nil, []byte("\xff\xff\xff\xff\xff\xff\xff\xff")).Int64s(); err == nil {
		t.Error("2⁶⁴−1 fits an int64")
	}
}

func TestBytesAreChecked(t *testing.T) {
	if _, err := ir.NewTensor("w", ir.Float32, []int{3}, make([]byte, 11)).Bytes(); err == nil || !strings.Contains(err.Error(), `"w" has 11 bytes`) {
		t.Errorf("wrong size: %v", err)
	}
	calls := 0
	lazy := ir.LazyTensor("w", ir.Int8, nil, func() ([]byte, error) { calls++; return []byte{1}, nil })
	lazy.Bytes()
	lazy.WithName("v").Bytes()
	if calls != 1 {
		t.Errorf("a lazy tensor was computed %d times", calls)
	}
	broken := ir.LazyTensor("w", ir.Int8, nil, func() ([]byte, error) { return nil, errors.New("disk") })
	if _, err := broken.Bytes(); err == nil || err.Error() != `tensor "w": disk` {
		t.Errorf("error is %v", err)
	}
	if s, err := ir.FromStrings("s", []int{2}, []string{"a", ""}).Strings(); err != nil || len(s) != 2 || s[0] != "a" {
		t.Errorf("strings: %q, %v", s, err)
	}
	if _, err := ir.NewTensor("s", ir.String, []int{1}, []byte("\x05ab")).Strings(); err == nil {
		t.Error("a string that is cut off was read")
	}
}
