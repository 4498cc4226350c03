// Command cmd holds the product to equal bits: its source as it is built with and without assembly, and what the
// compiler makes of it for processors with fused instructions. It prints what it finds and then exits with 1.
//
//	go run ./internal/equalbits/cmd
package main

import (
	"fmt"
	"os"

	"github.com/pare-ml/pare/internal/equalbits"
)

func main() {
	found, err := check()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	printed := map[equalbits.Finding]bool{} // a line is built with assembly and without, and fused more than once
	for _, f := range found {
		if !printed[f] {
			fmt.Println(f)
		}
		printed[f] = true
	}
	if len(found) > 0 {
		os.Exit(1)
	}
}

func check() ([]equalbits.Finding, error) {
	var found []equalbits.Finding
	for _, tags := range []string{"", "purego"} {
		p, err := equalbits.Load(".", tags, "./cmd/pare")
		if err != nil {
			return nil, err
		}
		found = append(found, equalbits.Check(p)...)
	}
	for _, env := range []string{"GOAMD64=v3", "GOARCH=arm64"} {
		more, err := equalbits.Compiled(".", "./cmd/pare", "github.com/pare-ml/pare", "CGO_ENABLED=0", env)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	return found, nil
}
