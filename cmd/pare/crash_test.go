//go:build unix

package main

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/pare-ml/pare/graph/store/storetest"
	"github.com/pare-ml/pare/internal/crash"
)

// The folder of the recipe holds: a model, samples, and every kind of step: one without data, one that measures, training that
// keeps checkpoints, one that calibrates.
const crashRecipe = `version: 1
name: small
model: {path: model.onnx}
data:
  train: {images: images.idx, labels: labels.idx, samples: 24}
  calibration: {images: images.idx, labels: labels.idx, skip: 24, samples: 12}
  test: {images: images.idx, labels: labels.idx, skip: 36}
seed: 3
passes:
  - fold: {}
  - prune: {sparsity: 50%, structure: filter, criterion: taylor, data: train}
    targets: ["**.conv1"]
  - distill: {data: train, steps: 60, batch: 2}
  - quantize: {scheme: W8A8, data: calibration}
gates:
  - {metric: agreement, data: test, threshold: 0%, confidence: 95%}
outputs:
  - {path: small.onnx}
`

func crashScene(t *testing.T, over bool) *crash.Scene {
	t.Helper()
	model, images, labels := surroundedFiles(t)
	inputs := map[string][]byte{"recipe.yaml": []byte(crashRecipe), "model.onnx": model, "images.idx": images, "labels.idx": labels}
	var earlier []byte
	if over {
		earlier = []byte(strings.Replace(crashRecipe, "seed: 3", "seed: 4", 1))
	}
	s, err := crash.NewScene(fastDir(t), inputs, earlier)
	if err != nil {
		t.Fatal(err)
	}
	s.Self = []string{"pare-killed"}
	return s
}

// fastDir is a folder in memory, where there is one: on a disk these tests spend most of their time in the system.
func fastDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "pare-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if !t.Failed() {
			os.RemoveAll(dir)
		}
	})
	return dir
}

// A whole build is killed at its operations; what is left is whole, and the next build goes on from it. conformance/crash kills
// one at every single operation.
func TestKilled(t *testing.T) {
	kill := func(t *testing.T, s *crash.Scene, points []int) {
		resumed := 0
		for i, n := range points {
			k, err := s.Kill(n, i%2 == 1)
			if err != nil {
				t.Fatal(err)
			}
			if k.Ended {
				t.Errorf("operation %d of %d never came", n, len(s.Ops))
			}
			if k.Resumed {
				resumed++
			}
		}
		t.Logf("%d of %d operations; after %d of them training was resumed", len(points), len(s.Ops), resumed)
	}
	t.Run("over an earlier result", func(t *testing.T) {
		s := crashScene(t, true)
		var points []int
		for i, n := range s.Points(len(s.Ops)) {
			if i%2 == 0 {
				points = append(points, n)
			}
		}
		kill(t, s, points)
	})
	t.Run("in an empty place", func(t *testing.T) {
		s := crashScene(t, false)
		var points []int
		for n := 23; n <= len(s.Ops); n += len(s.Ops) / 5 {
			points = append(points, n)
		}
		kill(t, s, points)
	})
}

// An operation of a whole build fails, in each way: the machine failed, nothing is published in part, no sync is tried again.
func TestFailingDisk(t *testing.T) {
	s := crashScene(t, true)
	ways := []struct {
		name  string
		fault storetest.Fault
	}{
		{"EIO", storetest.Fault{}},
		{"short write", storetest.Fault{Kind: "write", Short: true}},
		{"EINTR", storetest.Fault{Kind: "write", Err: syscall.EINTR}},
		{"quota", storetest.Fault{Kind: "write", Err: syscall.EDQUOT}},
		{"sync", storetest.Fault{Kind: "sync"}},
		{"sync of a folder", storetest.Fault{Kind: "syncdir"}},
		{"disk full", storetest.Fault{Err: syscall.ENOSPC, Full: true}},
	}
	for i, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			failed, total := 0, 0
			for _, op := range s.Ops {
				if w.fault.Kind == "" || op.Kind == w.fault.Kind {
					total++
				}
			}
			for n := 1 + i; ; n += max(total/6, 1) {
				fault := w.fault
				fault.At = n
				code, said, ended, err := s.Fail(w.name, fault)
				if err != nil {
					t.Fatal(err)
				}
				if ended {
					if failed < 2 {
						t.Errorf("%d failures in %d operations", failed, n)
					}
					return
				}
				if code == 3 {
					failed++
				}
				full := fault.Err == syscall.ENOSPC || fault.Err == syscall.EDQUOT
				lacking := strings.Contains(said, ": write ") || strings.Contains(said, ": sync ")
				if code == 3 && full && lacking && !strings.Contains(said, "bytes needed, ") {
					t.Errorf("operation %d: it does not say what is needed and free:\n%s", n, said)
				}
			}
		})
	}
}

// Power is cut during a whole build.
func TestPowerCut(t *testing.T) {
	s := crashScene(t, true)
	disks, err := s.Cuts(len(s.Ops)/10, 4)
	if err != nil {
		t.Fatal(err)
	}
	if disks < 30 {
		t.Errorf("only %d disks", disks)
	}
}
