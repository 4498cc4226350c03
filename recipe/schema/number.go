package schema

import (
	"math/big"
	"strconv"
	"strings"

	"github.com/pare-ml/pare/internal/lazyregexp"
)

// form of a plain scalar that may be a number. YAML's many ways of writing one are read differently by different
// readers, so only the plain ways are numbers; the others are recognised to say what to write.
type form uint8

const (
	notNumber  form = iota
	plainInt        // 8, -3, +1
	plainFloat      // 0.5, .5, 1e-4
	oddNumber       // 017, 0x1F, 1_000, 5., .nan, .inf, 2001-01-01
)

// odd says why a form is refused and what to write instead, if that is sure.
type odd struct{ why, write string }

var (
	zeroForm   = lazyregexp.New(`^[-+]?0[0-9]+(\.[0-9]+)?$`)
	baseForm   = lazyregexp.New(`^[-+]?0([xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)$`)
	groupForm  = lazyregexp.New(`^[-+]?[0-9][0-9_]*(\.[0-9_]+)?([eE][-+]?[0-9]+)?$`)
	pointForm  = lazyregexp.New(`^[-+]?(0|[1-9][0-9]*)\.$`)
	dateForm   = lazyregexp.New(`^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?$`)
	nanForm    = lazyregexp.New(`^(?i:[-+]?\.?nan)$`)
	infForm    = lazyregexp.New(`^(?i:[-+]?\.?inf(inity)?)$`)
	sizeForm   = lazyregexp.New(`^([-+]?[0-9]+(?:\.[0-9]+)?) ?([A-Za-z]+)$`)
	longNumber = 400 // bytes; nothing longer is taken for a number
)

// readNumber classifies the text of a plain scalar. What is cheap to see is asked before an expression is compiled.
func readNumber(s string) (form, odd) {
	bare := strings.TrimPrefix(strings.TrimPrefix(s, "+"), "-") // of its sign
	switch {
	case s == "" || len(s) > longNumber || !strings.ContainsRune("0123456789+-.nNiI", rune(s[0])):
		return notNumber, odd{}
	case plainNumber(s) != notNumber:
		return plainNumber(s), odd{}
	case strings.HasPrefix(bare, "0") && zeroForm.MatchString(s):
		return oddNumber, odd{"with a leading zero, which some readers take for octal", stripZeros(s)}
	case strings.HasPrefix(bare, "0") && baseForm.MatchString(s):
		return oddNumber, odd{"which is not decimal", decimal(s)}
	case strings.Contains(s, "_") && groupForm.MatchString(s):
		return oddNumber, odd{"with digits grouped by _", plainDigits(s)}
	case strings.HasSuffix(s, ".") && pointForm.MatchString(s):
		return oddNumber, odd{"with nothing after the point", strings.TrimSuffix(s, ".")}
	case strings.Contains(s, "-") && dateForm.MatchString(s):
		return oddNumber, odd{"which is a date", ""}
	case len(bare) <= len(".nan") && strings.ContainsAny(s, "aA") && nanForm.MatchString(s):
		return oddNumber, odd{"which is not a number", ""}
	case len(bare) <= len(".infinity") && strings.ContainsAny(s, "fF") && infForm.MatchString(s):
		return oddNumber, odd{"which is infinite", ""}
	}
	return notNumber, odd{}
}

// plainNumber tells an integer, [-+]?(0|[1-9][0-9]*), and any other plain number, which has a fraction or an exponent:
// [-+]?((0|[1-9][0-9]*)(\.[0-9]+)?|\.[0-9]+)([eE][-+]?[0-9]+)?
func plainNumber(s string) form {
	i, kind := 0, plainInt
	digits := func() int {
		start := i
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		return i - start
	}
	next := func(set string) bool {
		if i < len(s) && strings.IndexByte(set, s[i]) >= 0 {
			i++
			return true
		}
		return false
	}
	next("+-")
	start := i
	whole := digits()
	if whole > 1 && s[start] == '0' {
		return notNumber
	}
	if next(".") {
		if kind = plainFloat; digits() == 0 {
			return notNumber
		}
	} else if whole == 0 {
		return notNumber
	}
	if next("eE") {
		kind = plainFloat
		next("+-")
		if digits() == 0 {
			return notNumber
		}
	}
	if i < len(s) {
		return notNumber
	}
	return kind
}

func stripZeros(s string) string {
	sign := ""
	if s[0] == '-' || s[0] == '+' {
		sign, s = strings.Trim(s[:1], "+"), s[1:]
	}
	s = strings.TrimLeft(s, "0")
	if s == "" || s[0] == '.' {
		s = "0" + s
	}
	return sign + s
}

func decimal(s string) string {
	v, ok := new(big.Int).SetString(strings.TrimPrefix(s, "+"), 0)
	if !ok {
		return ""
	}
	return v.String()
}

// plainDigits drops the underscores; it returns "" if what is left is odd in another way.
func plainDigits(s string) string {
	s = strings.ReplaceAll(s, "_", "")
	if f, o := readNumber(s); f == oddNumber {
		return o.write
	}
	return s
}

// Units of sizes and how many bytes each is.
var units = []struct {
	name  string
	bytes int64
}{
	{"B", 1},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
}

// readSize reads a size with its unit, exactly. The unit is returned even if it is not known.
func readSize(s string) (bytes int64, unit string, ok bool) {
	if len(s) > longNumber {
		return 0, "", false
	}
	m := sizeForm.FindStringSubmatch(s)
	if m == nil {
		return 0, "", false
	}
	for _, u := range units {
		if u.name != m[2] {
			continue
		}
		v, ok := new(big.Rat).SetString(m[1])
		if !ok {
			return 0, u.name, false
		}
		v.Mul(v, new(big.Rat).SetInt64(u.bytes))
		if !v.IsInt() || !v.Num().IsInt64() {
			return 0, u.name, false
		}
		return v.Num().Int64(), u.name, true
	}
	return 0, m[2], false
}

// formatSize writes a size in the largest unit that divides it, so that reading it again gives the same.
func formatSize(n int64) string {
	best := units[0]
	for _, u := range units {
		if n != 0 && n%u.bytes == 0 && u.bytes > best.bytes {
			best = u
		}
	}
	return strconv.FormatInt(n/best.bytes, 10) + best.name
}

// readPercent reads the number before a % sign as a share, correctly rounded.
func readPercent(s string) (float64, bool) {
	num := strings.TrimSuffix(s, "%")
	if num == s || len(num) > longNumber || plainNumber(num) == notNumber {
		return 0, false
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(num), "e")
	e := 0
	if exponent != "" {
		var err error
		if e, err = strconv.Atoi(exponent); err != nil || e > 400 || e < -400 {
			return 0, false
		}
	}
	v, err := strconv.ParseFloat(mantissa+"e"+strconv.Itoa(e-2), 64)
	return v, err == nil
}

// formatShare writes a share so that reading it again gives the same: as a number up to 1, above as a percentage.
func formatShare(v float64) string {
	if v <= 1 {
		return formatFloat(v)
	}
	return formatPercent(v)
}

// formatPercent writes a share in percent: its shortest digits with the point moved, so that reading them gives v.
func formatPercent(v float64) string {
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', -1, 64), "e")
	e, _ := strconv.Atoi(exponent)
	moved := mantissa + "e" + strconv.Itoa(e+2)
	if p, err := strconv.ParseFloat(moved, 64); err == nil {
		if back, ok := readPercent(formatFloat(p) + "%"); ok && back == v {
			return formatFloat(p) + "%"
		}
	}
	return moved + "%"
}

// formatFloat writes a number in the shortest plain way that reads back the same.
func formatFloat(v float64) string {
	if a := max(v, -v); a != 0 && (a < 1e-5 || a >= 1e15) {
		return strconv.FormatFloat(v, 'e', -1, 64)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}
