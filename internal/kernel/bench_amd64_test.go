//go:build amd64 && !purego

package kernel

func init() {
	const steps, chains = 5000, 12
	peaks["avx512"] = func() float64 { avx512Peak(steps); return steps * chains * 16 * 2 }
	peaks["avx2"] = func() float64 { avx2Peak(steps); return steps * chains * 8 * 2 }
}
