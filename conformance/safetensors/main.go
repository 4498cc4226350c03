// Command safetensors writes files for safetensors_agrees.py: mutants of small files, each with what pare's reader says of
// it, and files that pare wrote, with the digests of their tensors.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pare-ml/pare/graph/arch/archtest"
	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/format/safetensors"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/rng"
)

const mutants = 20_000

func main() {
	dir := os.Args[1]
	for _, step := range []func(string) error{writeMutants, writeModels} {
		if err := step(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// seeds are texts of headers with the bytes that follow them.
var seeds = []struct {
	text string
	size int
}{
	{`{}`, 0},
	{`{"__metadata__":{"format":"pt","a":"é\n"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}`, 16},
	{`{"b":{"dtype":"I64","shape":[],"data_offsets":[0,8]},"a":{"dtype":"BF16","shape":[0,3],"data_offsets":[8,8]}}`, 8},
	{`{"x":{"dtype":"F4","shape":[4],"data_offsets":[0,2]},"y":{"dtype":"BOOL","shape":[2],"data_offsets":[2,4]}}   `, 4},
	{`{"x":{"shape":[1],"data_offsets":[4,5],"dtype":"U8"},"w":{"dtype":"F8_E4M3","data_offsets":[0,4],"shape":[2,2]}}`, 5},
}

// writeMutants writes all of them into one file: for each whether pare reads it, its length, its bytes.
func writeMutants(dir string) error {
	r := rng.New(0, "conformance", "safetensors")
	path := filepath.Join(dir, "mutant.safetensors")
	var out []byte
	for i := range mutants {
		s := seeds[i%len(seeds)]
		text := []byte(s.text)
		for range r.Intn(4) {
			text = mutate(text, r)
		}
		b := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
		b = append(append(b, text...), make([]byte, s.size)...)
		if r.Intn(10) == 0 {
			b = mutate(b, r)
		}
		if err := os.WriteFile(path, b, 0o666); err != nil {
			return err
		}
		verdict := byte(0)
		if _, done, err := safetensors.Open(path); err == nil {
			verdict = 1
			if err := done(); err != nil {
				return err
			}
		}
		out = append(out, verdict)
		out = binary.LittleEndian.AppendUint32(out, uint32(len(b)))
		out = append(out, b...)
	}
	os.Remove(path)
	return os.WriteFile(filepath.Join(dir, "mutants"), out, 0o666)
}

// words are what mutations put in: parts of headers, and numbers at the edges.
var words = []string{`"`, `{`, `}`, `[`, `]`, `,`, `:`, ` `, "\n", "\x00", `0`, `1`, `8`, `-1`, `1e0`, `0.0`, `16`, `18446744073709551615`, `9223372036854775808`,
	`"dtype"`, `"shape"`, `"data_offsets"`, `"F32"`, `"F64"`, `"U8"`, `"F6_E2M3"`, `"C64"`, `"__metadata__"`, `null`, `true`, `\u0061`, "\xff", "é", `"a":`, `,"a":1`}

func mutate(b []byte, r *rng.Rand) []byte {
	at := r.Intn(len(b) + 1)
	end := min(len(b), at+r.Intn(8))
	head, tail := b[:at:at], b[end:]
	switch r.Intn(4) {
	case 0: // remove
		return append(head, tail...)
	case 1: // repeat
		return append(append(head, b[at:end]...), b[at:]...)
	case 2: // insert
		return append(append(head, words[r.Intn(len(words))]...), b[at:]...)
	}
	return append(append(head, words[r.Intn(len(words))]...), tail...)
}

// writeModels writes each family's model through pare, and a list of the tensors' digests.
func writeModels(dir string) error {
	in := filepath.Join(dir, "in")
	for _, m := range archtest.Tiny() {
		if err := os.RemoveAll(in); err != nil {
			return err
		}
		if err := os.Mkdir(in, 0o777); err != nil {
			return err
		}
		if err := m.Write(in, false); err != nil {
			return err
		}
		if err := writeModel(filepath.Join(dir, m.Name), in); err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	return os.RemoveAll(in)
}

func writeModel(out, in string) error {
	m, done, err := safetensors.Open(in)
	if err != nil {
		return err
	}
	defer done()
	m = m.Clone()
	m.Metadata = append(m.Metadata, ir.KeyValue{Key: "note", Value: "\"é\n\x00"})
	m.Graph.AddTensor(ir.NewTensor("empty", ir.Float32, []int{0, 4}, nil))
	m.Graph.AddTensor(ir.NewTensor("a\x00\u202e<b>\n", ir.Bool, nil, []byte{1}))
	m.Graph.AddTensor(ir.NewTensor("four", ir.Float4E2M1, []int{2, 4}, []byte{1, 2, 3, 4}))
	m.Graph.AddTensor(ir.NewTensor("eight", ir.Float8E8M0, []int{3}, []byte{1, 2, 3}))
	digests := map[string]string{}
	for _, t := range m.Graph.Tensors() {
		b, err := t.Bytes()
		if err != nil {
			return err
		}
		digests[t.Name] = fmt.Sprintf("%v %x", strings.ReplaceAll(fmt.Sprint(t.Shape), " ", ","), sha256.Sum256(b))
	}
	files, err := safetensors.Encode(m)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := (format.Stream{Workers: 2}).Write(context.Background(), &b, files[0]); err != nil {
		return err
	}
	if err := os.WriteFile(out+".safetensors", b.Bytes(), 0o666); err != nil {
		return err
	}
	list, err := json.Marshal(digests)
	if err != nil {
		return err
	}
	return os.WriteFile(out+".json", list, 0o666)
}
