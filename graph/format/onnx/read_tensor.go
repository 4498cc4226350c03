package onnx

import (
	"encoding/binary"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pare-ml/pare/graph/ir"
)

// smallData is the size in bytes up to which a tensor's elements are taken at once instead of when they are needed.
const smallData = 4096

// contents says where in a TensorProto its elements stand.
type contents struct {
	raw    *field                     // raw_data
	counts map[protowire.Number]int64 // numbers in each typed field
	extern map[string]string          // external_data
	remote bool                       // data_location is EXTERNAL
	order  []string                   // keys of external_data in file order
}

// typedField is the typed field that holds the elements of each type when raw_data does not: TensorProto in onnx.proto.
func typedField(d ir.DType) (no protowire.Number, name string) {
	switch d {
	case ir.Float32, ir.Complex64:
		return 4, "float_data"
	case ir.String:
		return 6, "string_data"
	case ir.Int64:
		return 7, "int64_data"
	case ir.Float64, ir.Complex128:
		return 10, "double_data"
	case ir.Uint32, ir.Uint64:
		return 11, "uint64_data"
	}
	return 5, "int32_data"
}

// typedCount is how many numbers of the typed field n elements take: complex ones two each, those of less than a byte
// one for each byte, but those of 6 bits one each.
func typedCount(d ir.DType, n int) int64 {
	switch {
	case d == ir.Complex64 || d == ir.Complex128:
		return 2 * int64(n)
	case d.Bits() > 0 && d.Bits() < 8:
		per := int64(8 / d.Bits())
		return (int64(n) + per - 1) / per
	}
	return int64(n)
}

// tensor reads a TensorProto. Elements of more than smallData bytes stay in the file until they are needed. The tensor is
// never nil.
func (r *reader) tensor(msg message) (*ir.Tensor, error) {
	t := &ir.Tensor{}
	var dims []int64
	dtype := int64(0)
	c := contents{counts: map[protowire.Number]int64{}}
	var extra ir.Extra
	err := msg.each(func(f field) (err error) {
		switch f.no {
		case 1:
			if int64(len(f.val.b)) > 10*maxRank {
				return damaged(f.off, "the tensor has more than %d dimensions", maxRank)
			}
			if dims, err = f.ints(dims, "dims"); err == nil && len(dims) > maxRank {
				err = damaged(f.off, "the tensor has more than %d dimensions", maxRank)
			}
			return err
		case 2:
			return f.int(&dtype, "data_type")
		case 3:
			return damaged(f.off, "the tensor is a segment of one, which no runtime reads")
		case 8:
			return f.text(&t.Name, "name")
		case 12:
			return f.text(&t.Doc, "doc_string")
		case 4, 5, 6, 7, 9, 10, 11, 13, 14:
			return c.add(r, f)
		}
		extra = r.extra(extra, f)
		return nil
	})
	if err != nil {
		return t, err
	}
	if dtype < 1 || dtype > 255 || !ir.DType(dtype).Valid() {
		return t, damaged(msg.off, "element type %d is unknown", dtype)
	}
	shape := make([]int, len(dims))
	for i, d := range dims {
		if d < 0 || d > math.MaxInt {
			return t, damaged(msg.off, "dimension %d is %d", i, d)
		}
		shape[i] = int(d)
	}
	name, doc := t.Name, t.Doc
	t, err = r.withData(msg, name, ir.DType(dtype), shape, &c)
	if err != nil {
		return &ir.Tensor{Name: name}, err
	}
	t.Doc, t.Extra = doc, extra
	if !c.remote {
		t.Origin = r.origin(msg)
	}
	return t, nil
}

// add notes a field that holds elements, or says where they are.
func (c *contents) add(r *reader, f field) error {
	switch f.no {
	case 9:
		if err := f.need(protowire.BytesType, "raw_data"); err != nil {
			return err
		}
		if c.raw != nil {
			return damaged(f.off, "raw_data stands twice")
		}
		c.raw = &f
	case 14:
		var where int64
		if err := f.int(&where, "data_location"); err != nil {
			return err
		}
		if where != 0 && where != 1 {
			return damaged(f.off, "data_location is %d; it must be 0 or 1", where)
		}
		c.remote = where == 1
	case 13:
		if err := f.need(protowire.BytesType, "external_data"); err != nil {
			return err
		}
		kv, err := r.keyValue(f.val)
		if err != nil {
			return in(err, "external_data")
		}
		if c.extern == nil {
			c.extern = map[string]string{}
		}
		if _, twice := c.extern[kv.Key]; twice {
			return damaged(f.off, "key %q of external_data stands twice", kv.Key)
		}
		c.extern[kv.Key] = kv.Value
		c.order = append(c.order, kv.Key)
		if len(c.order) > 16 {
			return damaged(f.off, "external_data has more than 16 keys")
		}
	default:
		n, err := f.numbers()
		c.counts[f.no] += n
		return err
	}
	return nil
}

// numbers counts the numbers (or strings) in one occurrence of a typed field.
func (f field) numbers() (int64, error) {
	width := int64(0)
	single := protowire.VarintType
	switch f.no {
	case 6:
		return 1, f.need(protowire.BytesType, "string_data")
	case 4:
		width, single = 4, protowire.Fixed32Type
	case 10:
		width, single = 8, protowire.Fixed64Type
	}
	size := int64(len(f.val.b))
	switch {
	case f.typ == single:
		return 1, nil
	case f.typ != protowire.BytesType:
		return 0, damaged(f.off, "field %d of the tensor has wire type %d", f.no, f.typ)
	case width > 0 && size%width != 0:
		return 0, damaged(f.off, "field %d of the tensor has %d bytes, which is no multiple of %d", f.no, size, width)
	case width > 0:
		return size / width, nil
	}
	n, ok := countVarints(f.val.b)
	if !ok {
		return 0, damaged(f.off, "a number in field %d of the tensor is cut off or too long", f.no)
	}
	return int64(n), nil
}

// withData makes the tensor and checks that it has as many elements as its shape asks for.
func (r *reader) withData(msg message, name string, dtype ir.DType, shape []int, c *contents) (*ir.Tensor, error) {
	n, err := ir.Elements(shape)
	if err != nil {
		return nil, damaged(msg.off, "%v", err)
	}
	size := int64(0)
	if dtype != ir.String {
		if size, err = ir.ByteSize(dtype, shape); err != nil {
			return nil, damaged(msg.off, "%v", err)
		}
	}
	field, fieldName := typedField(dtype)
	typed := int64(0)
	for _, no := range []protowire.Number{4, 5, 6, 7, 10, 11} {
		count := c.counts[no]
		if typed += count; no != field && count > 0 {
			return nil, damaged(msg.off, "the tensor holds %s, but its elements stand in field %d instead of %s (field %d)", dtype, no, fieldName, field)
		}
	}
	switch {
	case c.remote:
		if c.raw != nil || typed > 0 {
			return nil, damaged(msg.off, "the tensor has elements both here and in another file")
		}
		return r.externalTensor(msg, name, dtype, shape, size, c)
	case c.raw != nil && typed > 0:
		return nil, damaged(msg.off, "the tensor has its elements twice: in raw_data and in %s", fieldName)
	case c.raw != nil:
		if dtype == ir.String {
			return nil, damaged(msg.off, "strings cannot stand in raw_data")
		}
		if int64(len(c.raw.val.b)) != size {
			return nil, damaged(c.raw.off, "raw_data has %d bytes; %s of shape %v needs %d", len(c.raw.val.b), dtype, shape, size)
		}
		return r.rawTensor(name, dtype, shape, c.raw.val), nil
	case typed != typedCount(dtype, n):
		return nil, damaged(msg.off, "%s has %d numbers; %s of shape %v needs %d", fieldName, typed, dtype, shape, typedCount(dtype, n))
	}
	return r.typedTensor(msg, name, dtype, shape)
}

// rawTensor is a tensor whose elements stand in the file as they are in memory.
func (r *reader) rawTensor(name string, dtype ir.DType, shape []int, raw message) *ir.Tensor {
	size := int64(len(raw.b))
	if size <= smallData {
		return ir.NewTensor(name, dtype, shape, append([]byte(nil), raw.b...))
	}
	src, off := r.src, raw.off
	return ir.RangeTensor(name, dtype, shape, 1, func(dst []byte, from int64) error {
		_, err := src.ReadAt(dst, off+from)
		return err
	})
}

// typedTensor is a tensor whose elements stand in a typed field and have to be decoded.
func (r *reader) typedTensor(msg message, name string, dtype ir.DType, shape []int) (*ir.Tensor, error) {
	if len(msg.b) <= smallData {
		data, err := decodeTyped(msg, dtype)
		if err != nil {
			return nil, err
		}
		return ir.NewTensor(name, dtype, shape, data), nil
	}
	src, off, size := r.src, msg.off, int64(len(msg.b))
	return ir.ReadTensor(name, dtype, shape, func() (data []byte, err error) {
		err = src.view(off, size, func(b []byte) error {
			data, err = decodeTyped(message{b, off}, dtype)
			return err
		})
		return data, err
	}), nil
}

// decodeTyped turns the typed field of a TensorProto into elements as ir.Tensor holds them.
func decodeTyped(msg message, dtype ir.DType) ([]byte, error) {
	no, _ := typedField(dtype)
	var data []byte
	err := msg.each(func(f field) error {
		if f.no != no {
			return nil
		}
		if no == 6 {
			data = append(binary.AppendUvarint(data, uint64(len(f.val.b))), f.val.b...)
			return nil
		}
		if f.typ != protowire.BytesType {
			data = appendElement(data, dtype, f.num)
			return nil
		}
		if no == 4 || no == 10 {
			data = append(data, f.val.b...)
			return nil
		}
		for b := f.val.b; len(b) > 0; {
			v, n := protowire.ConsumeVarint(b)
			if n < 0 {
				return damaged(f.off, "a number in field %d of the tensor is cut off or too long", no)
			}
			data = appendElement(data, dtype, v)
			b = b[n:]
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("offset %d: %w", msg.off, err)
	}
	if dtype.Bits() == 6 {
		return pack6(data), nil
	}
	return data, nil
}

// pack6 puts elements of 6 bits, one in the low bits of each byte, one behind the other, from the lowest bit up.
func pack6(list []byte) []byte {
	packed := make([]byte, (6*len(list)+7)/8)
	for i, v := range list {
		at := 6 * i
		wide := uint16(v&63) << (at % 8)
		packed[at/8] |= byte(wide)
		if wide>>8 != 0 {
			packed[at/8+1] |= byte(wide >> 8)
		}
	}
	return packed
}

// appendElement appends the low bytes of a number: as many as an element has, or one byte of smaller elements.
func appendElement(data []byte, dtype ir.DType, v uint64) []byte {
	bits := dtype.Bits()
	switch dtype {
	case ir.Complex64:
		bits = 32
	case ir.Complex128:
		bits = 64
	}
	switch {
	case bits <= 8:
		return append(data, byte(v))
	case bits == 16:
		return binary.LittleEndian.AppendUint16(data, uint16(v))
	case bits == 32:
		return binary.LittleEndian.AppendUint32(data, uint32(v))
	}
	return binary.LittleEndian.AppendUint64(data, v)
}
