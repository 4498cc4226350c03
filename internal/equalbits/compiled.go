package equalbits

import (
	"bytes"
	"fmt"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Compiled builds a package and those of its module that it needs for a processor with fused instructions, and finds
// each such instruction that the source does not ask for with math.FMA. It sees what Check cannot follow, in the
// compiler at hand. env chooses the processor, such as "GOARCH=arm64".
func Compiled(dir, pattern, module string, env ...string) ([]Finding, error) {
	cmd := exec.Command("go", "build", "-o", os.DevNull, "-gcflags="+module+"/...=-S", pattern)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("go build %s with %s: %w\n%s", pattern, strings.Join(env, " "), err, out[max(0, len(out)-2000):])
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	lines := map[string][]string{}
	var findings []Finding
	for line := range bytes.Lines(out) {
		m := fusedInstruction.FindSubmatch(line)
		if m == nil {
			continue
		}
		file, op := string(m[1]), string(m[3])
		n, err := strconv.Atoi(string(m[2]))
		if err != nil {
			return nil, err
		}
		if lines[file] == nil {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			lines[file] = strings.Split(string(text), "\n")
		}
		if n > len(lines[file]) {
			return nil, fmt.Errorf("the compiler speaks of line %d of %s, which has %d", n, file, len(lines[file]))
		}
		if asksForFMA.MatchString(lines[file][n-1]) || strings.Contains(strings.Join(lines[file][max(0, n-2):n], "\n"), marker) {
			continue
		}
		name := file
		if rel, err := filepath.Rel(dir, file); err == nil && filepath.IsLocal(rel) {
			name = rel
		}
		findings = append(findings, Finding{token.Position{Filename: name, Line: n, Column: 1},
			op + " with " + strings.Join(env, " ") + ": the compiler fused a product with a sum"})
	}
	return findings, nil
}

// A line of the compiler's listing: 0x0012 00018 (file.go:12)	VFMADD231SD	X1, X2, X0
var (
	fusedInstruction = regexp.MustCompile(`\((/?[^()]+\.go):(\d+)\)\s+(V?FN?M(?:ADD|SUB)[A-Z0-9]*)\s`)
	asksForFMA       = regexp.MustCompile(`\bmath\.FMA\(`)
)
