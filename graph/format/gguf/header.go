package gguf

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/bits"
	"strconv"
	"unicode/utf8"

	"github.com/pare-ml/pare/graph/ir"
)

// Bounds of what is read; those of llama.cpp where it has any.
const (
	maxHeader  = 256 << 20 // bytes of metadata and tensor infos
	maxString  = 1 << 30
	maxArray   = 1 << 30
	maxName    = 63
	maxDims    = 4
	maxAlign   = 1 << 30
	usualAlign = 32
	leastEntry = 8 + 1 + 4 + 1 // the bytes of the shortest metadata entry
	leastInfo  = 8 + 4 + 4 + 8 // and of the shortest tensor info
	magic      = "GGUF"
	alignKey   = "general.alignment"
)

// header is what stands in front of a file's data.
type header struct {
	version uint32
	meta    Metadata
	tensors []info
	align   int64
	data    int64 // where the data begin
}

// info is what a file says of a tensor.
type info struct {
	name   string
	shape  []int // outermost first
	dtype  ir.DType
	offset int64 // in the data
	size   int64
}

// fault is something wrong with a file, at an offset.
type fault struct {
	off    int64
	what   string // the key or tensor being read; may be empty
	reason string
}

func (f *fault) Error() string { return f.reason }

// scanner reads a header front to back. After the first fault all methods do nothing.
type scanner struct {
	r     io.ReaderAt
	size  int64 // of the file
	off   int64
	buf   []byte // the bytes from start on
	start int64
	what  string
	err   error
}

func (s *scanner) fail(format string, args ...any) {
	if s.err == nil {
		s.err = &fault{off: s.off, what: s.what, reason: fmt.Sprintf(format, args...)}
	}
}

func (s *scanner) left() int64 { return s.size - s.off }

// take returns the next n bytes, which stay valid.
func (s *scanner) take(n int64) []byte {
	if s.err != nil {
		return nil
	}
	if n < 0 || n > s.left() {
		s.fail("the file ends here; %d more bytes are needed", n)
		return nil
	}
	if s.off+n > maxHeader {
		s.fail("metadata and tensor infos take more than %d bytes", maxHeader)
		return nil
	}
	at := s.off - s.start
	if at < 0 || at+n > int64(len(s.buf)) {
		// The rest of the old window is left to those who hold it.
		size := min(max(n, 1<<16), s.left())
		b := make([]byte, size)
		if _, err := s.r.ReadAt(b, s.off); err != nil {
			s.err = err
			return nil
		}
		s.buf, s.start, at = b, s.off, 0
	}
	s.off += n
	return s.buf[at : at+n : at+n]
}

func (s *scanner) u32() uint32 {
	if b := s.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (s *scanner) u64() uint64 {
	if b := s.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// count reads a number of records of at least least bytes each.
func (s *scanner) count(what string, least, most int64) int64 {
	n := s.u64()
	if s.err == nil && (n > math.MaxInt64 || int64(n) > most) {
		s.fail("%s %s; at most %d are possible", printCount(n), what, most)
	}
	if s.err == nil && int64(n) > s.left()/least {
		s.fail("%d %s need at least %d bytes; the file has %d more", n, what, int64(n)*least, s.left())
	}
	if s.err != nil {
		return 0
	}
	return int64(n)
}

func printCount(n uint64) string {
	if n > math.MaxInt64 {
		return strconv.FormatInt(int64(n), 10)
	}
	return strconv.FormatUint(n, 10)
}

func (s *scanner) text() string {
	n := s.count("bytes of text", 1, maxString)
	return string(s.take(n))
}

// readHeader reads what stands in front of the data.
func readHeader(r io.ReaderAt, size int64) (*header, error) {
	s := &scanner{r: r, size: size}
	h := s.header()
	if s.err != nil {
		return nil, s.err
	}
	return h, nil
}

func (s *scanner) header() *header {
	h := &header{align: usualAlign}
	if string(s.take(4)) != magic {
		s.off = 0
		s.fail("the file does not begin with GGUF")
		return nil
	}
	h.version = s.u32()
	switch v := h.version; {
	case s.err != nil:
		return nil
	case v&0xffff == 0 && v != 0:
		s.fail("version %d: the file is in big-endian byte order, which pare and llama.cpp on little-endian machines do not read", v)
	case v < 2 || v > 3:
		s.fail("version %d; pare reads 2 and 3", v)
	}
	tensors := s.count("tensors", leastInfo, math.MaxInt64)
	keys := s.count("metadata entries", leastEntry, math.MaxInt64)
	s.metadata(h, keys)
	s.infos(h, tensors)
	if s.err != nil {
		return nil
	}
	s.data(h)
	return h
}

func (s *scanner) metadata(h *header, n int64) {
	seen := map[string]bool{}
	for i := int64(0); i < n && s.err == nil; i++ {
		s.what = fmt.Sprintf("metadata entry %d", i)
		kv := KeyValue{Key: s.text()}
		switch {
		case s.err != nil:
			return
		case kv.Key == "":
			s.fail("the key is empty")
		case !utf8.ValidString(kv.Key):
			s.fail("the key is no UTF-8")
		case seen[kv.Key]:
			s.fail("the key %q is there twice", kv.Key)
		}
		seen[kv.Key] = true
		s.what = strconv.Quote(kv.Key)
		kv.Kind = Kind(s.u32())
		kv.Raw = s.value(kv.Kind)
		h.meta = append(h.meta, kv)
	}
	s.what = ""
	if s.err != nil {
		return
	}
	if kv, ok := h.meta.Get(alignKey); ok {
		v, isInt := kv.int()
		switch {
		case kv.Kind != Uint32 || !isInt:
			s.fail("%s is of type %s; it must be u32", alignKey, kv.Kind)
		case v <= 0 || v > maxAlign || v&(v-1) != 0:
			s.fail("%s is %d; it must be a power of two", alignKey, v)
		}
		h.align = v
	}
}

// value returns the bytes of a value, after a look at whether they are possible.
func (s *scanner) value(k Kind) []byte {
	if n := k.size(); n > 0 {
		return s.take(int64(n))
	}
	from := s.off
	switch k {
	case String:
		s.take(s.count("bytes of text", 1, maxString))
	case Array:
		elem := Kind(s.u32())
		switch {
		case s.err != nil:
		case elem.size() > 0:
			n := s.count("elements", int64(elem.size()), maxArray)
			s.take(n * int64(elem.size()))
		case elem == String:
			for n := s.count("strings", 8, maxArray); n > 0 && s.err == nil; n-- {
				s.take(s.count("bytes of text", 1, maxString))
			}
		case elem == Array:
			s.fail("an array of arrays; loaders take none")
		default:
			s.fail("elements of unknown type %d", uint32(elem))
		}
	default:
		s.fail("unknown type %d", uint32(k))
	}
	if s.err != nil {
		return nil
	}
	// A value may have crossed windows: read it as one.
	end := s.off
	s.off = from
	return s.take(end - from)
}

func (s *scanner) infos(h *header, n int64) {
	seen := map[string]bool{}
	var next int64
	for i := int64(0); i < n && s.err == nil; i++ {
		s.what = fmt.Sprintf("tensor %d", i)
		t := info{name: s.text()}
		switch {
		case s.err != nil:
			return
		case t.name == "":
			s.fail("the name is empty")
		case len(t.name) > maxName:
			s.fail("the name has %d bytes; loaders take at most %d", len(t.name), maxName)
		case !utf8.ValidString(t.name):
			s.fail("the name is no UTF-8")
		case seen[t.name]:
			s.fail("a second tensor is named %q", t.name)
		}
		seen[t.name] = true
		s.what = fmt.Sprintf("tensor %q", t.name)
		s.shape(&t)
		s.kind(&t)
		offset := s.u64()
		if s.err == nil && (offset > math.MaxInt64 || int64(offset) != next) {
			s.fail("its data begin at %s; the tensors before it end at %d", printCount(offset), next)
		}
		if s.err != nil {
			return
		}
		t.offset = next
		var ok bool
		if next, ok = padded(next, t.size, h.align); !ok {
			s.fail("the sizes of the tensors add up to more than a file can have")
		}
		h.tensors = append(h.tensors, t)
	}
	s.what = ""
}

// padded returns the first multiple of align at or behind off+size.
func padded(off, size, align int64) (int64, bool) {
	if size > math.MaxInt64-off || off+size > math.MaxInt64-(align-1) {
		return 0, false
	}
	return (off + size + align - 1) / align * align, true
}

// shape reads the dimensions, innermost first.
func (s *scanner) shape(t *info) {
	dims := s.u32()
	if s.err == nil && dims > maxDims {
		s.fail("it has %d dimensions; loaders take at most %d", dims, maxDims)
	}
	if s.err != nil {
		return
	}
	t.shape = make([]int, dims)
	product := uint64(1)
	for i := range int(dims) {
		d := s.u64()
		hi, lo := bits.Mul64(product, max(d, 1))
		if s.err == nil && (d > math.MaxInt64 || hi != 0 || lo > math.MaxInt64) {
			s.fail("dimension %d is %s: no tensor has so many elements", i, printCount(d))
		}
		if s.err != nil {
			return
		}
		product = lo
		t.shape[int(dims)-1-i] = int(d)
	}
}

// kind reads the element type and finds the size.
func (s *scanner) kind(t *info) {
	n := s.u32()
	if s.err != nil {
		return
	}
	dtype, ok := dtypeOf(n)
	if !ok {
		s.fail("its type is %d, which is unknown", n)
		return
	}
	size, err := ir.ByteSize(dtype, t.shape)
	if err != nil {
		s.fail("%v", err)
		return
	}
	t.dtype, t.size = dtype, size
}

// data finds where the data begin and whether they are all there. Only the padding behind the last tensor may be missing.
func (s *scanner) data(h *header) {
	begin, ok := padded(s.off, 0, h.align)
	if !ok {
		s.fail("the data begin behind the largest offset")
		return
	}
	h.data = begin
	if len(h.tensors) == 0 {
		return
	}
	last := h.tensors[len(h.tensors)-1]
	end := last.offset + last.size
	if end > math.MaxInt64-begin {
		s.fail("the data end behind the largest offset")
		return
	}
	if begin+end > s.size {
		s.what = fmt.Sprintf("tensor %q", last.name)
		s.fail("its data end at byte %d; the file has %d bytes", begin+end, s.size)
	}
}
