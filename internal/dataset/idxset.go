package dataset

import (
	"crypto/sha256"
	"fmt"

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
	x := exec.NewArray(ir.Float32, len(index), s.c, s.h, s.w)
	data := x.Float32s()
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
			plane := data[(k*s.c+c)*s.h*s.w:][:s.h*s.w]
			for p := range plane {
				plane[p] = table[img[p*s.c+c]]
			}
		}
		if labels != nil {
			labels[k] = int(s.labels[i])
		}
	}
	return x, labels, nil
}
