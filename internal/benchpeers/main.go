// Command benchpeers times pare lint and pare plan as whole processes, beside linters that people know, on files of as
// many lines:
//
//	benchpeers PARE ACTIONLINT YAMLLINT
//
// All run in turn, so that whatever else the machine does hits all of them; the files are warm. It prints the median and
// the fastest of the runs, and exits 1 if pare misses its goals.
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
}

func (p *program) median() time.Duration { return (p.times[(runs-1)/2] + p.times[runs/2]) / 2 }

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
	recipe, workflow := filepath.Join(dir, "recipe.yaml"), filepath.Join(dir, "workflow.yaml")
	list := []*program{
		{name: "pare version", args: []string{pare, "version"}},
		{name: "pare lint", args: []string{pare, "lint", recipe}, goal: 30 * time.Millisecond},
		{name: "pare plan", args: []string{pare, "plan", recipe}, goal: 100 * time.Millisecond},
		{name: "actionlint", args: []string{actionlint, "-shellcheck=", "-pyflakes=", workflow}},
		{name: "yamllint", args: []string{yamllint, "-d", "relaxed", recipe}},
	}
	for i := range warm + runs {
		for _, p := range list {
			took, err := once(p.args)
			if err != nil {
				return err
			}
			if i >= warm {
				p.times = append(p.times, took)
			}
		}
	}
	for _, p := range list {
		slices.Sort(p.times)
	}
	return report(list)
}

// once runs a program to its end. Findings would make the comparison an odd one, so they are an error.
func once(args []string) (time.Duration, error) {
	var out bytes.Buffer
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &out
	start := time.Now()
	err := cmd.Run()
	took := time.Since(start)
	if err != nil {
		return 0, fmt.Errorf("%s: %w\n%s", filepath.Base(args[0]), err, out.Bytes())
	}
	return took, nil
}

func report(list []*program) error {
	lint, plan := list[1], list[2]
	fmt.Printf("%d lines, %d layers in the model; %d runs of whole processes, warm; %s/%s, %d cores\n\n", lines, 9*blocks+3, runs,
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	fmt.Printf("%-14s %10s %10s %16s\n", "", "median", "fastest", "median / lint's")
	for _, p := range list {
		fmt.Printf("%-14s %7.1f ms %7.1f ms %15.2fx\n", p.name, ms(p.median()), ms(p.times[0]), ms(p.median())/ms(lint.median()))
	}
	for _, p := range []*program{lint, plan} {
		if p.median() > p.goal {
			return fmt.Errorf("\n%s takes %.1f ms; the goal is %.0f ms", p.name, ms(p.median()), ms(p.goal))
		}
	}
	for _, p := range list[3:] {
		if p.median() < lint.median() {
			return fmt.Errorf("\n%s is faster than pare lint", p.name)
		}
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
