package schema

import "fmt"

// ParseSize reads a size as recipes write one, for flags: 5GB, 300KiB, 1.5MB.
func ParseSize(text string) (bytes int64, err error) {
	bytes, unit, ok := readSize(text)
	switch {
	case ok:
		return bytes, nil
	case unit == "":
		return 0, fmt.Errorf("%.60q is not a size; one looks like 5GB or 300MiB", text)
	case !knownUnit(unit):
		return 0, fmt.Errorf("%.60q is not a unit of sizes; there are B, kB, MB, GB, TB, KiB, MiB, GiB, TiB", unit)
	}
	return 0, fmt.Errorf("%.60q is not a whole number of bytes that fits 64 bits", text)
}
