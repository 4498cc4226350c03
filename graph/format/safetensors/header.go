package safetensors

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/strictjson"
)

// maxHeader bounds the header, as the reference reader does.
const maxHeader = 100_000_000

// maxRank bounds the dimensions of a tensor; frameworks end at 8 to 64.
const maxRank = 32

// dtypes are the types in the order in which the reference writer sorts tensors, the last first.
var dtypes = []struct {
	name  string
	dtype ir.DType // Undefined: pare does not read it
}{
	{"BOOL", ir.Bool}, {"F4", ir.Float4E2M1}, {"F6_E2M3", ir.Undefined}, {"F6_E3M2", ir.Undefined}, {"U8", ir.Uint8}, {"I8", ir.Int8},
	{"F8_E5M2", ir.Float8E5M2}, {"F8_E4M3", ir.Float8E4M3FN}, {"F8_E8M0", ir.Float8E8M0}, {"F8_E4M3FNUZ", ir.Float8E4M3FNUZ},
	{"F8_E5M2FNUZ", ir.Float8E5M2FNUZ}, {"I16", ir.Int16}, {"U16", ir.Uint16}, {"F16", ir.Float16}, {"BF16", ir.BFloat16},
	{"I32", ir.Int32}, {"U32", ir.Uint32}, {"F32", ir.Float32}, {"C64", ir.Complex64}, {"F64", ir.Float64}, {"I64", ir.Int64},
	{"U64", ir.Uint64},
}

// rankOf returns a type's place in dtypes, -1 for types that the format does not have.
func rankOf(d ir.DType) int {
	for i := range dtypes {
		if dtypes[i].dtype == d && d != ir.Undefined {
			return i
		}
	}
	return -1
}

// entry is what the header says of one tensor. Names and shapes are parts of larger memory, so that a header of two
// million tensors takes little more than itself.
type entry struct {
	name       string
	begin, end int64 // in the buffer behind the header
	shape      []int
	dtype      ir.DType
}

// header is what stands before the tensors of one file.
type header struct {
	entries  []entry       // in the order of their bytes
	metadata []ir.KeyValue // in the header's order
	start    int64         // where the buffer begins in the file
}

// fault is damage found in a header: what, and where.
type fault struct{ where, reason string }

func (f *fault) Error() string { return f.where + ": " + f.reason }

// wrong says what is wrong with a tensor.
func wrong(name, reason string, args ...any) error {
	return &fault{"tensor " + quote(name), fmt.Sprintf(reason, args...)}
}

// quote makes a name of a hostile file fit for a terminal.
func quote(name string) string {
	if len(name) > 100 {
		name = name[:100] + "…"
	}
	return strconv.QuoteToGraphic(name)
}

// readHeader reads and checks the header of a file of size bytes. Errors that are not the reader's are *format.Damaged.
func readHeader(r io.ReaderAt, size int64, path string) (*header, error) {
	h, err := parseHeader(r, size)
	var f *fault
	if errors.As(err, &f) {
		return nil, &format.Damaged{Path: path, Where: f.where, Reason: f.reason}
	}
	return h, err
}

func parseHeader(r io.ReaderAt, size int64) (*header, error) {
	if size < 8 {
		return nil, &fault{"header", fmt.Sprintf("the file has %d bytes; 8 tell the length of the header", size)}
	}
	var length [8]byte
	if err := readFull(r, length[:], 0); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(length[:])
	switch {
	case n > maxHeader:
		return nil, &fault{"header", fmt.Sprintf("its length is %d; at most %d bytes are allowed", n, maxHeader)}
	case int64(n) > size-8:
		return nil, &fault{"header", fmt.Sprintf("its length is %d; %d bytes follow", n, size-8)}
	case n < 2:
		return nil, &fault{"header", fmt.Sprintf("its length is %d; the smallest header is {}", n)}
	}
	text := make([]byte, n)
	if err := readFull(r, text, 8); err != nil {
		return nil, err
	}
	h := &header{start: 8 + int64(n)}
	if err := h.parse(text); err != nil {
		return nil, err
	}
	return h, h.check(size - h.start)
}

func readFull(r io.ReaderAt, b []byte, off int64) error {
	n, err := r.ReadAt(b, off)
	if n == len(b) && (err == nil || err == io.EOF) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// parse reads the text of a header.
func (h *header) parse(text []byte) error {
	if text[0] != '{' {
		return &fault{"header, offset 8", fmt.Sprintf("%q stands where { must be", text[:1])}
	}
	s := strictjson.New(text)
	dims := &pool{}
	seen := false
	s.Members(func(name string, at int) {
		if name == "__metadata__" {
			if seen {
				s.FailAt(at, "the key %q stands twice", name)
			}
			seen = true
			s.Object(func(key string, _ int) { h.metadata = append(h.metadata, ir.KeyValue{Key: key, Value: s.Text()}) })
			return
		}
		e := entry{name: name}
		e.read(s, at, dims)
		h.entries = append(h.entries, e)
	})
	var bad *strictjson.Error
	if errors.As(s.Err(), &bad) {
		return &fault{fmt.Sprintf("header, offset %d", 8+bad.Offset), bad.Reason}
	}
	for i := s.Pos(); i < len(text); i++ {
		if text[i] != ' ' {
			return &fault{fmt.Sprintf("header, offset %d", 8+i), fmt.Sprintf("%q stands behind the end; only spaces may fill the header up", text[i:i+1])}
		}
	}
	return nil
}

// read reads what the header says of a tensor.
func (e *entry) read(s *strictjson.Scanner, at int, dims *pool) {
	var have [3]bool
	once := func(i int, key string, at int) {
		if have[i] {
			s.FailAt(at, "tensor %s: the key %q stands twice", quote(e.name), key)
		}
		have[i] = true
	}
	s.Members(func(key string, at int) {
		switch key {
		case "dtype":
			once(0, key, at)
			s.Peek()
			at = s.Pos()
			name := s.Text()
			if i := dtypeNamed(name); i < 0 {
				s.FailAt(at, "tensor %s: the type %s is not known", quote(e.name), quote(name))
			} else if e.dtype = dtypes[i].dtype; e.dtype == ir.Undefined {
				s.FailAt(at, "tensor %s: its type is %s; pare does not read floats of 6 bits", quote(e.name), name)
			}
		case "shape":
			once(1, key, at)
			s.List(func() {
				if len(dims.open) == maxRank {
					s.Fail("tensor %s: more than %d dimensions", quote(e.name), maxRank)
				}
				dims.open = append(dims.open, int(s.Int(0, math.MaxInt, "a dimension of "+quote(e.name))))
			})
			e.shape = dims.take()
		case "data_offsets":
			once(2, key, at)
			n := 0
			s.List(func() {
				v := s.Int(0, math.MaxInt64, "an offset of "+quote(e.name))
				switch n++; n {
				case 1:
					e.begin = v
				case 2:
					e.end = v
				default:
					s.Fail("tensor %s: more than two data_offsets", quote(e.name))
				}
			})
			if n < 2 {
				s.Fail("tensor %s: data_offsets need a begin and an end", quote(e.name))
			}
		default:
			s.FailAt(at, "tensor %s: the key %s is not known; there are dtype, shape and data_offsets", quote(e.name), quote(key))
		}
	})
	for i, key := range []string{"dtype", "shape", "data_offsets"} {
		if !have[i] {
			s.FailAt(at, "tensor %s has no %s", quote(e.name), key)
		}
	}
}

func dtypeNamed(name string) int {
	for i := range dtypes {
		if dtypes[i].name == name {
			return i
		}
	}
	return -1
}

// pool hands out shapes as parts of larger memory.
type pool struct{ open, free []int }

func (p *pool) take() []int {
	n := len(p.open)
	if len(p.free) < n {
		p.free = make([]int, 1024)
	}
	shape := p.free[:n:n]
	p.free = p.free[n:]
	copy(shape, p.open)
	p.open = p.open[:0]
	return shape
}

// check sorts the tensors by their place and demands that they fill size bytes without hole or overlap, and that no name
// stands twice.
func (h *header) check(size int64) error {
	slices.SortFunc(h.entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	for i := 1; i < len(h.entries); i++ {
		if h.entries[i].name == h.entries[i-1].name {
			return wrong(h.entries[i].name, "the header names it twice")
		}
	}
	slices.SortStableFunc(h.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	var last int64
	for i := range h.entries {
		e := &h.entries[i]
		bits, err := sizeInBits(e.dtype, e.shape)
		switch {
		case err != nil:
			return wrong(e.name, "%v", err)
		case e.end < e.begin:
			return wrong(e.name, "it ends at %d, before its begin %d", e.end, e.begin)
		case e.begin > last:
			return wrong(e.name, "it begins at %d; the tensor before ends at %d, which leaves a hole", e.begin, last)
		case e.begin < last:
			return wrong(e.name, "it begins at %d, inside the tensor before, which ends at %d", e.begin, last)
		case bits%8 != 0:
			return wrong(e.name, "%d elements of %d bits are no whole number of bytes", bits/int64(e.dtype.Bits()), e.dtype.Bits())
		case e.end-e.begin != bits/8:
			return wrong(e.name, "%s of shape %v needs %d bytes; its offsets span %d", e.dtype, e.shape, bits/8, e.end-e.begin)
		case e.end > size:
			return wrong(e.name, "it ends at %d; the file has %d bytes of tensors", e.end, size)
		case e.begin == e.end && i > 0 && h.entries[i-1].begin == e.begin:
			return wrong(e.name, "it is empty and begins where the empty tensor %s does", quote(h.entries[i-1].name))
		}
		last = e.end
	}
	if last != size {
		return &fault{"tensors", fmt.Sprintf("they end at %d; the file has %d bytes more", last, size-last)}
	}
	return nil
}

// sizeInBits is the checked product of a shape and the bits of its type.
func sizeInBits(d ir.DType, shape []int) (int64, error) {
	n, err := ir.Elements(shape)
	if err != nil {
		return 0, err
	}
	bits := int64(d.Bits())
	if int64(n) > math.MaxInt64/bits {
		return 0, fmt.Errorf("shape %v of %s has too many bits", shape, d)
	}
	return int64(n) * bits, nil
}
