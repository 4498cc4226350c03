package manifest

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/pare-ml/pare/graph/ir"
)

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Header returns the digest of a model's header. Two models with one digest have equal plans.
func Header(m *ir.Model) (string, error) {
	_, sum, err := headerOf(m)
	return sum, err
}

// Weights returns the digest of a model's tensors: SHA-256 over each in order of name: the length of the name and the
// name, the number of the type, the number of dimensions, the dimensions, the number of bytes (all as uvarints but for
// the name), the bytes. One tensor at a time is in memory.
func Weights(m *ir.Model) (string, error) {
	var list []named
	if m.Graph != nil {
		list = collect(m.Graph, "", nil)
	}
	slices.SortStableFunc(list, func(a, b named) int { return cmp.Compare(a.name, b.name) })
	h := sha256.New()
	var head []byte
	for _, t := range list {
		b, err := t.tensor.Bytes()
		if err != nil {
			return "", err
		}
		head = binary.AppendUvarint(head[:0], uint64(len(t.name)))
		head = append(head, t.name...)
		head = binary.AppendUvarint(head, uint64(t.tensor.DType))
		head = binary.AppendUvarint(head, uint64(len(t.tensor.Shape)))
		for _, d := range t.tensor.Shape {
			head = binary.AppendUvarint(head, uint64(d))
		}
		head = binary.AppendUvarint(head, uint64(len(b)))
		h.Write(head)
		h.Write(b)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

// named is a tensor with a name that says where it stands.
type named struct {
	name   string
	tensor *ir.Tensor
}

// collect lists the tensors of a graph and of its nodes' attributes. Formats bound how deep graphs nest.
func collect(g *ir.Graph, prefix string, list []named) []named {
	for _, t := range g.Tensors() {
		list = append(list, named{prefix + t.Name, t})
	}
	for i, n := range g.Nodes {
		for j := range n.Attrs {
			a := &n.Attrs[j]
			if a.Tensor == nil && a.Graph == nil {
				continue
			}
			place := prefix + n.Output(0) + "#" + a.Name
			if n.Output(0) == "" {
				place = prefix + strconv.Itoa(i) + "#" + a.Name
			}
			if a.Tensor != nil {
				list = append(list, named{place, a.Tensor})
			}
			if a.Graph != nil {
				list = collect(a.Graph, place+"/", list)
			}
		}
	}
	return list
}

// numbers writes the elements of an integer tensor.
func numbers(t *ir.Tensor) ([]string, error) {
	if t.DType == ir.Uint64 {
		b, err := t.Bytes()
		if err != nil {
			return nil, err
		}
		out := make([]string, 0, len(b)/8)
		for ; len(b) >= 8; b = b[8:] {
			out = append(out, strconv.FormatUint(binary.LittleEndian.Uint64(b), 10))
		}
		return out, nil
	}
	list, err := t.Int64s()
	if err != nil {
		return nil, err
	}
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = strconv.FormatInt(v, 10)
	}
	return out, nil
}

// appendNumber appends an element of an integer type from its text.
func appendNumber(b []byte, dtype ir.DType, text string) ([]byte, error) {
	bits := dtype.Bits()
	low, high := int64(math.MinInt64)>>(64-bits), uint64(math.MaxUint64)>>(64-bits)
	switch dtype {
	case ir.Bool:
		low, high = 0, 255 // as it stands in the file
	case ir.Uint8, ir.Uint16, ir.Uint32, ir.Uint64:
		low = 0
	default:
		high >>= 1
	}
	var v uint64
	if u, err := strconv.ParseUint(text, 10, 64); err == nil && u <= high {
		v = u
	} else if i, err := strconv.ParseInt(text, 10, 64); err == nil && i < 0 && i >= low {
		v = uint64(i)
	} else {
		return nil, fmt.Errorf("%s is no %s", text, dtype)
	}
	switch bits {
	case 8:
		return append(b, byte(v)), nil
	case 16:
		return binary.LittleEndian.AppendUint16(b, uint16(v)), nil
	case 32:
		return binary.LittleEndian.AppendUint32(b, uint32(v)), nil
	}
	return binary.LittleEndian.AppendUint64(b, v), nil
}
