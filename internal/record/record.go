// Package record writes and reads plain binary records: numbers as varints, texts and lists behind their lengths, fields
// in a fixed order. One content has one form, so that a record can be hashed, and what is read from an untrusted place is
// an error at worst: a Reader allocates in proportion to the bytes that are there, and never reads past them.
package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Writer appends fields to a record. The zero Writer is an empty one.
type Writer struct{ b []byte }

// Record returns what was written.
func (w *Writer) Record() []byte { return w.b }

// Uint writes a number.
func (w *Writer) Uint(v uint64) { w.b = binary.AppendUvarint(w.b, v) }

// Int writes a number that may be negative.
func (w *Writer) Int(v int64) { w.b = binary.AppendVarint(w.b, v) }

// Len writes the length of a list that follows.
func (w *Writer) Len(n int) { w.Uint(uint64(n)) }

// Bool writes a truth value.
func (w *Writer) Bool(v bool) {
	if v {
		w.Uint(1)
	} else {
		w.Uint(0)
	}
}

// Float writes the bits of a float64.
func (w *Writer) Float(v float64) { w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(v)) }

// Text writes a text, which may hold any bytes.
func (w *Writer) Text(s string) {
	w.Len(len(s))
	w.b = append(w.b, s...)
}

// Bytes is Text for bytes.
func (w *Writer) Bytes(b []byte) {
	w.Len(len(b))
	w.b = append(w.b, b...)
}

// Texts writes a list of texts.
func (w *Writer) Texts(list []string) {
	w.Len(len(list))
	for _, s := range list {
		w.Text(s)
	}
}

// Ints writes a list of numbers.
func (w *Writer) Ints(list []int) {
	w.Len(len(list))
	for _, v := range list {
		w.Int(int64(v))
	}
}

// Reader takes fields from a record in the order in which they were written. After the first error it returns zeros and
// empty lists, so that only Err or End needs to be asked.
type Reader struct {
	b   []byte
	err error
}

// NewReader returns a reader of b, which must not change while it is in use.
func NewReader(b []byte) *Reader { return &Reader{b: b} }

// Err returns the first error.
func (r *Reader) Err() error { return r.err }

// End returns the first error; bytes behind the last field are one.
func (r *Reader) End() error {
	if r.err == nil && len(r.b) > 0 {
		r.Fail("%d bytes follow its end", len(r.b))
	}
	return r.err
}

// Fail makes the reader fail, if it has not failed before.
func (r *Reader) Fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("the record is damaged: "+format, args...)
	}
	r.b = nil
}

var errCut = errors.New("the record is cut off")

func (r *Reader) cut() {
	if r.err == nil {
		r.err = errCut
	}
	r.b = nil
}

// Uint reads a number.
func (r *Reader) Uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.cut()
		return 0
	}
	r.b = r.b[n:]
	return v
}

// Int reads a number that may be negative.
func (r *Reader) Int() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.cut()
		return 0
	}
	r.b = r.b[n:]
	return v
}

// Small reads a number that an int holds and that is not negative.
func (r *Reader) Small() int {
	v := r.Uint()
	if v > math.MaxInt32 {
		r.Fail("%d is too large", v)
		return 0
	}
	return int(v)
}

// Len reads the length of a list, each element of which takes at least size bytes (1 if it is less).
func (r *Reader) Len(size int) int {
	v := r.Uint()
	if v > uint64(len(r.b)/max(size, 1)) {
		r.cut()
		return 0
	}
	return int(v)
}

// Bool reads a truth value.
func (r *Reader) Bool() bool {
	v := r.Uint()
	if v > 1 {
		r.Fail("%d is neither true nor false", v)
	}
	return v == 1
}

// Float reads a float64.
func (r *Reader) Float() float64 {
	if len(r.b) < 8 {
		r.cut()
		return 0
	}
	v := math.Float64frombits(binary.LittleEndian.Uint64(r.b))
	r.b = r.b[8:]
	return v
}

// Bytes reads bytes, which lie in the record.
func (r *Reader) Bytes() []byte {
	n := r.Len(1)
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

// Text reads a text.
func (r *Reader) Text() string { return string(r.Bytes()) }

// Texts reads a list of texts; nil if it is empty.
func (r *Reader) Texts() []string {
	var list []string
	for range r.Len(1) {
		list = append(list, r.Text())
	}
	return list
}

// Ints reads a list of numbers; nil if it is empty.
func (r *Reader) Ints() []int {
	var list []int
	for range r.Len(1) {
		list = append(list, int(r.Int()))
	}
	return list
}
