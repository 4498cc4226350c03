// Command train makes the model and the data of the fashion example: `go generate ./recipes`. It reads Fashion-MNIST
// (Debian package dataset-fashion-mnist), trains the network of network.go with pare's own executor, and writes
//
//	models/fashion.onnx                  the trained model
//	data/fashion/train-{images,labels}   the first 5,000 training images, for recipes to train and calibrate with
//	data/fashion/test-{images,labels}    the first 5,000 test images, for gates
//
// It is deterministic: the same data give the same bytes on every machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/format/onnx"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/dataset"
	"github.com/pare-ml/pare/internal/kernel"
	"github.com/pare-ml/pare/internal/rng"
)

const (
	seed     = 20261122
	batch    = 128
	peakRate = 0.2
	warmup   = 400 // steps
)

func main() {
	log.SetFlags(0)
	data := flag.String("data", "/usr/share/datasets/fashion-mnist", "folder of Fashion-MNIST's IDX files")
	out := flag.String("out", ".", "folder to write models/ and data/ into")
	epochs := flag.Int("epochs", 12, "passes over the 60,000 training images")
	flag.Parse()
	if err := run(*data, *out, *epochs); err != nil {
		log.Fatal(err)
	}
}

func run(data, out string, epochs int) error {
	train, err := open(data, "train")
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w; install the Debian package dataset-fashion-mnist, or name its folder with --data", err)
	}
	if err != nil {
		return err
	}
	test, err := open(data, "t10k")
	if err != nil {
		return err
	}
	for from, to := range map[string]string{"train": "train", "t10k": "test"} {
		if err := subset(data, from, filepath.Join(out, "data", "fashion"), to, 5000); err != nil {
			return err
		}
	}
	m := network()
	if err := fit(m, train, test, epochs); err != nil {
		return err
	}
	file, err := onnx.Encode(m)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "models", "fashion.onnx"), file, 0o666)
}

func open(dir, part string) (dataset.Set, error) {
	images, err := os.Open(filepath.Join(dir, part+"-images-idx3-ubyte.gz"))
	if err != nil {
		return nil, err
	}
	defer images.Close()
	labels, err := os.Open(filepath.Join(dir, part+"-labels-idx1-ubyte.gz"))
	if err != nil {
		return nil, err
	}
	defer labels.Close()
	return dataset.OpenIDX(part, images, labels, dataset.IDXOptions{Mean: []float64{0.2860}, Std: []float64{0.3530}})
}

// fit trains by stochastic gradient descent with Nesterov momentum, a warm-up and a cosine that ends at zero; images
// are moved by up to two pixels and mirrored at random.
func fit(m *ir.Model, train, test dataset.Set, epochs int) error {
	ctx := context.Background()
	p, err := exec.Compile(m, exec.Options{})
	if err != nil {
		return err
	}
	var (
		steps    = epochs * (train.Len() / batch)
		schedule = exec.Warmup(warmup, exec.Cosine(steps))
		optim    = &exec.SGD{LearningRate: peakRate, Momentum: 0.9, Nesterov: true, WeightDecay: 5e-4}
		logits   = p.OutputNames()[0]
		trained  = slices.DeleteFunc(p.Params(), func(name string) bool { return strings.Contains(name, ".running_") })
		start    = time.Now()
		step     = 0
	)
	for epoch := range epochs {
		order := rng.New(seed, "order", fmt.Sprint(epoch)).Perm(train.Len())
		total := 0.0
		for i := 0; i+batch <= len(order); i += batch {
			x, labels, err := train.Batch(order[i : i+batch])
			if err != nil {
				return err
			}
			augment(x, rng.New(seed, "augment", fmt.Sprint(step)))
			tape, err := p.Forward(ctx, map[string]*exec.Array{"image": x}, exec.TrainNorm)
			if err != nil {
				return err
			}
			loss, _, grad, err := exec.CrossEntropy(tape.Value(logits), labels)
			if err != nil {
				return err
			}
			grads, err := tape.Backward(ctx, map[string]*exec.Array{logits: grad}, trained)
			if err != nil {
				return err
			}
			tape.Release()
			if err := optim.Step(p, grads, schedule(step)); err != nil {
				return err
			}
			total += loss
			step++
		}
		if err := p.Store(m); err != nil {
			return err
		}
		acc, err := accuracy(ctx, m, test)
		if err != nil {
			return err
		}
		log.Printf("epoch %2d  loss %.4f  top1 on test %.2f%%  %s", epoch+1, total/float64(train.Len()/batch), 100*acc, time.Since(start).Round(time.Second))
	}
	return nil
}

// augment moves and mirrors each image of a batch at random. Pixels that come in from outside are black, which is the
// smallest value of the batch's scale.
func augment(x *exec.Array, r *rng.Rand) {
	const reach = 2
	n, h, w := x.Shape[0], x.Shape[2], x.Shape[3]
	data := x.Float32s()
	black, _ := kernel.MinMax(data)
	moved := make([]float32, h*w)
	for i := range n {
		image := data[i*h*w : (i+1)*h*w]
		dy, dx, mirror := r.Intn(2*reach+1)-reach, r.Intn(2*reach+1)-reach, r.Intn(2) == 1
		for y := range h {
			for c := range w {
				from := c
				if mirror {
					from = w - 1 - c
				}
				v := black
				if sy, sx := y+dy, from+dx; sy >= 0 && sy < h && sx >= 0 && sx < w {
					v = image[sy*w+sx]
				}
				moved[y*w+c] = v
			}
		}
		copy(image, moved)
	}
}

func accuracy(ctx context.Context, m *ir.Model, set dataset.Set) (float64, error) {
	p, err := evaluate.Predict(ctx, m, set, evaluate.PredictOptions{Batch: 250})
	if err != nil {
		return 0, err
	}
	right := 0
	for i, label := range p.Labels {
		if p.Top(i) == label {
			right++
		}
	}
	return float64(right) / float64(len(p.Labels)), nil
}
