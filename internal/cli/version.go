package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/pare-ml/pare/internal/gnuflag"
)

var versionVerb = &verb{
	name: "version", summary: "which pare this is", max: 0,
	long: "Prints the version, the revision it was built from if known, the Go release and the platform.",
	setup: func(*gnuflag.Set) func(*session, []string) error {
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
