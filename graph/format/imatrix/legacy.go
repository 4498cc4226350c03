package imatrix

import (
	"encoding/binary"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/pare-ml/pare/internal/importance"
)

const (
	leastEntry = 4 + 4 + 4 + 4 // the bytes of an entry without a name and with one number
	maxText    = 1 << 16
)

// legacy reads the matrix of a file in the older form: all numbers are 32 bits, little endian.
//
//	entries, then of each: length of the name, name, calls, count of values, values
//	behind them, if the file goes on: chunks, length of the data set's name, the name
func (f *file) legacy() (*importance.Matrix, error) {
	s := &scanner{file: f}
	n := s.number("the number of entries")
	if s.err == nil && (n < 1 || int64(n) > (f.size-4)/leastEntry) {
		return nil, f.damaged("", "it is no importance matrix: it does not begin with GGUF, and %d entries do not fit into its %d bytes", n, f.size)
	}
	m := &importance.Matrix{Form: "legacy"}
	for range n {
		e := s.entry()
		if s.err != nil {
			return nil, s.err
		}
		m.Entries = append(m.Entries, e)
	}
	if s.err == nil && s.off < f.size {
		m.Chunks = max(0, int(s.number("the number of chunks")))
		if name := s.text("the data set's name"); name != "" {
			m.Datasets = []string{name}
		}
		if s.err == nil && s.off != f.size {
			s.fail("", "the file goes on for %d bytes behind its end", f.size-s.off)
		}
	}
	return m, s.err
}

// scanner reads a file front to back. After the first fault all methods do nothing.
type scanner struct {
	*file
	off int64
	err error
}

func (s *scanner) fail(where, reason string, args ...any) {
	if s.err == nil {
		s.err = s.damaged(where, reason, args...)
	}
}

// take returns the next n bytes.
func (s *scanner) take(what string, n int64) []byte {
	if s.err == nil && (n < 0 || n > s.size-s.off) {
		s.fail(what, "the file ends at byte %d, before %d bytes that are needed", s.size, n)
	}
	if s.err != nil {
		return nil
	}
	b := make([]byte, n)
	if s.err = readFull(s.r, b, s.off); s.err != nil {
		return nil
	}
	s.off += n
	return b
}

func (s *scanner) number(what string) int32 {
	if b := s.take(what, 4); b != nil {
		return int32(binary.LittleEndian.Uint32(b))
	}
	return 0
}

func (s *scanner) text(what string) string {
	n := s.number(what)
	if s.err == nil && (n < 0 || n > maxText) {
		s.fail(what, "it has %d bytes; at most %d are possible", n, maxText)
	}
	b := s.take(what, int64(n))
	if !utf8.Valid(b) || strings.ContainsRune(string(b), 0) {
		s.fail(what, "it is no text")
	}
	return string(b)
}

func (s *scanner) entry() importance.Entry {
	name := s.text("the name of an entry")
	if s.err == nil && name == "" {
		s.fail("an entry", "its name is empty")
	}
	where := entryWord(name)
	calls, n := s.number(where), s.number(where)
	if s.err == nil && (n < 1 || int64(n) > (s.size-s.off)/4) {
		s.fail(where, "it has %d numbers, and the file ends %d bytes from there", n, s.size-s.off)
	}
	if s.err != nil {
		return importance.Entry{}
	}
	f, at := s.file, s.off
	s.off += 4 * int64(n)
	return importance.Entry{Name: name, Values: int(n), Experts: 1, Calls: math.Max(0, float64(calls)), Read: func() ([]float32, error) {
		v, err := f.floats(at, int(n))
		if err != nil {
			return nil, err
		}
		if calls > 0 {
			for i := range v {
				v[i] /= float32(calls)
			}
		}
		return f.checked(name, v)
	}}
}
