// Command pare compresses neural networks by recipe: see `pare help` and README.md.
package main

import (
	"os"

	"github.com/pare-ml/pare/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr)) }
