// Package lines holds lines that the checks find, and lines that they leave alone.
package lines

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2" // want "use internal/rng"
	"slices"
)

func functions(x, y float64) float64 {
	x = math.Sqrt(x) / math.Floor(y)
	x = math.FMA(x, y, x)
	f := math.Exp // want "math.Exp has other last bits"
	x = f(x)
	x = math.Pow(x, y)             // want "math.Pow"
	x = math.Log1p(x)              // want "math.Log1p"
	x = math.Hypot(x, math.Cos(y)) // want "math.Hypot" "math.Cos"
	//equalbits:ok printed only, with two digits
	x = math.Log(x)
	return x * rand.Float64() * math.Pi
}

func maps(m map[string]float64, out *bytes.Buffer) []string {
	var keys, sorted []string
	var sum float64
	var n int
	count := map[bool]float64{}
	lists := map[bool][]string{}
	for k, v := range m {
		keys = append(keys, k) // want "keys gets the order of a map"
		sum += v               // want "summed in the order of a map"
		fmt.Fprintln(out, k)   // want "written in the order of a map"
		out.WriteString(k)     // want "written in the order of a map"
		sorted = append(sorted, k)
		n++
		own := []string{}
		own = append(own, k)
		_ = own
		count[v > 0] += 1
		lists[v > 0] = append(lists[v > 0], k)
	}
	slices.Sort(sorted)
	for k, v := range sorted {
		keys = append(keys, v)
		sum += float64(k)
	}
	return keys
}

//equalbits:ok // want "say why"

func unused() {
	_ = 1 //equalbits:ok for no reason // want "remove the mark"
}
