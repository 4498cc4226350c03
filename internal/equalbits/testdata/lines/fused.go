package lines

import "lines/arith"

type vec struct{ x, y float32 }

type number interface{ ~float32 | ~float64 }

func products(a, b, c float32, d, e, f float64, v []float32, p *float64, s vec) {
	_ = a*b + c                                // want "write float32"
	_ = a*b - c                                // want "write float32"
	_ = c - a*b                                // want "write float32"
	_ = c + (a * b)                            // want "write float32"
	_ = c - (-(a * b))                         // want "write float32"
	_ = d*e + f                                // want "write float64"
	_ = float64(d*e) + f*f                     // want "write float64"
	_ = float64(a*b) + d                       // want "write float64"
	_ = f + d/4                                // want "write float64"
	_ = v[0]*v[1] + v[2]                       // want "write float32"
	_ = s.x*s.y + 1                            // want "write float32"
	c += a * b                                 // want "write float32"
	c -= v[int(a)] * s.x                       // want "write float32"
	v[3] += a * b                              // want "write float32"
	_ = arith.Plus(c64(a), c64(b)*d)           // want "fused with the sum at arith.go"
	_ = arith.Mad(d, e, e*f)                   // want "fused with the sum at arith.go"
	_ = float64(a) * float64(b) * d * e        // no sum
	_ = float32(a*b) + c                       // rounded
	_ = float32(d*e) + c                       // rounded to fewer digits
	_ = arith.Rounded(d, e) + f                // rounded
	_ = arith.Times(d, e) + f                  // found where the product is
	_ = arith.Times(d, e) / f                  // no sum
	_ = 3*2.5 + d                              // a constant
	_ = d/3 + e                                // nothing divides and adds at once
	_ = int(a)*int(b) + int(c)                 // whole numbers
	_ = float32(float32(a*b)+c) + float32(a*c) // rounded
}

func c64(x float32) float64 { return float64(x) }

func variables(a, b, c float64, v []float64, s *vec) float64 {
	t := a * b // want "fused with the sum at fused.go:42"
	c = t + c
	u := a * b // multiplied only
	u /= c
	var w = b * c // want "fused with the sum at fused.go:48"
	if a > 0 {
		x := w
		c -= x
	}
	v[0] = a * b // want "fused with the sum at fused.go:51"
	c += v[0]
	s.x *= s.y // want "fused with the sum at fused.go:53"
	s.x++
	y := float64(a * b)
	y += c
	return u * y
}

func named(a, b float64) (r float64, ok bool) {
	r = a * b // want "fused with the sum at fused.go:66"
	return r, true
}

func takes(c float64) float64 {
	r, _ := named(c, c)
	return r - c
}

func generic[T number](a, b, c T) T {
	return a*b + c // want "write T"
}

func allowed(a, b, c float64) float64 {
	d := a*b + c //equalbits:ok for a log line only
	//equalbits:ok this one too
	return a*b - d
}

func literal(c float64) func(a, b float64) float64 {
	return func(a, b float64) float64 { return a*b + c } // want "write float64"
}
