package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/pflag"
)

var versionVerb = &verb{
	name: "version", quick: true, summary: "which pare this is", max: 0,
	long: "Prints the version, the revision it was built from if known, the Go release and the platform.",
	setup: func(*pflag.FlagSet) func(*session, []string) error {
		return func(s *session, _ []string) error {
			_, err := fmt.Fprintf(s.stdout, "pare %s (%s, %s/%s)\n", Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		}
	},
}

// Version is the module's version as the build recorded it, or "development".
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "development"
	}
	return info.Main.Version
}

// release is the version that counts where equal bytes matter: of a tagged release, else development. A build from any
// other commit names that commit, and a result that holds the name would change with every commit.
func release() string {
	v := Version()
	parts := strings.Split(v, "-")
	last := parts[len(parts)-1]
	if !strings.HasPrefix(v, "v") || strings.Contains(v, "+") || len(parts) > 1 && len(last) == 12 && isHex(last) {
		return "development"
	}
	return v
}

func isHex(s string) bool {
	return strings.Trim(s, "0123456789abcdef") == ""
}
