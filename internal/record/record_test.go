package record

import (
	"math"
	"slices"
	"testing"
)

func sample() []byte {
	w := &Writer{}
	w.Uint(math.MaxUint64)
	w.Int(math.MinInt64)
	w.Bool(true)
	w.Float(math.Inf(-1))
	w.Text("a\x00\xff")
	w.Bytes(nil)
	w.Texts([]string{"", "b"})
	w.Ints([]int{-1, 1 << 40})
	return w.Record()
}

func read(b []byte) error {
	r := NewReader(b)
	ok := r.Uint() == math.MaxUint64
	ok = r.Int() == math.MinInt64 && ok
	ok = r.Bool() && ok
	ok = math.IsInf(r.Float(), -1) && ok
	ok = r.Text() == "a\x00\xff" && ok
	ok = len(r.Bytes()) == 0 && ok
	ok = slices.Equal(r.Texts(), []string{"", "b"}) && ok
	ok = slices.Equal(r.Ints(), []int{-1, 1 << 40}) && ok
	if err := r.End(); err != nil {
		return err
	}
	if !ok {
		r.Fail("another content")
	}
	return r.Err()
}

func TestRoundTrip(t *testing.T) {
	b := sample()
	if err := read(b); err != nil {
		t.Fatal(err)
	}
	for i := range b {
		if read(b[:i]) == nil {
			t.Errorf("the first %d bytes are taken for all", i)
		}
	}
	if read(append(b, 0)) == nil {
		t.Error("a byte too many is not noticed")
	}
}

// A length beyond the bytes that are there is refused before anything is allocated.
func TestLengths(t *testing.T) {
	w := &Writer{}
	w.Uint(1 << 60)
	for name, take := range map[string]func(*Reader){
		"bytes": func(r *Reader) { r.Bytes() }, "texts": func(r *Reader) { r.Texts() }, "ints": func(r *Reader) { r.Ints() },
		"list": func(r *Reader) { r.Len(8) }, "small": func(r *Reader) { r.Small() },
	} {
		r := NewReader(w.Record())
		if take(r); r.Err() == nil {
			t.Errorf("%s: 2⁶⁰ are taken", name)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(sample())
	f.Fuzz(func(t *testing.T, b []byte) { _ = read(b) })
}
