package safetensors

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/strictjson"
)

// unpacker turns the tensors of compressed modules into codes, scales and zero points.
type unpacker struct {
	d       *folder
	byName  map[string]*ir.Tensor
	exact   map[string]*scheme // by module
	classes map[string]*scheme
	regexes []target
	value   ir.DType // of numbers whose scales do not tell it
	strange []string // groups that are not understood
	raw     map[string]int
	gone    map[string]bool // tensors that became part of something else
}

// unpack replaces the tensors of compressed modules by a header named as the weight, and keeps the modules for dequantize.
func (d *folder) unpack(config *strictjson.Value, tensors []*ir.Tensor) ([]*ir.Tensor, error) {
	q := config.Get(quantizationKey)
	if !q.Is(strictjson.Object) {
		return tensors, nil
	}
	if name := q.Get("quant_method"); !name.Is(strictjson.Text) || name.Text != method {
		d.notes = append(d.notes, fmt.Sprintf("quantization_config says a method other than %s: what it packed is carried as it is", method))
		d.opaque = true
		return tensors, nil
	}
	u := &unpacker{d: d, byName: make(map[string]*ir.Tensor, len(tensors)), exact: map[string]*scheme{}, classes: map[string]*scheme{}, raw: map[string]int{}, gone: map[string]bool{}, value: commonType(tensors)}
	for _, t := range tensors {
		u.byName[t.Name] = t
	}
	u.readGroups(q)
	var out []*ir.Tensor
	for _, t := range tensors {
		name, ok := strings.CutSuffix(t.Name, ".weight_scale")
		if !ok {
			continue
		}
		m, err := u.module(name)
		var left *leftAlone
		var bad *fault
		switch {
		case errors.As(err, &left):
			u.raw[left.reason]++
		case errors.As(err, &bad):
			return nil, &format.Damaged{Path: filepath.Join(d.path, configName), Where: "module " + quote(name), Reason: bad.reason}
		case err != nil:
			return nil, err
		default:
			d.packed = append(d.packed, m)
		}
	}
	reasons := make([]string, 0, len(u.raw))
	for r, n := range u.raw {
		reasons = append(reasons, fmt.Sprintf("%d modules are carried as they are: %s", n, r))
	}
	slices.Sort(reasons)
	d.notes = append(append(d.notes, reasons...), u.strange...)
	d.opaque = len(u.raw) > 0 || len(u.strange) > 0
	headers := map[string]*ir.Tensor{}
	for _, m := range d.packed {
		headers[m.name+".weight_scale"] = &ir.Tensor{Name: m.name + ".weight", DType: m.valueType(), Shape: m.codes.Shape}
	}
	for _, t := range tensors {
		if h := headers[t.Name]; h != nil {
			out = append(out, h)
		} else if !u.gone[t.Name] {
			out = append(out, t)
		}
	}
	return out, nil
}

// leftAlone says why a module stays as it is stored.
type leftAlone struct{ reason string }

func (l *leftAlone) Error() string { return l.reason }

// valueType is the type of the numbers that codes stand for: that of the scales, or where these are codes themselves, the
// one that the model's other tensors have.
func (m *module) valueType() ir.DType {
	switch d := m.scale.DType; {
	case m.global != nil:
		return ir.Float32
	case d == ir.Float32 || d == ir.Float16 || d == ir.BFloat16 || d == ir.Float64:
		return d
	case m.value != ir.Undefined:
		return m.value
	}
	return ir.Float32
}

// commonType is the float type that most bytes of tensors have.
func commonType(tensors []*ir.Tensor) ir.DType {
	sizes := map[ir.DType]int64{}
	for _, t := range tensors {
		sizes[t.DType] += t.Size()
	}
	best := ir.Float32
	for _, d := range []ir.DType{ir.BFloat16, ir.Float16} {
		if sizes[d] > sizes[best] {
			best = d
		}
	}
	return best
}

// module reads the tensors of a compressed module. The error is a *leftAlone if it is none that pare can read, a *fault if
// it contradicts itself.
func (u *unpacker) module(name string) (*module, error) {
	s := u.schemeOf(name)
	if s == nil {
		return nil, &leftAlone{"no group of quantization_config that pare understands names them"}
	}
	m := &module{name: name, scheme: *s, value: u.value}
	get := func(part string) *ir.Tensor { return u.byName[name+"."+part] }
	if get("weight_g_idx") != nil {
		return nil, &leftAlone{"their columns are ordered by activations (weight_g_idx)"}
	}
	var err error
	w := &m.weights
	switch {
	case m.format == packQuantized && !w.float && (w.bits == 2 || w.bits == 4 || w.bits == 8):
		err = u.packedInts(m, get)
	case m.format == intQuantized || (m.format == floatQuantized || m.format == naiveQuantized) && w.bits == 8, m.format == mxfp8Quantized:
		err = u.plainCodes(m, get)
	case (m.format == nvfp4Packed || m.format == mxfp4Packed) && w.float && w.bits == 4:
		err = u.packedFloats(m, get)
	default:
		err = &leftAlone{fmt.Sprintf("%s with %d bits is no layout that pare reads", quote(m.format), w.bits)}
	}
	if err != nil {
		return nil, err
	}
	if err := u.input(m, get); err != nil {
		return nil, err
	}
	parts := []string{"weight_scale", "weight"}
	if m.format == packQuantized || m.format == nvfp4Packed || m.format == mxfp4Packed {
		if get("weight") != nil {
			return nil, contradiction("weight stands beside weight_packed")
		}
		parts[1] = "weight_packed"
	}
	if m.format == packQuantized {
		parts = append(parts, "weight_shape")
	}
	for _, part := range parts {
		u.gone[name+"."+part] = true
	}
	for part, t := range map[string]*ir.Tensor{"weight_zero_point": m.zero, "weight_global_scale": m.global, "input_scale": m.inScale, "input_zero_point": m.inZero} {
		if t != nil {
			u.gone[name+"."+part] = true
		}
	}
	return m, nil
}

func contradiction(reason string, args ...any) error {
	return &fault{reason: fmt.Sprintf(reason, args...)}
}

// need demands a tensor of a type and shape.
func need(t *ir.Tensor, what string, dtype ir.DType, shape ...int) error {
	if t == nil {
		return contradiction("there is no %s", what)
	}
	if t.DType != dtype || !slices.Equal(t.Shape, shape) {
		return contradiction("%s is %s of shape %v; it must be %s of shape %v", what, t.DType, t.Shape, dtype, shape)
	}
	return nil
}

// scales reads weight_scale for codes of rows and columns, as the graph has them.
func (m *module) scales(t *ir.Tensor, rows, columns int) error {
	w := &m.weights
	name := m.name + ".weight_scale"
	shape := []int{rows, 1}
	switch w.strategy {
	case "tensor":
		if t.Len() != 1 {
			return contradiction("weight_scale has shape %v; strategy tensor has one scale", t.Shape)
		}
		m.scale = mapped(t, name, t.DType, nil, 0)
		return nil
	case "channel":
		if !slices.Equal(t.Shape, shape) && !slices.Equal(t.Shape, shape[:1]) {
			return contradiction("weight_scale has shape %v; strategy channel has %v", t.Shape, shape)
		}
		m.scale = mapped(t, name, t.DType, []int{rows}, 0)
		return nil
	case "block":
		r, c := w.block[0], w.block[1]
		if r == 0 {
			return contradiction("strategy block has no block_structure")
		}
		shape = []int{(rows + r - 1) / r, (columns + c - 1) / c}
		if !slices.Equal(t.Shape, shape) {
			return contradiction("weight_scale has shape %v; blocks of %v need %v", t.Shape, w.block, shape)
		}
		m.square = r
		m.scale = repeated(t, name, rows, shape[1], r)
		return nil
	case "group", "tensor_group":
		if w.group == 0 || columns%w.group != 0 {
			return contradiction("groups of %d do not divide %d columns", w.group, columns)
		}
		shape[1] = columns / w.group
		if !slices.Equal(t.Shape, shape) {
			return contradiction("weight_scale has shape %v; groups of %d need %v", t.Shape, w.group, shape)
		}
		dtype := t.DType
		if dtype == ir.Uint8 && (m.format == mxfp4Packed || m.format == mxfp8Quantized) {
			dtype = ir.Float8E8M0
		}
		m.scale = mapped(t, name, dtype, shape, 0)
		return nil
	}
	return &leftAlone{fmt.Sprintf("pare does not read the strategy %s of weights", quote(w.strategy))}
}

// packedInts reads codes packed into words.
func (u *unpacker) packedInts(m *module, get func(string) *ir.Tensor) error {
	packed, scale, shape := get("weight_packed"), get("weight_scale"), get("weight_shape")
	if packed == nil || shape == nil {
		return contradiction("weight_packed or weight_shape is missing beside weight_scale")
	}
	if err := need(shape, "weight_shape", ir.Int64, 2); err != nil {
		return err
	}
	size, err := shape.Int64s()
	if err != nil {
		return err
	}
	bits := m.weights.bits
	if len(packed.Shape) != 2 || packed.DType != ir.Int32 || size[0] != int64(packed.Shape[0]) || size[1] < 0 || size[1] > int64(packed.Shape[1])*32 ||
		(size[1]*int64(bits)+31)/32 != int64(packed.Shape[1]) {
		return contradiction("weight_packed is %s of shape %v; weight_shape says %v codes of %d bits", packed.DType, packed.Shape, size, bits)
	}
	rows, columns := int(size[0]), int(size[1])
	types := map[int][2]ir.DType{2: {ir.Int2, ir.Uint2}, 4: {ir.Int4, ir.Uint4}, 8: {ir.Int8, ir.Uint8}}[bits]
	dtype, flip := types[0], byte(1)<<(bits-1)
	if !m.weights.symmetric {
		dtype, flip = types[1], 0
	}
	m.codes = repacked(packed, m.name+".weight_quantized", dtype, []int{rows, columns}, rows,
		pitch{columns, bits, packed.Shape[1] * 32}, pitch{columns, bits, columns * bits}, flip)
	if err := m.scales(scale, rows, columns); err != nil || m.weights.symmetric {
		return err
	}
	groups := m.scale.Len() / max(rows, 1)
	if m.weights.strategy == "tensor" {
		return &leftAlone{"one zero point for a whole tensor is not packed"}
	}
	zero := get("weight_zero_point")
	if err := need(zero, "weight_zero_point", ir.Int32, (rows*bits+31)/32, groups); err != nil {
		return err
	}
	m.zero = unpackRows(zero, m.name+".weight_zero_point", dtype, m.scale.Shape, rows, groups, bits)
	return nil
}

// plainCodes reads codes of whole bytes.
func (u *unpacker) plainCodes(m *module, get func(string) *ir.Tensor) error {
	codes, scale := get("weight"), get("weight_scale")
	want := ir.Int8
	if m.weights.float {
		want = ir.Float8E4M3FN
	}
	if codes == nil || len(codes.Shape) != 2 {
		return contradiction("weight is missing beside weight_scale, or no matrix")
	}
	if codes.DType != want {
		return &leftAlone{fmt.Sprintf("their weights are stored as %s", codes.DType)}
	}
	rows, columns := codes.Shape[0], codes.Shape[1]
	m.codes = mapped(codes, m.name+".weight_quantized", want, codes.Shape, 0)
	if err := m.scales(scale, rows, columns); err != nil {
		return err
	}
	zero := get("weight_zero_point")
	if m.weights.float || m.weights.symmetric && zero == nil {
		return nil
	}
	if zero == nil || zero.DType != ir.Int8 || !slices.Equal(zero.Shape, scale.Shape) {
		return contradiction("weight_zero_point is missing, or not int8 of shape %v", scale.Shape)
	}
	m.zero = mapped(zero, m.name+".weight_zero_point", ir.Int8, m.scale.Shape, 0)
	return nil
}

// packedFloats reads 4-bit floats.
func (u *unpacker) packedFloats(m *module, get func(string) *ir.Tensor) error {
	packed, scale := get("weight_packed"), get("weight_scale")
	if packed == nil || len(packed.Shape) != 2 || packed.DType != ir.Uint8 {
		return contradiction("weight_packed is missing beside weight_scale, or no matrix of uint8")
	}
	rows, columns := packed.Shape[0], 2*packed.Shape[1]
	m.codes = mapped(packed, m.name+".weight_quantized", ir.Float4E2M1, []int{rows, columns}, 0)
	if err := m.scales(scale, rows, columns); err != nil || m.format == mxfp4Packed {
		return err
	}
	global := get("weight_global_scale")
	if global == nil || global.DType != ir.Float32 || global.Len() != 1 {
		return contradiction("weight_global_scale is missing, or not one float32")
	}
	m.global = reciprocal(global, m.name+".weight_global_scale", nil)
	if u.d.originals == nil {
		u.d.originals = map[*ir.Tensor]*ir.Tensor{}
	}
	u.d.originals[m.global] = global
	return nil
}

// input reads what is known of a module's input.
func (u *unpacker) input(m *module, get func(string) *ir.Tensor) error {
	in := m.scheme.input
	if in == nil || in.dynamic != "" {
		return nil
	}
	scale, zero := get("input_scale"), get("input_zero_point")
	if in.strategy != "tensor" || in.bits != 8 {
		return &leftAlone{fmt.Sprintf("pare does not read the strategy %s of static activations", quote(in.strategy))}
	}
	if scale == nil || scale.Len() != 1 {
		return contradiction("input_scale is missing or has several elements")
	}
	m.inScale = mapped(scale, m.name+".input_scale", scale.DType, nil, 0)
	if in.symmetric || in.float {
		return nil
	}
	if zero == nil || zero.Len() != 1 || zero.DType != ir.Int8 {
		return contradiction("input_zero_point is missing or not one int8")
	}
	m.inZero = mapped(zero, m.name+".input_zero_point", ir.Int8, nil, 0)
	return nil
}
