package measure

import "math"

// histogramBins is the number of bins of equal width over a value's range, as in the calibrators of TensorRT.
const histogramBins = 2048

// bin adds the elements of x to the histogram. Exact zeros are counted apart: every range represents them exactly, so
// they say nothing about where to cut.
func (o *observed) bin(x []float32, magnitudes bool) {
	lo, hi := o.lo, o.hi
	if magnitudes {
		lo, hi = 0, max(-o.lo, o.hi)
	}
	if hi <= lo {
		o.zeros += int64(len(x))
		return
	}
	perUnit := histogramBins / (hi - lo)
	if math.IsInf(perUnit, 0) { // a range of the least denormals
		o.zeros += int64(len(x))
		return
	}
	for _, v := range x {
		if v == 0 {
			o.zeros++
			continue
		}
		y := float64(v)
		if magnitudes {
			y = math.Abs(y)
		}
		i := int((y - lo) * perUnit)
		o.bins[min(max(i, 0), histogramBins-1)]++
	}
}

// histogram is a filled histogram as an observer reads it.
type histogram struct {
	lo, width float64 // of the first bin
	bins      []int64
	zeros     int64
}

func (o *observed) histogram(magnitudes bool) histogram {
	lo, hi := o.lo, o.hi
	if magnitudes {
		lo, hi = 0, max(-o.lo, o.hi)
	}
	return histogram{lo: lo, width: (hi - lo) / histogramBins, bins: o.bins, zeros: o.zeros}
}

// center returns the number that bin i stands for.
func (h histogram) center(i int) float64 { return h.lo + float64((float64(i)+0.5)*h.width) }
