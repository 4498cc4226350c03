package dataset

import "testing"

func TestMemoryAndOverlap(t *testing.T) {
	a := Memory{Shape: []int{2}, Inputs: []float32{1, 2, 3, 4, 5, 6, 3, 4}, Labels: []int{0, 1, 2, 1}}
	b := Memory{Shape: []int{2}, Inputs: []float32{9, 9, 3, 4, 3, 4}}
	if a.Len() != 4 || a.Classes() != 3 || b.Classes() != 0 {
		t.Errorf("%d samples, %d and %d classes", a.Len(), a.Classes(), b.Classes())
	}
	x, y, err := a.Batch([]int{2, 0})
	if err != nil || y[0] != 2 || y[1] != 0 || floats(x.Data)[0] != 5 || x.Shape[0] != 2 || x.Shape[1] != 2 {
		t.Errorf("batch %v %v %v, %v", x.Shape, floats(x.Data), y, err)
	}
	if _, y, _ := b.Batch([]int{0}); y != nil {
		t.Errorf("labels %v of a set without", y)
	}
	if _, _, err := a.Batch([]int{4}); err == nil {
		t.Error("a batch past the end of the set was given")
	}
	if n, i, j := Overlap(a, b); n != 2 || i != 1 || j != 1 {
		t.Errorf("overlap %d, first %d and %d; want 2, 1, 1", n, i, j)
	}
	if n, i, j := Overlap(a, Memory{Shape: []int{2}}); n != 0 || i != -1 || j != -1 {
		t.Errorf("overlap with nothing: %d, %d, %d", n, i, j)
	}
}
