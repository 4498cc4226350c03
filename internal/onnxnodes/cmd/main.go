// Command cmd runs ONNX's operator tests in a folder and reports what passed, failed and is unsupported. It exits with 1
// if any failed.
package main

import (
	"fmt"
	"os"

	"github.com/pare-ml/pare/internal/onnxnodes"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: cmd FOLDER (data/node of onnx's backend tests)")
		os.Exit(2)
	}
	report, err := onnxnodes.Run(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	report.Print(os.Stdout)
	if len(report.Failed) > 0 {
		os.Exit(1)
	}
}
