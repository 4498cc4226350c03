package schema

import (
	"fmt"
	"path"
	"strings"
	"unicode"
)

// Longest path and segment of one; what fits here fits every file system in use.
const (
	longestPath    = 1000
	longestSegment = 200
)

// refusePath says why a recipe may not name this path, or returns "". A recipe must mean the same files on any
// computer, and must not reach what the repository did not give it: so paths are relative, with / between segments,
// and nothing in them is expanded. inside also refuses to leave the folder.
//
// ../ is allowed for files to read: whether they are inside the repository depends on its root, which the text does
// not know. The caller opens them through an os.Root.
func refusePath(s string, inside bool) string {
	switch {
	case s == "":
		return "is empty; it must be a path relative to the recipe"
	case len(s) > longestPath:
		return fmt.Sprintf("is %d bytes long; a path may have %d", len(s), longestPath)
	case hasScheme(s):
		return "is an address; recipes name files of the repository only: fetch it and write its relative path"
	case strings.Contains(s, `\`):
		return fmt.Sprintf(`is %s; paths are written with /, never \`, quoteShort(s))
	case strings.HasPrefix(s, "/"):
		return fmt.Sprintf("is the absolute path %s; it must be relative, so that the recipe works on any computer", quoteShort(s))
	case len(s) >= 2 && s[1] == ':':
		return fmt.Sprintf("is %s, a path on a drive; it must be relative, so that the recipe works on any computer", quoteShort(s))
	case strings.HasPrefix(s, "~"):
		return fmt.Sprintf("is %s; ~ is not expanded: write a path relative to the recipe", quoteShort(s))
	case strings.Contains(s, "$"):
		return fmt.Sprintf("is %s; variables of the environment are never filled in: write the path, or ${{ vars.name }}", quoteShort(s))
	}
	for _, r := range s {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return fmt.Sprintf("is %s; it holds the control character %U", quoteShort(s), r)
		}
		if strings.ContainsRune(`<>:"|?*`, r) {
			return fmt.Sprintf("is %s; %c cannot stand in a file name on every computer", quoteShort(s), r)
		}
	}
	for _, segment := range strings.Split(strings.TrimSuffix(s, "/"), "/") {
		if why := refuseSegment(segment); why != "" {
			return fmt.Sprintf("is %s; %s", quoteShort(s), why)
		}
	}
	clean := path.Clean(s)
	if inside && (clean == ".." || strings.HasPrefix(clean, "../")) {
		return fmt.Sprintf("is %s; what a recipe writes must stay in its output folder", quoteShort(s))
	}
	if inside && clean == "." {
		return fmt.Sprintf("is %s; it must name a file in the output folder", quoteShort(s))
	}
	return ""
}

// hasScheme tells whether a text begins as an address does: letters, then ://.
func hasScheme(s string) bool {
	scheme, _, ok := strings.Cut(s, "://")
	if !ok || scheme == "" {
		return false
	}
	for _, c := range []byte(scheme) {
		if !isLetter(c) && (c < '0' || c > '9') && c != '+' && c != '-' && c != '.' {
			return false
		}
	}
	return true
}

func refuseSegment(s string) string {
	switch {
	case s == "":
		return "it has an empty segment"
	case s == "." || s == "..":
		return ""
	case len(s) > longestSegment:
		return fmt.Sprintf("a segment of it is %d bytes long; it may have %d", len(s), longestSegment)
	case strings.HasSuffix(s, "."), strings.HasSuffix(s, " "):
		return "a segment of it ends in a point or a space, which Windows drops"
	case strings.EqualFold(s, ".git"):
		return "recipes have no business inside .git"
	}
	base, _, _ := strings.Cut(s, ".")
	switch strings.ToUpper(strings.TrimSpace(base)) {
	case "CON", "PRN", "AUX", "NUL",
		"COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9",
		"LPT1", "LPT2", "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9":
		return fmt.Sprintf("%s is a device on Windows", base)
	}
	return ""
}
