// Package dataset reads the data that recipes calibrate, train and test with.
package dataset

import "github.com/pare-ml/pare/graph/exec"

// Set is a data set opened for reading, its samples in a fixed order. It is safe for concurrent use.
type Set interface {
	Len() int
	Classes() int // of the labels; 0 if there are none

	// Batch returns the samples with these indexes: inputs of shape [len(index), …], and their labels (nil if none).
	Batch(index []int) (*exec.Array, []int, error)

	// Sample returns a digest of one sample's input, for finding overlaps between sets.
	Sample(i int) [32]byte
}
