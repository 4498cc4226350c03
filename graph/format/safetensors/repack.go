package safetensors

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"

	"github.com/pare-ml/pare/graph/ir"
)

// Tensors are computed from others when their bytes are asked for, by ranges where the source has ranges.

// mapped returns a tensor whose bytes are those of src, each changed by flip, under another name, type and shape.
func mapped(src *ir.Tensor, name string, dtype ir.DType, shape []int, flip byte) *ir.Tensor {
	if !src.HasData() {
		return &ir.Tensor{Name: name, DType: dtype, Shape: shape}
	}
	change := func(b []byte) {
		if flip == 0 {
			return
		}
		every := bytes.Repeat([]byte{flip}, min(len(b), 4096))
		for len(b) > 0 {
			b = b[subtle.XORBytes(b, b, every):]
		}
	}
	if src.Align() == 0 {
		return ir.ReadTensor(name, dtype, shape, func() ([]byte, error) {
			b, err := src.Bytes()
			if err != nil || flip == 0 {
				return b, err
			}
			b = append([]byte(nil), b...)
			change(b)
			return b, nil
		})
	}
	return ir.RangeTensor(name, dtype, shape, src.Align(), func(dst []byte, off int64) error {
		err := src.ReadRange(dst, off)
		change(dst)
		return err
	})
}

// pitch says how rows of codes lie: so many codes of so many bits, each row in so many bits, the rest of which is zero.
type pitch struct{ codes, bits, row int }

// repacked returns a tensor of count rows of codes laid out as to says, from src, which is laid out as from says; each code
// is changed by flip.
func repacked(src *ir.Tensor, name string, dtype ir.DType, shape []int, count int, from, to pitch, flip byte) *ir.Tensor {
	if from.row == to.row {
		var every byte
		for at := 0; at < 8; at += from.bits {
			every |= flip << at
		}
		return mapped(src, name, dtype, shape, every)
	}
	if !src.HasData() {
		return &ir.Tensor{Name: name, DType: dtype, Shape: shape}
	}
	// step is the smallest number of rows that end on whole bytes on both sides, and where src can be cut.
	step := 1
	for step*from.row%8 != 0 || step*to.row%8 != 0 {
		step *= 2
	}
	if a := src.Align(); a > 1 {
		step *= a / gcd(a, step*from.row/8)
	}
	if src.Align() == 0 || step > count {
		step = count
	}
	out := func(dst []byte, first, n int) error {
		b := make([]byte, (n*from.row+7)/8)
		if err := src.ReadRange(b, int64(first)*int64(from.row)/8); err != nil {
			return err
		}
		clear(dst)
		move(dst, b, n, from, to, flip)
		return nil
	}
	if step == count {
		return ir.ReadTensor(name, dtype, shape, func() ([]byte, error) {
			size, err := ir.ByteSize(dtype, shape)
			if err != nil {
				return nil, err
			}
			dst := make([]byte, size)
			return dst, out(dst, 0, count)
		})
	}
	return ir.RangeTensor(name, dtype, shape, step*to.row/8, func(dst []byte, off int64) error {
		first := int(off * 8 / int64(to.row))
		return out(dst, first, min(count-first, (len(dst)*8+to.row-1)/to.row))
	})
}

// move copies rows of codes.
func move(dst, src []byte, rows int, from, to pitch, flip byte) {
	mask := byte(1<<from.bits - 1)
	for r := range rows {
		at, put := r*from.row, r*to.row
		for range from.codes {
			v := src[at/8]>>(at%8)&mask ^ flip
			dst[put/8] |= v << (put % 8)
			at += from.bits
			put += from.bits
		}
	}
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// packRows turns zero points [rows, columns], codes of bits without gaps, into words that hold rows, one below the other:
// I32 [ceil(rows·bits/32), columns].
func packRows(zero *ir.Tensor, name string, rows, columns, bits int, flip byte) *ir.Tensor {
	words := (rows*bits + 31) / 32
	shape := []int{words, columns}
	if !zero.HasData() {
		return &ir.Tensor{Name: name, DType: ir.Int32, Shape: shape}
	}
	return ir.ReadTensor(name, ir.Int32, shape, func() ([]byte, error) {
		b, err := zero.Bytes()
		if err != nil {
			return nil, err
		}
		out := make([]byte, 4*words*columns)
		for r := range rows {
			for c := range columns {
				at := (r*columns + c) * bits
				v := uint32(b[at/8]>>(at%8)&byte(1<<bits-1) ^ flip)
				word := out[4*(r*bits/32*columns+c):]
				binary.LittleEndian.PutUint32(word, binary.LittleEndian.Uint32(word)|v<<(r*bits%32))
			}
		}
		return out, nil
	})
}

// unpackRows is the inverse of packRows.
func unpackRows(packed *ir.Tensor, name string, dtype ir.DType, shape []int, rows, columns, bits int) *ir.Tensor {
	return ir.ReadTensor(name, dtype, shape, func() ([]byte, error) {
		b, err := packed.Bytes()
		if err != nil {
			return nil, err
		}
		out := make([]byte, (rows*columns*bits+7)/8)
		for r := range rows {
			for c := range columns {
				v := binary.LittleEndian.Uint32(b[4*(r*bits/32*columns+c):]) >> (r * bits % 32) & (1<<bits - 1)
				at := (r*columns + c) * bits
				out[at/8] |= byte(v) << (at % 8)
			}
		}
		return out, nil
	})
}

// thinned keeps every n-th row of a matrix of rows, the first of each n.
func thinned(src *ir.Tensor, name string, rows, width, n int) *ir.Tensor {
	kept := (rows + n - 1) / n
	shape := []int{kept, width}
	if !src.HasData() {
		return &ir.Tensor{Name: name, DType: src.DType, Shape: shape}
	}
	return ir.ReadTensor(name, src.DType, shape, func() ([]byte, error) {
		b, err := src.Bytes()
		if err != nil {
			return nil, err
		}
		pitch := len(b) / rows
		out := make([]byte, 0, kept*pitch)
		for r := 0; r < rows; r += n {
			out = append(out, b[r*pitch:(r+1)*pitch]...)
		}
		return out, nil
	})
}

// repeated is the inverse of thinned.
func repeated(src *ir.Tensor, name string, rows, width, n int) *ir.Tensor {
	return ir.ReadTensor(name, src.DType, []int{rows, width}, func() ([]byte, error) {
		b, err := src.Bytes()
		if err != nil {
			return nil, err
		}
		pitch := len(b) / src.Shape[0]
		out := make([]byte, 0, rows*pitch)
		for r := range rows {
			out = append(out, b[r/n*pitch:(r/n+1)*pitch]...)
		}
		return out, nil
	})
}
