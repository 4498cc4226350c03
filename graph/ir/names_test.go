package ir_test

import (
	"os"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
)

func TestRoleOfName(t *testing.T) {
	text, err := os.ReadFile("testdata/names.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, want, _ := strings.Cut(line, " ")
		got := strings.Join(ir.RoleOfName(name), " ")
		if got == "" {
			got = "-"
		}
		if got != want {
			t.Errorf("%s tells %s, want %s", name, got, want)
		}
	}
	for _, name := range []string{"", ".", "/", "a", "weight", strings.Repeat("/q_proj", 10000)} {
		ir.RoleOfName(name)
	}
}

// The names of roles in the table are roles.
func TestNamesOfRoles(t *testing.T) {
	known := map[string]bool{}
	for _, w := range ir.LayerRoles {
		if known[w.Name] || w.Doc == "" {
			t.Errorf("role %q stands twice or has no text", w.Name)
		}
		known[w.Name] = true
	}
	text, _ := os.ReadFile("testdata/names.txt")
	for _, line := range strings.Split(string(text), "\n") {
		name, _, _ := strings.Cut(line, " ")
		for _, r := range ir.RoleOfName(name) {
			if !known[r] {
				t.Errorf("%s has role %q, which there is not", name, r)
			}
		}
	}
}
