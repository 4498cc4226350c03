package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/ir"
)

// Memory is a set whose samples are given as numbers. Its fields must not change while it is in use.
type Memory struct {
	Shape  []int     // of one sample
	Inputs []float32 // Len × the product of Shape
	Labels []int     // Len of them, or nil
}

func (s Memory) size() int {
	n := 1
	for _, d := range s.Shape {
		n *= d
	}
	return n
}

func (s Memory) input(i int) []float32 { return s.Inputs[i*s.size() : (i+1)*s.size()] }

// Len returns the number of samples.
func (s Memory) Len() int {
	if size := s.size(); size > 0 {
		return len(s.Inputs) / size
	}
	return 0
}

// Classes returns one more than the largest label.
func (s Memory) Classes() int {
	n := 0
	for _, l := range s.Labels {
		n = max(n, l+1)
	}
	return n
}

// Batch implements Set.
func (s Memory) Batch(index []int) (*exec.Array, []int, error) {
	x := exec.NewArray(ir.Float32, append([]int{len(index)}, s.Shape...)...)
	var labels []int
	if s.Labels != nil {
		labels = make([]int, 0, len(index))
	}
	for k, i := range index {
		if i < 0 || i >= s.Len() {
			return nil, nil, fmt.Errorf("sample %d of a set of %d", i, s.Len())
		}
		copy(x.Float32s()[k*s.size():], s.input(i))
		if s.Labels != nil {
			labels = append(labels, s.Labels[i])
		}
	}
	return x, labels, nil
}

// Sample implements Set.
func (s Memory) Sample(i int) [32]byte { return sha256.Sum256(appendFloats(nil, s.input(i))) }

func appendFloats(b []byte, x []float32) []byte {
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}
