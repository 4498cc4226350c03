package cli

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"

	formatall "github.com/pare-ml/pare/graph/format/all"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/recipe/diag"
)

// differences says in what two model files differ: which tensors, with the first element that does, else what stands
// around them. Nothing is said of equal files.
func differences(want, got string) ([]string, error) {
	a, closeA, err := formatall.Open(want)
	if err != nil {
		return nil, err
	}
	defer closeA()
	b, closeB, err := formatall.Open(got)
	if err != nil {
		return nil, err
	}
	defer closeB()
	out, err := tensorDifferences(a, b)
	if err != nil || out != nil {
		return out, err
	}
	for _, kv := range a.Metadata {
		i := slices.IndexFunc(b.Metadata, func(other ir.KeyValue) bool { return other.Key == kv.Key })
		switch {
		case i < 0:
			out = append(out, fmt.Sprintf("the metadata have no %s", diag.Printable(kv.Key)))
		case b.Metadata[i].Value != kv.Value:
			out = append(out, fmt.Sprintf("the metadata have another %s", diag.Printable(kv.Key)))
		}
	}
	if out == nil {
		out = []string{"no tensor differs; what stands around them does"}
	}
	return out, nil
}

// mostDifferences bounds how many tensors are named.
const mostDifferences = 20

func tensorDifferences(want, got *ir.Model) ([]string, error) {
	others := map[string]*ir.Tensor{}
	for _, t := range got.Graph.Constants() {
		others[t.Name] = t
	}
	var out []string
	for _, t := range want.Graph.Constants() {
		if len(out) == mostDifferences {
			return append(out, "more tensors differ"), nil
		}
		name := "tensor " + diag.Printable(t.Name)
		other := others[t.Name]
		delete(others, t.Name)
		switch {
		case other == nil:
			out = append(out, name+" is not there")
		case other.DType != t.DType || !slices.Equal(other.Shape, t.Shape):
			out = append(out, fmt.Sprintf("%s is %s %v, was %s %v", name, other.DType, other.Shape, t.DType, t.Shape))
		default:
			text, err := firstDifference(t, other)
			if err != nil {
				return nil, err
			}
			if text != "" {
				out = append(out, name+": "+text)
			}
		}
	}
	for _, t := range got.Graph.Constants() {
		if others[t.Name] != nil {
			out = append(out, "tensor "+diag.Printable(t.Name)+" was not there")
		}
	}
	return out, nil
}

// firstDifference compares two tensors of one type and shape.
func firstDifference(want, got *ir.Tensor) (string, error) {
	a, err := want.Bytes()
	if err != nil {
		return "", err
	}
	b, err := got.Bytes()
	if err != nil {
		return "", err
	}
	if bytes.Equal(a, b) {
		return "", nil
	}
	at := 0
	for at < min(len(a), len(b)) && a[at] == b[at] {
		at++
	}
	bits := want.DType.Bits()
	if bits == 0 {
		return fmt.Sprintf("byte %d differs", at), nil
	}
	element := at * 8 / bits
	if bits < 8 { // several in the byte: the first that differs
		for a[at]>>(element*bits%8)&(1<<bits-1) == b[at]>>(element*bits%8)&(1<<bits-1) {
			element++
		}
	}
	return fmt.Sprintf("element %v is %s, was %s", position(element, want.Shape), value(got, element), value(want, element)), nil
}

// position is the index of an element in each dimension.
func position(element int, shape []int) []int {
	out := make([]int, len(shape))
	for i := len(shape) - 1; i >= 0; i-- {
		if shape[i] > 0 {
			out[i], element = element%shape[i], element/shape[i]
		}
	}
	return out
}

// value is an element as text: a number where the type has one, else its bits.
func value(t *ir.Tensor, element int) string {
	if list, err := t.Float32s(); err == nil && t.DType != ir.Float64 {
		return strconv.FormatFloat(float64(list[element]), 'g', -1, 32)
	}
	if list, err := t.Int64s(); err == nil {
		return strconv.FormatInt(list[element], 10)
	}
	b, err := t.Bytes()
	if err != nil {
		return "?"
	}
	bits := t.DType.Bits()
	if bits < 8 {
		return fmt.Sprintf("code %#x", b[element*bits/8]>>(element*bits%8)&(1<<bits-1))
	}
	return fmt.Sprintf("bits %x", b[element*bits/8:(element+1)*bits/8])
}
