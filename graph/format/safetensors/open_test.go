package safetensors

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pare-ml/pare/graph/arch/archtest"
	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
)

// open opens a model for the length of a test.
func open(t testing.TB, path string) *ir.Model {
	t.Helper()
	m, done, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { done() })
	return m
}

// tiny writes a small model of a family into a folder.
func tiny(t testing.TB, name string) string {
	t.Helper()
	dir := t.TempDir()
	if err := archtest.Named(archtest.Tiny(), name).Write(dir, false); err != nil {
		t.Fatal(err)
	}
	return dir
}

// save writes what Encode gives into a folder, and returns where to open it.
func save(t testing.TB, dir string, files []format.File) string {
	t.Helper()
	for i := range files {
		if files[i].Name == "" {
			files[i].Name = single
		}
		var b bytes.Buffer
		if err := (format.Stream{Workers: 2}).Write(context.Background(), &b, files[i]); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, files[i].Name), b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, files[0].Name)
}

// same demands that two models have the same tensors.
func same(t *testing.T, what string, a, b *ir.Model) {
	t.Helper()
	if n, k := len(a.Graph.Tensors()), len(b.Graph.Tensors()); n != k {
		t.Errorf("%s: %d and %d tensors", what, n, k)
	}
	for _, x := range a.Graph.Tensors() {
		y := b.Graph.Tensor(x.Name)
		if y == nil || !x.SameHeader(y) {
			t.Errorf("%s: tensor %s is not the same", what, x.Name)
			continue
		}
		p, err := x.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		q, err := y.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(p, q) {
			t.Errorf("%s: tensor %s has other bytes", what, x.Name)
		}
	}
}

// Every published model in full size opens from its header within time and memory, as one file and in shards.
func TestPublished(t *testing.T) {
	for _, m := range archtest.Published() {
		dir := t.TempDir()
		write := func() error { return m.Write(dir, true) }
		if m.Params() > 5e9 {
			write = func() error { return m.WriteShards(dir, 4, true) }
		}
		if err := write(); err != nil {
			t.Skip("sparse files: ", err)
		}
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := time.Now()
		model, done, err := Open(dir)
		if err != nil {
			t.Errorf("%s: %v", m.Name, err)
			continue
		}
		layers := model.Layers()
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if len(model.Notes) > 0 || len(layers) == 0 || !model.HasWeights() {
			t.Errorf("%s: %d layers, %v", m.Name, len(layers), model.Notes)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; testing.Verbose() {
			t.Logf("%-24s %5d tensors %5d layers %v, %d KB allocated", m.Name, len(m.Tensors), len(layers), took.Round(time.Millisecond), grown>>10)
		}
		done()
	}
}

func TestRoundTrip(t *testing.T) {
	for _, m := range archtest.Tiny() {
		dir, again, shards := t.TempDir(), t.TempDir(), t.TempDir()
		if err := m.Write(dir, false); err != nil {
			t.Fatal(err)
		}
		os.WriteFile(filepath.Join(dir, "tokenizer.json"), []byte("{}"), 0o666)
		os.WriteFile(filepath.Join(dir, "report.json"), []byte("{}"), 0o666)
		first := open(t, dir)
		files, err := Encode(first)
		if err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
		second := open(t, save(t, again, files))
		same(t, m.Name, first, second)
		if got := len(second.Attached); got != 2 {
			t.Errorf("%s: %d files travel along", m.Name, got)
		}
		a, _ := os.ReadFile(filepath.Join(dir, configName))
		b, _ := os.ReadFile(filepath.Join(again, configName))
		if !bytes.Equal(a, b) {
			t.Errorf("%s: config.json has changed", m.Name)
		}
		if files, err = encode(first, 30_000); err != nil {
			t.Fatal(err)
		}
		if len(files) < 5 || files[0].Name != indexName {
			t.Errorf("%s: %d files, the first is %s", m.Name, len(files), files[0].Name)
		}
		third := open(t, save(t, shards, files))
		same(t, m.Name+" in shards", first, third)
		if len(third.Files) < 2 {
			t.Errorf("%s: files %v", m.Name, third.Files)
		}
		// What was read from shards is written as one file again, the same one.
		if files, err = Encode(third); err != nil {
			t.Fatal(err)
		}
		var whole bytes.Buffer
		if err := (format.Stream{}).Write(context.Background(), &whole, files[0]); err != nil {
			t.Fatal(err)
		}
		if want, _ := os.ReadFile(filepath.Join(again, single)); !bytes.Equal(whole.Bytes(), want) {
			t.Errorf("%s: the file is another after going through shards", m.Name)
		}
	}
}

// A model that is in no family still has layers.
func TestUnknown(t *testing.T) {
	dir := t.TempDir()
	m := archtest.Named(archtest.Tiny(), "Llama-3.2-1B")
	m.Config["model_type"] = "strange"
	if err := m.Write(dir, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`model_type "strange" is not known`, "there is no config.json"} {
		model := open(t, dir)
		if len(model.Notes) != 1 || !strings.Contains(model.Notes[0], want) {
			t.Errorf("notes: %q", model.Notes)
		}
		linear := map[string]string{}
		for _, l := range model.Layers() {
			if l.Type == "linear" {
				linear[l.Name] = l.Role
			}
		}
		if len(linear) != 14 || linear["model.layers.0.self_attn.q_proj"] != "attention_q" || linear["model.layers.1.mlp.down_proj"] != "ffn_down" {
			t.Errorf("layers: %v", linear)
		}
		os.Remove(filepath.Join(dir, configName))
	}
}

func TestFolders(t *testing.T) {
	dir := tiny(t, "gpt2")
	os.Rename(filepath.Join(dir, single), filepath.Join(dir, "weights.safetensors"))
	if m := open(t, dir); len(m.Files) != 1 || m.Files[0] != "weights.safetensors" {
		t.Errorf("files %v", m.Files)
	}
	if m := open(t, filepath.Join(dir, "weights.safetensors")); len(m.Files) != 0 || len(m.Layers()) < 10 {
		t.Errorf("files %v", m.Files)
	}
	os.WriteFile(filepath.Join(dir, "second.safetensors"), nil, 0o666)
	if _, _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "name the one to open") {
		t.Error(err)
	}
	var damage *format.Damaged
	pickled := t.TempDir()
	os.WriteFile(filepath.Join(pickled, "pytorch_model.bin"), []byte("PK"), 0o666)
	if _, _, err := Open(pickled); !errors.As(err, &damage) || !strings.Contains(err.Error(), "save_pretrained") {
		t.Error(err)
	}
	if _, _, err := Open(t.TempDir()); !errors.As(err, &damage) {
		t.Error(err)
	}
}

// A file that changes while it is in use is found out.
func TestChanged(t *testing.T) {
	dir := tiny(t, "gpt2")
	m := open(t, dir)
	if err := os.Truncate(filepath.Join(dir, single), 1000); err != nil {
		t.Fatal(err)
	}
	var changed *format.Changed
	if _, err := m.Graph.Tensor("wte.weight").Bytes(); !errors.As(err, &changed) {
		t.Error(err)
	}
	dir = tiny(t, "gpt2")
	m = open(t, dir)
	os.WriteFile(filepath.Join(dir, configName), []byte("{}  "), 0o666)
	if _, err := Encode(m); !errors.As(err, &changed) {
		t.Error(err)
	}
}
