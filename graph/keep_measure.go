package graph

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/graph/measure"
)

// keptMeasurement keeps the result of a measurement: its lists of numbers as blobs.
func keptMeasurement(n measure.Need) kept[*measure.Result] {
	return kept[*measure.Result]{
		title: "measure " + describe(n),
		encode: func(w *entryWriter, v *measure.Result) error {
			w.Int(int64(v.Samples))
			w.Len(len(v.Taylor))
			for _, name := range slices.Sorted(maps.Keys(v.Taylor)) {
				w.Text(name)
				if err := w.blob(float64Bytes(v.Taylor[name])); err != nil {
					return err
				}
			}
			w.Len(len(v.Channels))
			for _, name := range slices.Sorted(maps.Keys(v.Channels)) {
				w.Text(name)
				w.Bytes(float64Bytes(v.Channels[name].APoZ))
				w.Bytes(float64Bytes(v.Channels[name].Mean))
			}
			w.Len(len(v.Ranges))
			for _, name := range slices.Sorted(maps.Keys(v.Ranges)) {
				w.Text(name)
				w.Float(v.Ranges[name].Lo)
				w.Float(v.Ranges[name].Hi)
			}
			return nil
		},
		decode: func(r *entryReader) (*measure.Result, error) {
			v := &measure.Result{Samples: int(r.Int())}
			for range r.Len(1) {
				name := r.Text()
				b, err := r.blob()
				if err != nil {
					return nil, err
				}
				v.Taylor = set(v.Taylor, name, float64sOf(b))
			}
			for range r.Len(1) {
				name := r.Text()
				v.Channels = set(v.Channels, name, measure.Channels{APoZ: float64sOf(r.Bytes()), Mean: float64sOf(r.Bytes())})
			}
			for range r.Len(1) {
				name := r.Text()
				v.Ranges = set(v.Ranges, name, measure.Range{Lo: r.Float(), Hi: r.Float()})
			}
			return v, r.End()
		},
	}
}

func set[V any](m map[string]V, key string, v V) map[string]V {
	if m == nil {
		m = map[string]V{}
	}
	m[key] = v
	return m
}

// keptPredictions keeps what a model says of a data set.
func keptPredictions(data string) kept[*evaluate.Predictions] {
	return kept[*evaluate.Predictions]{
		title: "predictions on " + data,
		encode: func(w *entryWriter, v *evaluate.Predictions) error {
			w.Int(int64(v.Classes))
			w.Bool(v.Labels != nil)
			labels := make([]byte, 0, len(v.Labels))
			for _, l := range v.Labels {
				labels = binary.AppendUvarint(labels, uint64(l))
			}
			logits := make([]byte, 0, 4*len(v.Logits))
			for _, x := range v.Logits {
				logits = binary.LittleEndian.AppendUint32(logits, math.Float32bits(x))
			}
			if err := w.blob(logits); err != nil {
				return err
			}
			return w.blob(labels)
		},
		decode: func(r *entryReader) (*evaluate.Predictions, error) {
			v := &evaluate.Predictions{Classes: int(r.Int())}
			labelled := r.Bool()
			logits, err := r.blob()
			if err != nil {
				return nil, err
			}
			v.Logits = make([]float32, len(logits)/4)
			for i := range v.Logits {
				v.Logits[i] = math.Float32frombits(binary.LittleEndian.Uint32(logits[4*i:]))
			}
			labels, err := r.blob()
			if err != nil {
				return nil, err
			}
			if labelled {
				v.Labels = []int{}
			}
			for len(labels) > 0 {
				l, n := binary.Uvarint(labels)
				if n <= 0 || l >= uint64(v.Classes) {
					return nil, fmt.Errorf("label %d is %d", len(v.Labels), l)
				}
				v.Labels, labels = append(v.Labels, int(l)), labels[n:]
			}
			if v.Classes < 1 || len(v.Logits)%v.Classes != 0 || labelled && len(v.Labels) != v.Len() {
				return nil, fmt.Errorf("%d logits of %d classes, %d labels", len(v.Logits), v.Classes, len(v.Labels))
			}
			return v, r.End()
		},
	}
}

func float64Bytes(list []float64) []byte {
	b := make([]byte, 0, 8*len(list))
	for _, v := range list {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

func float64sOf(b []byte) []float64 {
	list := make([]float64, len(b)/8)
	for i := range list {
		list[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return list
}
