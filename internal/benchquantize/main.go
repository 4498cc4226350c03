// Command benchquantize times pare build as a whole process on a large model, beside llama-quantize and cp:
//
//	benchquantize PARE LLAMA-QUANTIZE DIR
//
// DIR holds gguf/model.gguf and safetensors/, as internal/bigmodel writes them; what is made goes there and is removed. The
// programs run in turn, so that whatever else the machine does hits all of them, and the fastest of three runs counts; where
// llama-quantize takes more than 15 seconds it runs once. pare runs twice: first without a store, as if it had never seen the
// input, and again with one, from which it knows the input's digest. Processor time, which a loaded machine stretches less, is
// printed beside it. Files that llama-quantize writes too are compared byte by byte. LLAMA-QUANTIZE may be - where it is not
// installed: then its rates are those of a quiet machine of two cores.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const (
	runs = 3
	slow = 15 * time.Second // what llama-quantize takes longer for is run once
)

// published are seconds of llama-quantize with two threads for 1.1 billion parameters, where it cannot be run.
var published = map[string]float64{"Q8_0": 5.84, "Q4_0": 5.08, "Q6_K": 20.7, "Q5_K_M": 30.0, "Q4_K_M": 38.5, "IQ4_NL": 119}

// goals are how many times as fast pare is to be.
var goals = map[string]float64{"Q8_0": 6, "Q4_0": 6, "Q4_K_M": 8, "Q5_K_M": 8, "Q6_K": 8, "IQ4_NL": 30}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: benchquantize PARE LLAMA-QUANTIZE DIR")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// cost is what the fastest run of a program took.
type cost struct {
	wall, cpu time.Duration
	memory    int64 // the most that was resident, pages of files with it
}

func (c *cost) take(o cost) {
	if c.wall == 0 || o.wall < c.wall {
		c.wall = o.wall
	}
	if c.cpu == 0 || o.cpu < c.cpu {
		c.cpu = o.cpu
	}
	c.memory = max(c.memory, o.memory)
}

func once(args ...string) (cost, error) {
	var out bytes.Buffer
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &out
	start := time.Now()
	err := cmd.Run()
	c := cost{wall: time.Since(start)}
	if err != nil {
		return c, fmt.Errorf("%s: %w\n%s", filepath.Base(args[0]), err, out.Bytes())
	}
	c.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	c.memory = resident(cmd.ProcessState)
	return c, nil
}

func run(pare, llama, dir string) error {
	load, _ := os.ReadFile("/proc/loadavg")
	fmt.Printf("%s/%s, %d cores, load before %.14s; fastest of %d runs, seconds of wall (of processors)\n\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), load, runs)
	header("llama-quantize", "bytes")
	for _, s := range []string{"Q8_0", "Q4_0", "Q6_K", "Q5_K_M", "Q4_K_M", "IQ4_NL"} {
		if err := blocks(pare, llama, dir, s); err != nil {
			return err
		}
	}
	fmt.Println()
	header("cp and sync", "")
	for _, s := range []string{"FP8_DYNAMIC", "W8A16"} {
		if err := codes(pare, dir, s); err != nil {
			return err
		}
	}
	return nil
}

func recipe(dir, scheme, model, output string) (path string, err error) {
	path = filepath.Join(dir, "bench.yaml")
	ignore, compatible := "", ", gguf: {compatible: true}"
	if output == "safetensors" {
		compatible = ""
		ignore = "    ignore: [\"type:embedding\", lm_head]\n"
	}
	text := fmt.Sprintf("version: 1\nname: bench\nmodel: {path: %s}\npasses:\n  - quantize: {scheme: %s}\n%soutputs:\n  - {format: %s, path: model.%s%s}\n",
		model, scheme, ignore, output, output, compatible)
	return path, os.WriteFile(path, []byte(text), 0o666)
}

// builds runs pare first and again.
func builds(pare, dir, path string, first, again *cost) error {
	c, err := build(pare, dir, path, "--no-cache")
	if err != nil {
		return err
	}
	first.take(c)
	c, err = build(pare, dir, path, "--cache", filepath.Join(dir, "cache"))
	again.take(c)
	return err
}

func build(pare, dir, path string, store ...string) (cost, error) {
	out := filepath.Join(dir, "out")
	if err := os.RemoveAll(out); err != nil {
		return cost{}, err
	}
	return once(append([]string{pare, "build", path, "--out", out, "--no-lock", "--quiet"}, store...)...)
}

func blocks(pare, llama, dir, scheme string) error {
	path, err := recipe(dir, scheme, "gguf/model.gguf", "gguf")
	if err != nil {
		return err
	}
	theirs := filepath.Join(dir, "theirs.gguf")
	defer os.Remove(theirs)
	defer os.RemoveAll(filepath.Join(dir, "out"))
	var first, again, they cost
	for range runs {
		if err := builds(pare, dir, path, &first, &again); err != nil {
			return err
		}
		if llama == "-" || they.wall > slow {
			continue
		}
		os.Remove(theirs)
		c, err := once(llama, filepath.Join(dir, "gguf", "model.gguf"), theirs, scheme, "2")
		if err != nil {
			return err
		}
		they.take(c)
	}
	verdict := ""
	if llama == "-" {
		they.wall = time.Duration(published[scheme] * float64(time.Second))
	} else if verdict, err = compare(filepath.Join(dir, "out", "model.gguf"), theirs); err != nil {
		return err
	}
	line(scheme, first, again, they, goals[scheme], verdict)
	return nil
}

func codes(pare, dir, scheme string) error {
	path, err := recipe(dir, scheme, "safetensors", "safetensors")
	if err != nil {
		return err
	}
	copied := filepath.Join(dir, "copy")
	defer os.Remove(copied)
	defer os.RemoveAll(filepath.Join(dir, "out"))
	var first, again, they cost
	for range runs {
		if err := builds(pare, dir, path, &first, &again); err != nil {
			return err
		}
		os.Remove(copied)
		c, err := once("sh", "-c", "cp \"$0\" \"$1\" && sync \"$1\"", filepath.Join(dir, "safetensors", "model.safetensors"), copied)
		if err != nil {
			return err
		}
		they.take(c)
	}
	line(scheme, first, again, they, 0.5, "")
	return nil
}

func header(other, verdict string) {
	text := fmt.Sprintf("%-12s %16s %16s %16s %13s %6s %9s  %s", "", "pare, first", "pare, again", other, "ratios", "goal", "memory", verdict)
	fmt.Println(strings.TrimRight(text, " "))
}

func line(name string, first, again, they cost, goal float64, verdict string) {
	text := fmt.Sprintf("%-12s %s %s %s %6.2f %6.2f %6.1f %6d MB  %s", name, first, again, they,
		they.wall.Seconds()/first.wall.Seconds(), they.wall.Seconds()/again.wall.Seconds(), goal, max(first.memory, again.memory)>>20, verdict)
	fmt.Println(strings.TrimRight(text, " "))
}

func (c cost) String() string { return fmt.Sprintf("%7.2f (%6.2f)", c.wall.Seconds(), c.cpu.Seconds()) }

// compare tells whether two files are equal.
func compare(a, b string) (string, error) {
	f, err := os.Open(a)
	if err != nil {
		return "", err
	}
	defer f.Close()
	g, err := os.Open(b)
	if err != nil {
		return "", err
	}
	defer g.Close()
	x, y := make([]byte, 1<<20), make([]byte, 1<<20)
	for {
		n, errA := io.ReadFull(f, x)
		m, errB := io.ReadFull(g, y)
		if !bytes.Equal(x[:n], y[:m]) {
			return "differ", nil
		}
		switch {
		case errA == io.EOF || errA == io.ErrUnexpectedEOF:
			return "equal", nil
		case errA != nil:
			return "", errA
		case errB != nil:
			return "", errB
		}
	}
}
