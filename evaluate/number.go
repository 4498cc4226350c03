package evaluate

import (
	"math"
	"strconv"
	"strings"

	"github.com/pare-ml/pare/internal/human"
)

// numbers is a way to write the numbers of one unit: what write gives stands alone in ranges, and with unit behind it
// elsewhere.
type numbers struct {
	digits int
	unit   string
	write  func(v float64, digits int) string
}

// amountNumbers writes values: 91.62%, 0.2314 nats, 271.1 kB, 8.31 bits, 38.2 dB, 271,098.
func amountNumbers(u Unit) numbers {
	n := numbers{digits: 2, write: finite(fixed)}
	switch u {
	case Share:
		n.write = finite(func(v float64, digits int) string { return fixed(v*100, digits) + "%" })
	case Bytes:
		n.digits, n.write = 1, finite(bytesText)
	case Count:
		n.write = finite(trim)
	case Nats:
		n.digits, n.unit = 4, " nats"
	case Decibel:
		n.digits, n.unit = 1, " dB"
	case Bits:
		n.unit = " bits"
	}
	return n
}

// differenceNumbers writes differences of two values: those of shares count in points.
func differenceNumbers(u Unit) numbers {
	if u != Share {
		return amountNumbers(u)
	}
	return numbers{2, " points", finite(func(v float64, digits int) string { return fixed(v*100, digits) })}
}

func finite(write func(float64, int) string) func(float64, int) string {
	return func(v float64, digits int) string {
		switch {
		case math.IsNaN(v):
			return notANumber
		case math.IsInf(v, 1):
			return infinite
		case math.IsInf(v, -1):
			return "-" + infinite
		}
		return write(v, digits)
	}
}

// apart writes two values without their unit, different ones with as many decimals as it takes to tell them apart, so
// that no message says that 1.00 is more than 1.00.
func (n numbers) apart(a, b float64) (string, string) {
	for digits := n.digits; ; digits++ {
		x, y := n.write(a, digits), n.write(b, digits)
		if x != y || a == b || digits >= n.digits+6 {
			return x, y
		}
	}
}

// with puts the unit behind a written value.
func (n numbers) with(text string) string {
	if strings.HasSuffix(text, infinite) || text == notANumber {
		return text
	}
	return text + n.unit
}

func (n numbers) text(v float64) string { return n.with(n.write(v, n.digits)) }

const infinite, notANumber = "infinite", "not a number"

// amount writes a value for a reader.
func amount(u Unit, v float64) string { return amountNumbers(u).text(v) }

// difference writes a difference of two values for a reader.
func difference(u Unit, v float64) string { return differenceNumbers(u).text(v) }

// percent writes a ratio: 95%, 99.9%.
func percent(ratio float64) string { return trim(ratio*100, 2) + "%" }

// fixed writes v with thousands separated and this many decimals; never "-0.00".
func fixed(v float64, digits int) string {
	s := strconv.FormatFloat(math.Abs(v), 'f', digits, 64)
	whole, frac, dot := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if s = whole; dot {
		s += "." + frac
	}
	if v < 0 && strings.Trim(s, "0.,") != "" {
		return "-" + s
	}
	return s
}

// trim is fixed without zeros at the end.
func trim(v float64, digits int) string {
	s := fixed(v, digits)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// bytesText writes a size: 812 B, 271.1 kB, 1.2 MB. More than one digit, asked for to tell two sizes apart, gives the
// bytes themselves.
func bytesText(v float64, digits int) string {
	if digits > 1 {
		return fixed(v, 0) + " bytes"
	}
	return human.Bytes(int64(math.Round(v)))
}

// thousands writes an integer with its thousands separated.
func thousands(n int) string { return human.Count(int64(n)) }

// roundUp rounds a number of samples up to three digits: what it is meant for is not known any better.
func roundUp(n int) int {
	unit := 1
	for n/unit >= 1000 {
		unit *= 10
	}
	return (n + unit - 1) / unit * unit
}
