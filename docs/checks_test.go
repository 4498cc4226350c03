package docs_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pare-ml/pare/internal/cli"
	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
)

// Every code has a section in checks.md that says its severity, and every section is about a code. With -update the
// severities and the list at the head of the page are written.
func TestChecks(t *testing.T) {
	checks := cli.Suite().Language().AllChecks()
	page := read(t, "checks.md")
	want := withIndex(withSeverities(page, checks), checks)
	if *update && want != page {
		if err := os.WriteFile("checks.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != page {
		t.Error("the severities or the list of checks.md are not what the program says; go test ./docs -update writes them")
	}
	var sections []string
	section, shown, last := "", "", 0
	after := "" // what the page says behind the last example of a section
	done := func() {
		if shown != "" && strings.TrimSpace(after) == "" {
			t.Errorf("checks.md: the section %s does not end with what to do", section)
		}
		if shown != "" && !strings.Contains(shown, "["+section+"]") {
			t.Errorf("checks.md: the example of %s does not fire it", section)
		}
	}
	for _, b := range append(blocks(page), block{kind: "heading", start: len(page)}) {
		if last > 0 {
			after = page[last:max(b.start, last)]
		}
		if last = b.end; b.kind != "heading" {
			last += len("```\n")
		}
		switch b.kind {
		case "heading":
			done()
			section, shown = b.text, ""
		case "console":
			shown += b.text
		}
		if b.level != 3 {
			continue
		}
		if slices.Contains(sections, b.text) {
			t.Errorf("checks.md:%d: %s stands twice", b.line, b.text)
		}
		sections = append(sections, b.text)
		if !slices.ContainsFunc(checks, func(c recipe.Check) bool { return c.Code == b.text }) {
			t.Errorf("checks.md:%d: nothing reports %s", b.line, b.text)
		}
	}
	for _, c := range checks {
		if !slices.Contains(sections, c.Code) {
			t.Errorf("checks.md has no section %s", c.Code)
		}
	}
}

// withSeverities writes below each heading of a code how grave it is.
func withSeverities(page string, checks []recipe.Check) string {
	lines := strings.Split(page, "\n")
	for i, line := range lines {
		code, ok := strings.CutPrefix(line, "### ")
		if !ok || i+2 >= len(lines) {
			continue
		}
		for _, c := range checks {
			if c.Code == code {
				lines[i+2] = severity(c)
			}
		}
	}
	return strings.Join(lines, "\n")
}

func severity(c recipe.Check) string {
	text := c.Severity.String()
	switch {
	case c.Severity != diag.Error:
		text += "; can be silenced"
	case c.Mixed:
		text += "; in some forms less grave, and can then be silenced"
	}
	if c.Model {
		text += "; needs the model's header or its manifest"
	}
	return "*" + text + "*"
}

// withIndex writes the list of codes.
func withIndex(page string, checks []recipe.Check) string {
	const from, to = "<!-- index -->\n", "<!-- /index -->"
	head, rest, ok := strings.Cut(page, from)
	_, tail, closed := strings.Cut(rest, to)
	if !ok || !closed {
		return page
	}
	var b strings.Builder
	b.WriteString("| code | severity | what fires it |\n|---|---|---|\n")
	for _, c := range checks {
		fmt.Fprintf(&b, "| [%s](#%[1]s) | %s | %s |\n", c.Code, c.Severity, strings.ReplaceAll(c.Doc, "|", `\|`))
	}
	return head + from + b.String() + to + tail
}
