package ggml

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestAVX2Registers holds the functions for AVX2 to the 16 registers that it has; the assembler knows 32 and would
// encode the others for AVX-512.
func TestAVX2Registers(t *testing.T) {
	b, err := os.ReadFile("kernels_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	beyond := regexp.MustCompile(`\b([XY](1[6-9]|2\d|3[01])|Z\d+|K\d)\b`)
	name := ""
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "TEXT ·"); ok {
			name, _, _ = strings.Cut(rest, "(")
		}
		if strings.HasPrefix(name, "avx2") && beyond.MatchString(line) {
			t.Errorf("%s: %s", name, strings.TrimSpace(line))
		}
	}
	if name == "" {
		t.Error("no function was found")
	}
}
