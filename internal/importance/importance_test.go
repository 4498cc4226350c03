package importance

import (
	"errors"
	"slices"
	"testing"
)

func matrix() *Matrix {
	entry := func(name string, values ...float32) Entry {
		return Entry{Name: name, Values: len(values), Experts: 1, Read: func() ([]float32, error) { return values, nil }}
	}
	return &Matrix{File: "m", Entries: []Entry{entry("blk.0.ffn_up_exps.weight", 1, 2, 3, 4), entry("output.weight", 5, 6)}}
}

func TestOf(t *testing.T) {
	places := map[string]Place{
		"up0": {"blk.0.ffn_up_exps.weight", 0, 2}, "up1": {"blk.0.ffn_up_exps.weight", 1, 2}, "up2": {"blk.0.ffn_up_exps.weight", 2, 2},
		"head": {"output.weight", 0, 1}, "other": {"token_embd.weight", 0, 1},
	}
	byPlace := matrix()
	byPlace.Place = func(weight string) (Place, bool) { p, ok := places[weight]; return p, ok }
	tests := []struct {
		m       *Matrix
		weight  string
		stack   int
		columns int
		want    []float32
		bad     bool
	}{
		{matrix(), "output.weight", 1, 2, []float32{5, 6}, false},
		{matrix(), "output.weight", 1, 3, nil, true},
		{matrix(), "output.weight", 1, 1, nil, true},
		{matrix(), "nothing", 1, 2, nil, false},
		{matrix(), "blk.0.ffn_up_exps.weight", 2, 2, []float32{1, 2, 3, 4}, false},
		{matrix(), "blk.0.ffn_up_exps.weight", 3, 2, nil, true},
		{byPlace, "head", 1, 2, []float32{5, 6}, false},
		{byPlace, "up0", 1, 2, []float32{1, 2}, false},
		{byPlace, "up1", 1, 2, []float32{3, 4}, false},
		{byPlace, "up1", 1, 4, nil, true},
		{byPlace, "up2", 1, 2, nil, true}, // more experts than the model has
		{byPlace, "other", 1, 2, nil, false},
		{byPlace, "output.weight", 1, 2, nil, false}, // the model has no such weight
	}
	for _, tt := range tests {
		v, _, err := tt.m.Of(tt.weight, tt.stack, tt.columns)
		var mismatch *Mismatch
		if errors.As(err, &mismatch) != tt.bad || (v != nil) != (tt.want != nil) {
			t.Errorf("%s, %d columns: %v, %v", tt.weight, tt.columns, v != nil, err)
		}
		if v == nil {
			continue
		}
		if got, err := v(); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, %v, want %v", tt.weight, got, err, tt.want)
		}
	}
}

func TestOrigin(t *testing.T) {
	for _, words := range [][]string{nil, {"f", "1"}, {"f", "x", "2"}, {"f", "1", "-2"}, {"f", "1", "2", "d", "e"}} {
		if _, ok := ReadOrigin(words); ok {
			t.Errorf("%q is taken for an origin", words)
		}
	}
	for _, datasets := range [][]string{nil, {"a"}, {"", "b"}} {
		o := (&Matrix{File: "f", Datasets: datasets, Chunks: 3, Entries: make([]Entry, 2)}).Origin()
		back, ok := ReadOrigin(o.Words())
		if !ok || back.File != "f" || back.Entries != 2 || back.Chunks != 3 || len(back.Dataset) != min(1, len(datasets)) {
			t.Errorf("%q: got %+v", datasets, back)
		}
	}
}
