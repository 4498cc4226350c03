package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pare-ml/pare/graph/arch/archtest"
	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/format/source"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/strictjson"
)

// fileOf puts a header of text before so many bytes of tensors.
func fileOf(text string, size int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	return append(append(b, text...), make([]byte, size)...)
}

// lengthOf is a file whose header says to have n bytes.
func lengthOf(n uint64) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, n), "{}      "...)
}

// What is wrong with a file is said, with its place, and costs neither time nor memory (rows D1 to D5 of the test plan).
func TestHostile(t *testing.T) {
	entry := func(s string) string { return `{"a":` + s + `}` }
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "header: the file has 0 bytes; 8 tell the length of the header"},
		{"seven bytes", make([]byte, 7), "header: the file has 7 bytes; 8 tell the length of the header"},
		{"length 0", lengthOf(0), "header: its length is 0; the smallest header is {}"},
		{"length 7", lengthOf(7), "tensors: they end at 0; the file has 1 bytes more"},
		{"length 2^63", lengthOf(1 << 63), "header: its length is 9223372036854775808; at most 100000000 bytes are allowed"},
		{"length 2^64-1", lengthOf(1<<64 - 1), "header: its length is 18446744073709551615; at most 100000000 bytes are allowed"},
		{"length 100,000,001", lengthOf(100_000_001), "header: its length is 100000001; at most 100000000 bytes are allowed"},
		{"length beyond the file", lengthOf(9), "header: its length is 9; 8 bytes follow"},
		{"no UTF-8", fileOf("{\"\xff\":1}", 0), "header, offset 10: the text is not valid UTF-8"},
		{"BOM", fileOf("\ufeff{}", 0), "header, offset 8: \"\\xef\" stands where { must be"},
		{"leading space", fileOf(" {}", 0), `header, offset 8: " " stands where { must be`},
		{"garbage behind", fileOf("{}x", 0), `header, offset 10: "x" stands behind the end; only spaces may fill the header up`},
		{"NUL behind", fileOf("{}\x00", 0), `header, offset 10: "\x00" stands behind the end; only spaces may fill the header up`},
		{"newline behind", fileOf("{}\n", 0), `header, offset 10: "\n" stands behind the end; only spaces may fill the header up`},
		{"deep", fileOf(`{"__metadata__":`+strings.Repeat("[", 1_000_000), 0), `header, offset 24: '[' stands where '{' must be`},
		{"deep in a shape", fileOf(`{"a":{"shape":`+strings.Repeat("[", 1_000_000), 0), `header, offset 23: '[' stands where a dimension of "a" must be, a whole number from 0 to 9223372036854775807`},
		{"metadata that is no text", fileOf(`{"__metadata__":{"a":1}}`, 0), `header, offset 29: '1' stands where '"' must be`},
		{"metadata twice", fileOf(`{"__metadata__":{},"__metadata__":{}}`, 0), `header, offset 27: the key "__metadata__" stands twice`},
		{"key of metadata twice", fileOf(`{"__metadata__":{"a":"","a":""}}`, 0), `header, offset 32: the key "a" stands twice`},

		{"begin after end", fileOf(entry(`{"dtype":"U8","shape":[4],"data_offsets":[4,0]}`), 4), `tensor "a": it ends at 0, before its begin 4`},
		{"hole at the front", fileOf(entry(`{"dtype":"U8","shape":[4],"data_offsets":[4,8]}`), 8), `tensor "a": it begins at 4; the tensor before ends at 0, which leaves a hole`},
		{"hole", fileOf(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[5,9]}}`, 9), `tensor "b": it begins at 5; the tensor before ends at 4, which leaves a hole`},
		{"overlap", fileOf(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[3,7]}}`, 7), `tensor "b": it begins at 3, inside the tensor before, which ends at 4`},
		{"shared", fileOf(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`, 4), `tensor "b": it begins at 0, inside the tensor before, which ends at 4`},
		{"shared by empty ones", fileOf(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"b":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, 0), `tensor "b": it is empty and begins where the empty tensor "a" does`},
		{"trailing bytes", fileOf(entry(`{"dtype":"U8","shape":[4],"data_offsets":[0,4]}`), 5), `tensors: they end at 4; the file has 1 bytes more`},
		{"past the end", fileOf(entry(`{"dtype":"U8","shape":[4],"data_offsets":[0,4]}`), 3), `tensor "a": it ends at 4; the file has 3 bytes of tensors`},
		{"negative offset", fileOf(entry(`{"dtype":"U8","shape":[4],"data_offsets":[-1,3]}`), 4), `header, offset 55: an offset of "a" is -1; it must be a whole number from 0 to 9223372036854775807`},
		{"offset 1.5", fileOf(entry(`{"dtype":"U8","shape":[4],"data_offsets":[0,1.5]}`), 4), `header, offset 57: an offset of "a" is 1.5; it must be a whole number from 0 to 9223372036854775807`},
		{"offset 1e3", fileOf(entry(`{"dtype":"U8","shape":[4],"data_offsets":[0,1e3]}`), 4), `header, offset 57: an offset of "a" is 1e3; it must be a whole number from 0 to 9223372036854775807`},
		{"offset as text", fileOf(entry(`{"dtype":"U8","shape":[4],"data_offsets":[0,"0x10"]}`), 4), `header, offset 57: '"' stands where an offset of "a" must be, a whole number from 0 to 9223372036854775807`},
		{"offset 2^64", fileOf(entry(`{"dtype":"U8","shape":[4],"data_offsets":[0,18446744073709551616]}`), 4), `header, offset 57: an offset of "a" is 18446744073709551616; it must be a whole number from 0 to 9223372036854775807`},
		{"one offset", fileOf(entry(`{"dtype":"U8","shape":[4],"data_offsets":[0]}`), 4), `header, offset 57: tensor "a": data_offsets need a begin and an end`},
		{"three offsets", fileOf(entry(`{"dtype":"U8","shape":[4],"data_offsets":[0,4,8]}`), 4), `header, offset 60: tensor "a": more than two data_offsets`},

		{"shape of 2^64 elements", fileOf(entry(`{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}`), 0), `tensor "a": shape [4294967296 4294967296] has too many elements`},
		{"shape of 2^64", fileOf(entry(`{"dtype":"U8","shape":[4611686018427387904,4],"data_offsets":[0,0]}`), 0), `tensor "a": shape [4611686018427387904 4] has too many elements`},
		{"bits beyond 2^63", fileOf(entry(`{"dtype":"F64","shape":[1152921504606846976],"data_offsets":[0,0]}`), 0), `tensor "a": shape [1152921504606846976] of float64 has too many bits`},
		{"dimension of 2^63", fileOf(entry(`{"dtype":"U8","shape":[0,9223372036854775808],"data_offsets":[0,0]}`), 0), `header, offset 38: a dimension of "a" is 9223372036854775808; it must be a whole number from 0 to 9223372036854775807`},
		{"zero times huge", fileOf(entry(`{"dtype":"U8","shape":[0,4611686018427387904,4],"data_offsets":[0,0]}`), 0), `tensor "a": shape [0 4611686018427387904 4] has too many elements`},
		{"33 dimensions", fileOf(entry(`{"dtype":"U8","shape":[1`+strings.Repeat(",1", 32)+`],"data_offsets":[0,1]}`), 1), `header, offset 100: tensor "a": more than 32 dimensions`},
		{"negative dimension", fileOf(entry(`{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}`), 1), `header, offset 36: a dimension of "a" is -1; it must be a whole number from 0 to 9223372036854775807`},

		{"name twice", fileOf(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\u0061":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2), `tensor "a": the header names it twice`},
		{"key twice", fileOf(entry(`{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}`), 1), `header, offset 27: tensor "a": the key "dtype" stands twice`},
		{"key in another case", fileOf(entry(`{"Dtype":"U8","shape":[1],"data_offsets":[0,1]}`), 1), `header, offset 14: tensor "a": the key "Dtype" is not known; there are dtype, shape and data_offsets`},
		{"key missing", fileOf(entry(`{"dtype":"U8","data_offsets":[0,1]}`), 1), `header, offset 9: tensor "a" has no shape`},

		{"unknown type", fileOf(entry(`{"dtype":"F31","shape":[1],"data_offsets":[0,1]}`), 1), `header, offset 22: tensor "a": the type "F31" is not known`},
		{"6-bit floats", fileOf(entry(`{"dtype":"F6_E2M3","shape":[4],"data_offsets":[0,3]}`), 3), `header, offset 22: tensor "a": its type is F6_E2M3; pare does not read floats of 6 bits`},
		{"F16 with the bytes of F32", fileOf(entry(`{"dtype":"F16","shape":[2],"data_offsets":[0,8]}`), 8), `tensor "a": float16 of shape [2] needs 4 bytes; its offsets span 8`},
		{"half a byte", fileOf(entry(`{"dtype":"F4","shape":[3],"data_offsets":[0,2]}`), 2), `tensor "a": 3 elements of 4 bits are no whole number of bytes`},
	} {
		path := filepath.Join(t.TempDir(), single)
		os.WriteFile(path, tt.data, 0o666)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, _, err := Open(path)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		var damage *format.Damaged
		if !errors.As(err, &damage) || err.Error() != path+": "+tt.want {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<20 || took > time.Second {
			t.Errorf("%s: %d bytes allocated in %v", tt.name, grown, took)
		}
	}
}

// Names that are strange and legal are read, and written again; nothing is opened for them and nothing printed raw.
func TestStrangeNames(t *testing.T) {
	names := []string{"a", "A", "é", "e\u0301", "../x", "a\x00b", "a\nb", "\x1b[31m", "\u202eabc", "::set-output name=x::y", "<script>", strings.Repeat("n", 10000)}
	var b strings.Builder
	b.WriteByte('{')
	for i, n := range names {
		text, _ := json.Marshal(n)
		fmt.Fprintf(&b, `%s%s:{"dtype":"U8","shape":[1],"data_offsets":[%d,%d]}`, strings.Repeat(",", min(i, 1)), text, i, i+1)
	}
	b.WriteByte('}')
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, single), fileOf(b.String(), len(names)), 0o666)
	m := open(t, dir)
	out := t.TempDir()
	files, err := Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "strange names", m, open(t, save(t, out, files)))
	for _, n := range []string{"a\x00b", "\x1b[31m", "\u202eabc", "a\nb"} {
		if q := quote(n); strings.ContainsAny(q, "\x00\x1b\n\u202e") {
			t.Errorf("quote lets %q through", n)
		}
	}
}

// A header of as many tensors as fit takes no more than four times its size.
func TestManyTensors(t *testing.T) {
	if testing.Short() {
		t.Skip("99 MB of header")
	}
	const n = 1_490_000 // no entry is shorter
	var b bytes.Buffer
	b.WriteByte('{')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"%x":{"dtype":"U8","shape":[1],"data_offsets":[%d,%d]}`, i, i, i+1)
	}
	b.WriteByte('}')
	if b.Len() < 95e6 || b.Len() > maxHeader {
		t.Fatalf("the header has %d bytes", b.Len())
	}
	data := fileOf(b.String(), n)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	h, err := readHeader(bytes.NewReader(data), int64(len(data)), "x")
	if err != nil || len(h.entries) != n {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4*int64(len(data)) {
		t.Errorf("%d bytes are in use for %d of header", grown, len(data))
	}
	runtime.KeepAlive(h)
	runtime.KeepAlive(data)
}

func TestHostileIndex(t *testing.T) {
	m := archtest.Named(archtest.Tiny(), "gpt2")
	good := t.TempDir()
	if err := m.WriteShards(good, 2, false); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(filepath.Join(good, indexName))
	index := string(text)
	const a, b = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
	for _, tt := range []struct {
		name, text, want string
		change           func(dir string)
	}{
		{name: "no JSON", text: "{", want: `offset 1: the end stands where '"' must be`},
		{name: "no weight_map", text: `{"metadata":{}}`, want: "it has no weight_map"},
		{name: "a tensor twice", text: strings.Replace(index, `"wte.weight":`, `"wpe.weight":`, 1), want: `weight_map names the tensor "wpe.weight" twice`},
		{name: "a path", text: strings.ReplaceAll(index, a, "../"+a), want: `weight_map names the file "../model-00001-of-00002.safetensors"; it must be the plain name of a file beside the index`},
		{name: "an absolute path", text: strings.ReplaceAll(index, a, "/etc/passwd"), want: `"/etc/passwd"; it must be the plain name`},
		{name: "a folder", text: strings.ReplaceAll(index, a, "sub"), want: "sub: this is no regular file", change: func(dir string) { os.Mkdir(filepath.Join(dir, "sub"), 0o777) }},
		{name: "a missing tensor", text: strings.Replace(index, `"wte.weight"`, `"another"`, 1), want: `holds the tensor "wte.weight", which the index does not name`},
		{name: "one tensor more", text: strings.Replace(index, `"wte.weight"`, `"z": "`+b+`", "wte.weight"`, 1), want: `model-00002-of-00002.safetensors" does not hold the tensor "z"`},
		{name: "in the wrong file", text: strings.Replace(strings.Replace(index, a, "x", 1), "x", b, 1), want: `; the index looks for it in "` + b + `"`},
		{name: "a link out", text: index, want: "link that leads out of the folder", change: func(dir string) {
			os.Remove(filepath.Join(dir, a))
			if err := os.Symlink(filepath.Join(good, a), filepath.Join(dir, a)); err != nil {
				t.Skip(err)
			}
		}},
	} {
		dir := t.TempDir()
		if err := m.WriteShards(dir, 2, false); err != nil {
			t.Fatal(err)
		}
		os.WriteFile(filepath.Join(dir, indexName), []byte(tt.text), 0o666)
		if tt.change != nil {
			tt.change(dir)
		}
		var damage *format.Damaged
		if _, _, err := Open(dir); !errors.As(err, &damage) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

// Configurations that contradict themselves or the tensors (row D12).
func TestHostileConfig(t *testing.T) {
	for _, tt := range []struct {
		key   string
		value any
		want  string
	}{
		{"hidden_size", 0, "hidden_size is 0; it must be a whole number from 1 to 16777216"},
		{"hidden_size", -64, "hidden_size is -64; it must be"},
		{"hidden_size", "64", `hidden_size is "64"; it must be`},
		{"hidden_size", 1e30, "hidden_size is 1e+30; it must be"},
		{"hidden_size", 128, "the tensor model.embed_tokens.weight has shape [100 64]; by config.json it must be [100 128]"},
		{"num_attention_heads", 0, "num_attention_heads is 0; it must be"},
		{"num_attention_heads", 7, "num_attention_heads is 7, which 2 heads of keys and values do not divide"},
		{"num_key_value_heads", 3, "num_attention_heads is 4, which 3 heads of keys and values do not divide"},
		{"num_key_value_heads", 0, "num_key_value_heads is 0; it must be"},
		{"head_dim", 1 << 40, "head_dim is 1099511627776; it must be"},
		{"head_dim", 1 << 24, "4 heads of head_dim 16777216 are wider than 16777216"},
		{"head_dim", 32, "the tensor model.layers.0.self_attn.q_proj.weight has shape [64 64]; by config.json it must be [128 64]"},
		{"vocab_size", 99, "the vocabulary has 99 tokens by config.json; model.embed_tokens.weight has 100 rows"},
		{"num_hidden_layers", 3, "the tensor model.layers.2.input_layernorm.weight is missing; config.json says 3 layers of model_type llama"},
		{"num_hidden_layers", 1 << 40, "num_hidden_layers is 1099511627776; it must be"},
		{"intermediate_size", 95, "the tensor model.layers.0.mlp.gate_proj.weight has shape [96 64]; by config.json it must be [95 64]"},
		{"tie_word_embeddings", false, "tie_word_embeddings is false and the tensor lm_head.weight is missing"},
	} {
		m := archtest.Named(archtest.Tiny(), "Llama-3.2-1B")
		m.Config[tt.key] = tt.value
		dir := t.TempDir()
		if err := m.Write(dir, true); err != nil {
			t.Fatal(err)
		}
		var damage *format.Damaged
		if _, _, err := Open(dir); !errors.As(err, &damage) || !strings.Contains(err.Error(), configName+": "+tt.want) {
			t.Errorf("%s %v: %v, want %s", tt.key, tt.value, err, tt.want)
		}
	}
	dir := tiny(t, "Llama-3.2-1B")
	for text, want := range map[string]string{
		`[]`: "config.json holds no object", `{"model_type":"llama","model_type":"x"}`: `the key "model_type" stands twice`,
		strings.Repeat(`{"a":`, 100000): "nest deeper than 200", "{\"a\":\"\xff\"}": "not valid UTF-8",
	} {
		os.WriteFile(filepath.Join(dir, configName), []byte(text), 0o666)
		var damage *format.Damaged
		if _, _, err := Open(dir); !errors.As(err, &damage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30s: %v, want %s", text, err, want)
		}
	}
}

// Modules whose packed tensors contradict the configuration.
func TestHostilePacked(t *testing.T) {
	dir := tiny(t, "Llama-3.2-1B")
	files := written(t, codings[0].coded(t, dir, 0))
	config := string(files[configName])
	for old, next := range map[string]string{
		`"num_bits": 4`:           `"num_bits": 8`,
		`"group_size": 32`:        `"group_size": 48`,
		`"strategy": "group"`:     `"strategy": "channel"`,
		`"symmetric": true`:       `"symmetric": false`,
		`"model_type": "llama"`:   `"model_type": "qwen2"`,
		`"group_size": 32,`:       `"group_size": 1000000000000,`,
		`"targets": [`:            `"targets": 5, "x": [`,
		`"re:never"`:              `"re:never"`,
		`"Linear"`:                `"re:(a*)*$("`,
		`"pack-quantized"`:        `"marlin-24"`,
		`"actorder": null`:        `"actorder": "group"`,
		`"compressed-tensors"`:    `"gptq"`,
		`"block_structure": null`: `"block_structure": [0, -1]`,
	} {
		out := t.TempDir()
		for name, b := range files {
			if name == configName {
				b = []byte(strings.ReplaceAll(config, old, next))
			}
			os.WriteFile(filepath.Join(out, name), b, 0o666)
		}
		m, done, err := Open(out)
		var damage *format.Damaged
		switch {
		case err != nil && !errors.As(err, &damage):
			t.Errorf("%s: %v", next, err)
		case err == nil: // then it can be written again, with the same tensors
			again := written(t, m)
			if !bytes.Equal(again[single], files[single]) {
				t.Errorf("%s: written differently", next)
			}
			done()
		}
	}
}

func FuzzHeader(f *testing.F) {
	f.Add(fileOf(`{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}`, 16))
	f.Add(fileOf(`{"a":{"dtype":"F4","shape":[0],"data_offsets":[0,0]}}  `, 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := readHeader(bytes.NewReader(data), int64(len(data)), "fuzz")
		if err != nil {
			var damage *format.Damaged
			if !errors.As(err, &damage) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		var size int64
		for _, e := range h.entries {
			size += e.end - e.begin
		}
		if h.start+size != int64(len(data)) {
			t.Fatalf("%d bytes of %d are tensors' or the header's", h.start+size, len(data))
		}
	})
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"metadata":{"total_size":1},"weight_map":{"a":"b.safetensors"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		where, err := parseIndex(data)
		if err != nil {
			return
		}
		for _, name := range where {
			if shardBase(name) == nil && (strings.ContainsAny(name, "/\\\x00") || name == "..") {
				t.Fatalf("%q is a name", name)
			}
		}
	})
}

// Whatever config.json says, reading ends well, and what is read can be written again.
func FuzzConfig(f *testing.F) {
	dir := tiny(f, "Llama-3.2-1B")
	plain, err := os.ReadFile(filepath.Join(dir, configName))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain, false)
	packed := f.TempDir()
	m := open(f, dir).Clone()
	for _, l := range m.Layers() {
		if l.Type == "linear" && !l.Is("lm_head") {
			codings[4].code(m, l, 0)
		}
	}
	files, err := Encode(m)
	if err != nil {
		f.Fatal(err)
	}
	save(f, packed, files)
	config, err := os.ReadFile(filepath.Join(packed, configName))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(config, true)
	tensors := map[bool][]*ir.Tensor{}
	for isPacked, path := range map[bool]string{false: dir, true: packed} {
		src, err := source.Open(filepath.Join(path, single))
		if err != nil {
			f.Fatal(err)
		}
		f.Cleanup(func() { src.Close() })
		h, err := readHeader(src, src.Size(), "")
		if err != nil {
			f.Fatal(err)
		}
		tensors[isPacked] = tensorsOf(src, h, nil)
	}
	f.Fuzz(func(t *testing.T, text []byte, isPacked bool) {
		config, err := strictjson.ParsePython(text)
		if err != nil {
			return
		}
		m, err := (&folder{config: text}).assemble(config, tensors[isPacked])
		if err != nil {
			var damage *format.Damaged
			if !errors.As(err, &damage) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		m.Layers()
		if _, err := Encode(m); err != nil {
			t.Fatal(err)
		}
	})
}
