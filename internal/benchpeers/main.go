// Command benchpeers times pare lint and pare plan as whole processes, beside linters that people know, on files of as
// many lines:
//
//	benchpeers PARE ACTIONLINT YAMLLINT
//
// All run in turn, so that whatever else the machine does hits all of them; the files are warm. It prints the median and
// the fastest of the runs, and the median of the processor time, which a loaded machine stretches less; it exits 1 if
// pare misses its goals. The linters read no model, so pare lint of a recipe whose model is not there is what compares
// with them.
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

const (
	runs = 20
	warm = 3
)

// program is one line of the table.
type program struct {
	name  string
	args  []string
	goal  time.Duration // 0: none
	times []time.Duration
	cpu   []time.Duration
}

func (p *program) median() time.Duration { return middle(p.times) }

func middle(sorted []time.Duration) time.Duration { return (sorted[(runs-1)/2] + sorted[runs/2]) / 2 }

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: benchpeers PARE ACTIONLINT YAMLLINT")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(pare, actionlint, yamllint string) error {
	dir, err := os.MkdirTemp("", "benchpeers")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := writeInputs(dir); err != nil {
		return err
	}
	recipe, alone, workflow := filepath.Join(dir, "recipe.yaml"), filepath.Join(dir, "alone.yaml"), filepath.Join(dir, "workflow.yaml")
	list := []*program{
		{name: "pare version", args: []string{pare, "version"}},
		{name: "pare lint", args: []string{pare, "lint", recipe}, goal: 30 * time.Millisecond},
		{name: "pare plan", args: []string{pare, "plan", recipe}, goal: 100 * time.Millisecond},
		{name: "pare lint, text alone", args: []string{pare, "lint", alone}},
		{name: "actionlint", args: []string{actionlint, "-shellcheck=", "-pyflakes=", workflow}},
		{name: "yamllint", args: []string{yamllint, "-d", "relaxed", recipe}},
	}
	for i := range warm + runs {
		for _, p := range list {
			took, cpu, err := once(p.args)
			if err != nil {
				return err
			}
			if i >= warm {
				p.times, p.cpu = append(p.times, took), append(p.cpu, cpu)
			}
		}
	}
	for _, p := range list {
		slices.Sort(p.times)
		slices.Sort(p.cpu)
	}
	return report(list)
}

// once runs a program to its end and returns the time it took and that of processors. Findings would make the comparison
// an odd one, so they are an error; a note is none.
func once(args []string) (took, cpu time.Duration, err error) {
	var out bytes.Buffer
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &out
	start := time.Now()
	err = cmd.Run()
	took = time.Since(start)
	if err != nil {
		return 0, 0, fmt.Errorf("%s: %w\n%s", filepath.Base(args[0]), err, out.Bytes())
	}
	return took, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

func report(list []*program) error {
	lint, plan, alone := list[1], list[2], list[3]
	fmt.Printf("%d lines, %d layers in the model; %d runs of whole processes, warm; %s/%s, %d cores\n\n", lines, 9*blocks+3, runs,
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	fmt.Printf("%-21s %10s %10s %10s\n", "", "median", "fastest", "processor")
	for _, p := range list {
		fmt.Printf("%-21s %7.1f ms %7.1f ms %7.1f ms\n", p.name, ms(p.median()), ms(p.times[0]), ms(middle(p.cpu)))
	}
	for _, p := range []*program{lint, plan} {
		if p.median() > p.goal {
			return fmt.Errorf("\n%s takes %.1f ms; the goal is %.0f ms", p.name, ms(p.median()), ms(p.goal))
		}
	}
	for _, p := range list[4:] {
		if p.median() < alone.median() {
			return fmt.Errorf("\n%s is faster than %s", p.name, alone.name)
		}
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
