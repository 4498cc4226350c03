package lock

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/pare-ml/pare/graph/ir"
)

// MostTensors is how many tensors of a model a lock names. Of larger models it has the digest of the file alone.
const MostTensors = 4096

// MostBytes is how many bytes a model's tensors may have for a lock to name them: to hash each of them costs as much as the
// file itself.
const MostBytes = 256 << 20

// TensorDigest is the SHA-256 over the number of the type, the number of dimensions and the dimensions, as uvarints, and
// the bytes. A tensor that comes in ranges is never in memory as a whole.
func TensorDigest(t *ir.Tensor) ([32]byte, error) {
	head := binary.AppendUvarint(nil, uint64(t.DType))
	head = binary.AppendUvarint(head, uint64(len(t.Shape)))
	for _, d := range t.Shape {
		head = binary.AppendUvarint(head, uint64(d))
	}
	h := sha256.New()
	h.Write(head)
	if t.Align() == 0 || t.Size() <= rangeBytes {
		b, err := t.Bytes()
		if err != nil {
			return [32]byte{}, err
		}
		h.Write(b)
		return [32]byte(h.Sum(nil)), nil
	}
	step := int64(max(rangeBytes/t.Align(), 1) * t.Align())
	b := make([]byte, step)
	for off := int64(0); off < t.Size(); off += step {
		b = b[:min(step, t.Size()-off)]
		if err := t.ReadRange(b, off); err != nil {
			return [32]byte{}, err
		}
		h.Write(b)
	}
	return [32]byte(h.Sum(nil)), nil
}

// rangeBytes is how much of a tensor is read at a time.
const rangeBytes = 8 << 20

// TensorsIn returns the constants of a model, sorted by name; nil if they are more than MostTensors or MostBytes.
func TensorsIn(m *ir.Model) ([]Tensor, error) {
	constants := m.Graph.Constants()
	if len(constants) > MostTensors {
		return nil, nil
	}
	var size int64
	for _, t := range constants {
		if size += t.Size(); size > MostBytes {
			return nil, nil
		}
	}
	var out []Tensor
	seen := map[string]bool{}
	for _, t := range constants {
		if seen[t.Name] {
			continue // two constants of one name: the first is the one that counts
		}
		seen[t.Name] = true
		sum, err := TensorDigest(t)
		if err != nil {
			return nil, err
		}
		out = append(out, Tensor{t.Name, hex.EncodeToString(sum[:shortLength/2])})
	}
	r := &Recipe{Tensors: []Tensors{{List: out}}}
	r.Sort()
	return out, nil
}

// CompareTensors says which tensors differ: "tensor stem.weight", "tensors a, b, and 3 more", nothing if none do.
func CompareTensors(lock, now []Tensor) string {
	old := map[string]string{}
	for _, t := range lock {
		old[t.Name] = t.Sum
	}
	var names []string
	for _, t := range now {
		if was, ok := old[t.Name]; !ok || was != t.Sum {
			names = append(names, t.Name)
		}
		delete(old, t.Name)
	}
	for _, t := range lock {
		if _, gone := old[t.Name]; gone {
			names = append(names, t.Name)
		}
	}
	const most = 3
	switch n := len(names); {
	case n == 0:
		return ""
	case n == 1:
		return "tensor " + names[0]
	case n <= most:
		return "tensors " + strings.Join(names, ", ")
	default:
		return fmt.Sprintf("tensors %s, and %d more", strings.Join(names[:most], ", "), n-most)
	}
}
