package gguf

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// Kind is the type of a metadata value; numbers as in the specification.
type Kind uint32

// The kinds there are.
const (
	Uint8 Kind = iota
	Int8
	Uint16
	Int16
	Uint32
	Int32
	Float32
	Bool
	String
	Array
	Uint64
	Int64
	Float64
)

// size returns the bytes of a value of fixed size; 0 for strings, arrays and unknown kinds.
func (k Kind) size() int {
	switch k {
	case Uint8, Int8, Bool:
		return 1
	case Uint16, Int16:
		return 2
	case Uint32, Int32, Float32:
		return 4
	case Uint64, Int64, Float64:
		return 8
	}
	return 0
}

var kindNames = [...]string{"u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "string", "array", "u64", "i64", "f64"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("type %d", uint32(k))
}

// KeyValue is an entry of the metadata: its value as it stands in a file, so that what nobody changes is written with
// its own bytes.
type KeyValue struct {
	Key  string
	Kind Kind
	Raw  []byte // little endian; of an array its element type, its length and its elements
}

// Metadata is the list of a file's entries, in file order, keys unique. It is not changed once it is made; With and
// Without make others.
type Metadata []KeyValue

// Get returns the entry of that key.
func (m Metadata) Get(key string) (KeyValue, bool) {
	i := slices.IndexFunc(m, func(kv KeyValue) bool { return kv.Key == key })
	if i < 0 {
		return KeyValue{}, false
	}
	return m[i], true
}

// With returns a list in which entries have taken the place of those of their keys, or stand at the end.
func (m Metadata) With(entries ...KeyValue) Metadata {
	out := slices.Clone(m)
	for _, kv := range entries {
		if i := slices.IndexFunc(out, func(o KeyValue) bool { return o.Key == kv.Key }); i >= 0 {
			out[i] = kv
		} else {
			out = append(out, kv)
		}
	}
	return out
}

// Without returns a list that lacks the keys.
func (m Metadata) Without(keys ...string) Metadata {
	return slices.DeleteFunc(slices.Clone(m), func(kv KeyValue) bool { return slices.Contains(keys, kv.Key) })
}

// Text returns a string value; ok is false if the key is not there or holds something else.
func (m Metadata) Text(key string) (s string, ok bool) {
	kv, ok := m.Get(key)
	if !ok || kv.Kind != String || len(kv.Raw) < 8 {
		return "", false
	}
	return string(kv.Raw[8:]), true
}

// Int returns an integer value of any width.
func (m Metadata) Int(key string) (v int64, ok bool) {
	kv, ok := m.Get(key)
	if !ok {
		return 0, false
	}
	return kv.int()
}

func (kv KeyValue) int() (int64, bool) {
	b := kv.Raw
	switch kv.Kind {
	case Uint8:
		return int64(b[0]), true
	case Int8:
		return int64(int8(b[0])), true
	case Uint16:
		return int64(binary.LittleEndian.Uint16(b)), true
	case Int16:
		return int64(int16(binary.LittleEndian.Uint16(b))), true
	case Uint32:
		return int64(binary.LittleEndian.Uint32(b)), true
	case Int32:
		return int64(int32(binary.LittleEndian.Uint32(b))), true
	case Uint64:
		u := binary.LittleEndian.Uint64(b)
		return int64(u), u <= math.MaxInt64
	case Int64:
		return int64(binary.LittleEndian.Uint64(b)), true
	}
	return 0, false
}

// Float returns a floating-point value.
func (m Metadata) Float(key string) (v float64, ok bool) {
	kv, ok := m.Get(key)
	switch {
	case !ok:
		return 0, false
	case kv.Kind == Float32:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(kv.Raw))), true
	case kv.Kind == Float64:
		return math.Float64frombits(binary.LittleEndian.Uint64(kv.Raw)), true
	}
	return 0, false
}

// Bool returns a truth value.
func (m Metadata) Bool(key string) (v, ok bool) {
	kv, ok := m.Get(key)
	if !ok || kv.Kind != Bool {
		return false, false
	}
	return kv.Raw[0] != 0, true
}

// Len returns the number of elements of an array, and of what kind they are.
func (m Metadata) Len(key string) (elem Kind, n int, ok bool) {
	kv, ok := m.Get(key)
	if !ok || kv.Kind != Array {
		return 0, 0, false
	}
	return Kind(binary.LittleEndian.Uint32(kv.Raw)), int(binary.LittleEndian.Uint64(kv.Raw[4:])), true
}

// Texts returns the elements of an array of strings.
func (m Metadata) Texts(key string) (list []string, ok bool) {
	elem, n, ok := m.Len(key)
	if !ok || elem != String {
		return nil, false
	}
	kv, _ := m.Get(key)
	b := kv.Raw[12:]
	for range n {
		size := binary.LittleEndian.Uint64(b)
		list = append(list, string(b[8:8+size]))
		b = b[8+size:]
	}
	return list, true
}

// Ints returns the elements of an array of integers.
func (m Metadata) Ints(key string) (list []int64, ok bool) {
	elem, n, ok := m.Len(key)
	if !ok || elem.size() == 0 || elem == Float32 || elem == Float64 {
		return nil, false
	}
	kv, _ := m.Get(key)
	for i := range n {
		size := elem.size()
		b := kv.Raw[12+i*size : 12+(i+1)*size]
		v, ok := KeyValue{Kind: elem, Raw: b}.int()
		if elem == Bool {
			v, ok = int64(b[0]), true
		}
		if !ok {
			return nil, false
		}
		list = append(list, v)
	}
	return list, true
}

// The functions below make entries.

func TextEntry(key, value string) KeyValue {
	return KeyValue{key, String, append(binary.LittleEndian.AppendUint64(nil, uint64(len(value))), value...)}
}

func Uint32Entry(key string, v uint32) KeyValue {
	return KeyValue{key, Uint32, binary.LittleEndian.AppendUint32(nil, v)}
}

func Uint16Entry(key string, v uint16) KeyValue {
	return KeyValue{key, Uint16, binary.LittleEndian.AppendUint16(nil, v)}
}

func Int32Entry(key string, v int32) KeyValue {
	return KeyValue{key, Int32, binary.LittleEndian.AppendUint32(nil, uint32(v))}
}

func Float32Entry(key string, v float32) KeyValue {
	return KeyValue{key, Float32, binary.LittleEndian.AppendUint32(nil, math.Float32bits(v))}
}

func BoolEntry(key string, v bool) KeyValue {
	b := byte(0)
	if v {
		b = 1
	}
	return KeyValue{key, Bool, []byte{b}}
}

func TextsEntry(key string, list []string) KeyValue {
	raw := array(String, len(list))
	for _, s := range list {
		raw = append(binary.LittleEndian.AppendUint64(raw, uint64(len(s))), s...)
	}
	return KeyValue{key, Array, raw}
}

func Int32sEntry(key string, list []int32) KeyValue {
	raw := array(Int32, len(list))
	for _, v := range list {
		raw = binary.LittleEndian.AppendUint32(raw, uint32(v))
	}
	return KeyValue{key, Array, raw}
}

func Float32sEntry(key string, list []float32) KeyValue {
	raw := array(Float32, len(list))
	for _, v := range list {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return KeyValue{key, Array, raw}
}

func array(elem Kind, n int) []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint32(nil, uint32(elem)), uint64(n))
}
