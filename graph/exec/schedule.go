package exec

import (
	"math"

	"github.com/pare-ml/pare/internal/kernel"
)

// Schedule gives the factor on the learning rate at a step, counted from 0. Schedules are pure: the same step has the
// same factor, on any machine.
type Schedule func(step int) float64

// Constant is 1 at every step.
func Constant() Schedule { return func(int) float64 { return 1 } }

// Linear falls in a line from 1 at step 0 to 0 at step total.
func Linear(total int) Schedule {
	return func(step int) float64 { return 1 - progress(step, total) }
}

// Cosine falls along half a cosine from 1 at step 0 to 0 at step total (Loshchilov and Hutter 2016, "SGDR", without
// restarts).
func Cosine(total int) Schedule {
	return func(step int) float64 { return 0.5 * (1 + kernel.Cos64(float64(math.Pi*progress(step, total)))) }
}

// StepDecay multiplies by factor after every so many steps.
func StepDecay(every int, factor float64) Schedule {
	return func(step int) float64 {
		f := 1.0
		for range max(0, step) / max(1, every) {
			f *= factor
		}
		return f
	}
}

// Warmup rises in a line to the first factor of s over steps steps, then follows s from its step 0.
func Warmup(steps int, s Schedule) Schedule {
	return func(step int) float64 {
		if step < steps {
			return s(0) * float64(step+1) / float64(steps+1)
		}
		return s(step - steps)
	}
}

// progress is the part of total that step has reached, within 0 and 1.
func progress(step, total int) float64 {
	if total < 1 {
		return 1
	}
	return min(1, max(0, float64(step)/float64(total)))
}
