// Package archtest makes models of the families that package arch knows, from lists of tensors as the families' own files
// have them: tiny ones with numbers, and headers of published ones in full size, whose numbers are holes of a sparse file.
package archtest

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pare-ml/pare/internal/rng"
)

// Model is a configuration with the tensors that follow from it.
type Model struct {
	Name    string
	Config  map[string]any
	DType   string // of all tensors: F32, F16, BF16
	Tensors []Tensor
}

// Tensor is an entry of a header.
type Tensor struct {
	Name  string
	Shape []int
}

// Params is the number of elements of all tensors.
func (m *Model) Params() int64 {
	var n int64
	for _, t := range m.Tensors {
		n += elements(t.Shape)
	}
	return n
}

func elements(shape []int) int64 {
	n := int64(1)
	for _, d := range shape {
		n *= int64(d)
	}
	return n
}

// Sizes are the sizes of a model, by the letters that lists of tensors use.
type Sizes struct {
	H int // hidden_size
	L int // layers
	N int // heads
	K int // heads of keys and values; 0: as N
	D int // width of a head; 0: H/N
	F int // width of the feed-forward network
	V int // vocabulary
	P int // positions
	T int // types of segments
	E int // experts
}

// expand makes the tensors of a list: one a line, name and shape, where {i} counts layers and {e} experts. A dimension is
// a number, a size's letter, q (all heads), k (all heads of keys), or a sum or product of these: q+2k, 2f, 3h.
func (s Sizes) expand(list string) []Tensor {
	var out []Tensor
	for _, line := range strings.Split(strings.TrimSpace(list), "\n") {
		name, shape, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		layers, experts := 1, 1
		if strings.Contains(name, "{i}") {
			layers = s.L
		}
		if strings.Contains(name, "{e}") {
			experts = s.E
		}
		for i := range layers {
			for e := range experts {
				t := Tensor{Name: strings.NewReplacer("{i}", strconv.Itoa(i), "{e}", strconv.Itoa(e)).Replace(name)}
				for _, d := range strings.Split(shape, ",") {
					t.Shape = append(t.Shape, s.dim(strings.TrimSpace(d)))
				}
				out = append(out, t)
			}
		}
	}
	return out
}

func (s Sizes) dim(text string) int {
	sum := 0
	for _, term := range strings.Split(text, "+") {
		digits := strings.TrimRight(term, "hnkdfvpteqHNKDFVPTEQ")
		factor := 1
		if digits != "" {
			factor, _ = strconv.Atoi(digits)
		}
		letter := term[len(digits):]
		n, ok := map[string]int{"": 1, "h": s.H, "n": s.N, "q": s.N * s.D, "k": s.K * s.D, "d": s.D, "f": s.F, "v": s.V, "p": s.P, "t": s.T, "e": s.E}[letter]
		if !ok {
			panic("archtest: dimension " + text)
		}
		sum += factor * n
	}
	return sum
}

// header returns what a file of the model's tensors begins with, and how many bytes follow.
func (m *Model) header(tensors []Tensor) (head []byte, size int64) {
	width := map[string]int64{"F32": 4, "F16": 2, "BF16": 2}[m.DType]
	var b strings.Builder
	b.WriteString(`{"__metadata__":{"format":"pt"}`)
	for _, t := range tensors {
		name, _ := json.Marshal(t.Name)
		shape, _ := json.Marshal(append([]int{}, t.Shape...))
		n := elements(t.Shape) * width
		fmt.Fprintf(&b, `,%s:{"dtype":"%s","shape":%s,"data_offsets":[%d,%d]}`, name, m.DType, shape, size, size+n)
		size += n
	}
	b.WriteString("}")
	text := b.String()
	for len(text)%8 != 0 {
		text += " "
	}
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...), size
}

// Write makes a folder of the model. sparse leaves holes where numbers would be; else they are drawn from a normal
// distribution, seeded by the tensors' names, and norms are about one.
func (m *Model) Write(dir string, sparse bool) error {
	if err := m.writeConfig(dir); err != nil {
		return err
	}
	return m.writeTensors(filepath.Join(dir, "model.safetensors"), m.Tensors, sparse)
}

// WriteShards is Write in n files with an index.
func (m *Model) WriteShards(dir string, n int, sparse bool) error {
	if err := m.writeConfig(dir); err != nil {
		return err
	}
	where := map[string]string{}
	for i := range n {
		name := fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, n)
		part := m.Tensors[len(m.Tensors)*i/n : len(m.Tensors)*(i+1)/n]
		for _, t := range part {
			where[t.Name] = name
		}
		if err := m.writeTensors(filepath.Join(dir, name), part, sparse); err != nil {
			return err
		}
	}
	index, err := json.MarshalIndent(map[string]any{"metadata": map[string]any{"total_size": 0}, "weight_map": where}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "model.safetensors.index.json"), index, 0o666)
}

func (m *Model) writeConfig(dir string) error {
	config, err := json.MarshalIndent(m.Config, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "config.json"), append(config, '\n'), 0o666)
}

func (m *Model) writeTensors(path string, tensors []Tensor, sparse bool) error {
	head, size := m.header(tensors)
	if !sparse {
		for _, t := range tensors {
			head = append(head, m.numbers(t)...)
		}
	}
	if err := os.WriteFile(path, head, 0o666); err != nil || !sparse {
		return err
	}
	return os.Truncate(path, int64(len(head))+size)
}

func (m *Model) numbers(t Tensor) []byte {
	r := rng.New(0, "archtest", t.Name)
	scale, mean := 0.05, 0.0
	if len(t.Shape) == 1 && strings.HasSuffix(t.Name, ".weight") {
		mean = 1
	}
	var b []byte
	for range elements(t.Shape) {
		v := float32(mean + float64(r.Normal()*scale))
		switch m.DType {
		case "BF16":
			b = binary.LittleEndian.AppendUint16(b, uint16(math.Float32bits(v)>>16))
		case "F16":
			b = binary.LittleEndian.AppendUint16(b, half(v))
		default:
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	}
	return b
}

// half cuts a small normal number to float16.
func half(v float32) uint16 {
	b := math.Float32bits(v)
	e := int(b>>23&0xff) - 112
	if e <= 0 {
		return uint16(b >> 16 & 0x8000)
	}
	return uint16(b>>16&0x8000) | uint16(e)<<10 | uint16(b>>13&0x3ff)
}
