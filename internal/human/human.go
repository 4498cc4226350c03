// Package human writes numbers the way people read them.
package human

import (
	"fmt"
	"strconv"
	"strings"
)

// Count writes a whole number with thousands separated: 12,345.
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Bytes writes a size in decimal units with one decimal: 512 B, 12.3 kB, 1.0 MB.
func Bytes(n int64) string {
	if n < 1000 && n > -1000 {
		return fmt.Sprintf("%d B", n)
	}
	return scale(float64(n), []string{"kB", "MB", "GB", "TB"})
}

// Short writes a large number with three digits or so: 999, 12.3 k, 4.5 M.
func Short(n int64) string {
	if n < 1000 && n > -1000 {
		return strconv.FormatInt(n, 10)
	}
	return scale(float64(n), []string{"k", "M", "G", "T"})
}

func scale(v float64, units []string) string {
	u := -1
	for (v >= 999.95 || v <= -999.95) && u < len(units)-1 {
		v /= 1000
		u++
	}
	return fmt.Sprintf("%.1f %s", v, units[u])
}

// Percent writes a share: 0.253 is 25.3%.
func Percent(share float64) string { return fmt.Sprintf("%.1f%%", 100*share) }
