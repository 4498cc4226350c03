package training

import (
	"fmt"

	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/dataset"
	"github.com/pare-ml/pare/internal/rng"
)

// Batch is what one step trains on.
type Batch struct {
	Step   int
	Index  []int       // of the samples in the data set
	Input  *exec.Array // augmented, if the recipe says so
	Labels []int       // nil if the set has none
}

// batches draws samples without replacement: every epoch takes all of them in a new order. Samples left over at the end
// of an epoch, too few for a batch, are left out of it.
type batches struct {
	set     dataset.Set
	size    int
	augment *Augment
	rand    func(names ...string) *rng.Rand
	order   []int
	epoch   int // that order is of
}

func newBatches(set dataset.Set, p *Params, rand func(names ...string) *rng.Rand) (*batches, error) {
	if set.Len() < p.Batch {
		return nil, fmt.Errorf("data set %s has %d samples, fewer than a batch of %d", p.Data, set.Len(), p.Batch)
	}
	return &batches{set: set, size: p.Batch, augment: p.Augment, rand: rand, epoch: -1}, nil
}

// at returns the batch of a step. Any step may be asked for: what it draws follows from its number alone.
func (b *batches) at(step int) (*Batch, error) {
	each := b.set.Len() / b.size
	if epoch := step / each; epoch != b.epoch {
		b.order, b.epoch = b.rand("epoch", fmt.Sprint(epoch)).Perm(b.set.Len()), epoch
	}
	from := step % each * b.size
	index := b.order[from : from+b.size]
	in, labels, err := b.set.Batch(index)
	if err != nil {
		return nil, err
	}
	if b.augment != nil {
		if in, err = b.augment.apply(in, b.rand("augment", fmt.Sprint(step))); err != nil {
			return nil, err
		}
	}
	return &Batch{Step: step, Index: index, Input: in, Labels: labels}, nil
}

// apply returns the images shifted and mirrored, each by its own draws.
func (a *Augment) apply(in *exec.Array, r *rng.Rand) (*exec.Array, error) {
	if len(in.Shape) != 4 || in.DType != ir.Float32 {
		return nil, fmt.Errorf("augment needs float32 images of shape [batch, channel, height, width]; the input is %s %v", in.DType, in.Shape)
	}
	out := exec.NewArray(ir.Float32, in.Shape...)
	src, dst := in.Float32s(), out.Float32s()
	n, c, h, w := in.Shape[0], in.Shape[1], in.Shape[2], in.Shape[3]
	cols := make([]int, w)
	for i := range n {
		dy, dx := r.Intn(2*a.Shift+1)-a.Shift, r.Intn(2*a.Shift+1)-a.Shift
		flip := r.Intn(2) == 1 && a.Flip
		for x := range cols {
			from := x
			if flip {
				from = w - 1 - x
			}
			cols[x] = min(max(from+dx, 0), w-1)
		}
		for k := range c {
			plane := (i*c + k) * h * w
			for y := range h {
				row := src[plane+min(max(y+dy, 0), h-1)*w:][:w]
				to := dst[plane+y*w:][:w]
				for x, from := range cols {
					to[x] = row[from]
				}
			}
		}
	}
	return out, nil
}
