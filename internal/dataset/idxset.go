package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/ir"
)

// idxSet is a window into an IDX file, kept as bytes; a byte becomes a float32 by its channel's table when a batch asks
// for it.
type idxSet struct {
	n, c, h, w int
	classes    int
	pixels     []byte // n × h × w × c
	labels     []byte // n, or nil
	values     [][256]float32
}

func (s *idxSet) Len() int     { return s.n }
func (s *idxSet) Classes() int { return s.classes }

// size returns the bytes of one image. The header bounds the product.
func (s *idxSet) size() int { return s.h * s.w * s.c }

func (s *idxSet) image(i int) []byte { return s.pixels[i*s.size() : (i+1)*s.size()] }

func (s *idxSet) Sample(i int) [32]byte { return sha256.Sum256(s.image(i)) }

func (s *idxSet) Batch(index []int) (*exec.Array, []int, error) {
	data := make([]byte, 0, 4*len(index)*s.size())
	var labels []int
	if s.labels != nil {
		labels = make([]int, len(index))
	}
	for k, i := range index {
		if i < 0 || i >= s.n {
			return nil, nil, fmt.Errorf("sample %d of a set of %d", i, s.n)
		}
		img := s.image(i)
		for c := range s.c {
			table := &s.values[c]
			for at := c; at < len(img); at += s.c {
				data = binary.LittleEndian.AppendUint32(data, math.Float32bits(table[img[at]]))
			}
		}
		if labels != nil {
			labels[k] = int(s.labels[i])
		}
	}
	return &exec.Array{DType: ir.Float32, Shape: []int{len(index), s.c, s.h, s.w}, Data: data}, labels, nil
}
