// Package protowire reads and writes the wire format of Protocol Buffers, field by field: as much of it as ONNX needs. It
// stands in place of google.golang.org/protobuf/encoding/protowire, whose names it keeps and against which it is tested:
// that one makes every start of the program read parts of its own executable.
package protowire

import "encoding/binary"

// Number is the number of a field.
type Number int32

// Type says how a field's value is written.
type Type int8

const (
	VarintType     Type = 0
	Fixed64Type    Type = 1
	BytesType      Type = 2
	StartGroupType Type = 3
	EndGroupType   Type = 4
	Fixed32Type    Type = 5
)

const (
	minNumber = 1
	maxNumber = 1<<31 - 1 // more than messages may declare, as in the package it is tested against
	maxGroups = 10_000    // that nest
)

// What the Consume functions return in place of a length: the bytes end too early, or are none of what is asked for.
const (
	cut   = -1
	wrong = -2
)

// ConsumeVarint reads a number of 64 bits in up to ten bytes and returns it with its length, below 0 if there is none.
func ConsumeVarint(b []byte) (v uint64, n int) {
	v, n = binary.Uvarint(b)
	switch {
	case n == 0:
		return 0, cut
	case n < 0:
		return 0, wrong
	}
	return v, n
}

// ConsumeFixed32 reads four bytes.
func ConsumeFixed32(b []byte) (v uint32, n int) {
	if len(b) < 4 {
		return 0, cut
	}
	return binary.LittleEndian.Uint32(b), 4
}

// ConsumeFixed64 reads eight bytes.
func ConsumeFixed64(b []byte) (v uint64, n int) {
	if len(b) < 8 {
		return 0, cut
	}
	return binary.LittleEndian.Uint64(b), 8
}

// ConsumeBytes reads a length and as many bytes, which are b's own.
func ConsumeBytes(b []byte) (v []byte, n int) {
	size, n := ConsumeVarint(b)
	if n < 0 {
		return nil, n
	}
	if size > uint64(len(b)-n) {
		return nil, cut
	}
	return b[n : n+int(size) : n+int(size)], n + int(size)
}

// ConsumeTag reads the number and type before a field's value; the length is below 0 if there are none.
func ConsumeTag(b []byte) (no Number, typ Type, n int) {
	v, n := ConsumeVarint(b)
	if n < 0 {
		return 0, 0, n
	}
	if v>>3 < minNumber || v>>3 > maxNumber {
		return 0, 0, wrong
	}
	return Number(v >> 3), Type(v & 7), n
}

// ConsumeFieldValue returns the length of a field's value, below 0 if it is damaged.
func ConsumeFieldValue(no Number, typ Type, b []byte) int { return skip(no, typ, b, maxGroups) }

func skip(no Number, typ Type, b []byte, depth int) int {
	var n int
	switch typ {
	case VarintType:
		_, n = ConsumeVarint(b)
	case Fixed32Type:
		_, n = ConsumeFixed32(b)
	case Fixed64Type:
		_, n = ConsumeFixed64(b)
	case BytesType:
		size, k := ConsumeVarint(b)
		switch {
		case k < 0:
			return k
		case size > uint64(len(b)-k):
			return cut
		}
		n = k + int(size)
	case StartGroupType:
		return skipGroup(no, b, depth)
	default:
		return wrong
	}
	return n
}

// skipGroup returns the length of a group behind its start: fields up to the end of the group of the same number.
func skipGroup(no Number, b []byte, depth int) int {
	if depth == 0 {
		return wrong
	}
	at := 0
	for {
		inner, typ, n := ConsumeTag(b[at:])
		if n < 0 {
			return n
		}
		at += n
		if typ == EndGroupType {
			if inner != no {
				return wrong
			}
			return at
		}
		if n = skip(inner, typ, b[at:], depth-1); n < 0 {
			return n
		}
		at += n
	}
}

// AppendTag appends what stands before a field's value.
func AppendTag(b []byte, no Number, typ Type) []byte {
	return binary.AppendUvarint(b, uint64(no)<<3|uint64(typ))
}

// AppendVarint appends a number of 64 bits in up to ten bytes.
func AppendVarint(b []byte, v uint64) []byte { return binary.AppendUvarint(b, v) }

// AppendFixed32 appends four bytes.
func AppendFixed32(b []byte, v uint32) []byte { return binary.LittleEndian.AppendUint32(b, v) }

// AppendBytes appends a length and so many bytes.
func AppendBytes(b, v []byte) []byte { return append(AppendVarint(b, uint64(len(v))), v...) }

// AppendString is AppendBytes for a text.
func AppendString(b []byte, v string) []byte { return append(AppendVarint(b, uint64(len(v))), v...) }
