package kernel

import "math"

// Momentum is a step of gradient descent with momentum (Sutskever et al., "On the importance of initialization and
// momentum in deep learning", 2013).
type Momentum struct {
	Rate, Momentum, Decay float32
	Nesterov              bool
}

// Update moves the weights w and their velocities v by the gradients g: d = g + decay·w, v ← momentum·v + d, and w ←
// w - rate·v, or with Nesterov w ← w - rate·(d + momentum·v).
func (s *Momentum) Update(w, v, g []float32) {
	mustMatch(len(w), len(v))
	mustMatch(len(w), len(g))
	for i := momentumVectors(s, w, v, g); i < len(w); i++ {
		d := g[i] + float32(s.Decay*w[i])
		v[i] = float32(s.Momentum*v[i]) + d
		step := v[i]
		if s.Nesterov {
			step = d + float32(s.Momentum*v[i])
		}
		w[i] -= float32(s.Rate * step)
	}
}

// Adam is a step of Adam with decoupled weight decay (Loshchilov and Hutter, "Decoupled weight decay regularization",
// 2017). Rest1 and Rest2 are 1 - Beta1 and 1 - Beta2; Step is the rate over 1 - beta1^t, Scale is 1/√(1 - beta2^t), and
// Shrink is the rate times the decay.
type Adam struct{ Beta1, Rest1, Beta2, Rest2, Step, Scale, Epsilon, Shrink float32 }

// Update moves the weights w and the running means m of the gradients and v of their squares by the gradients g: w ←
// w - step·m/(√v·scale + epsilon) - shrink·w.
func (s *Adam) Update(w, m, v, g []float32) {
	mustMatch(len(w), len(m))
	mustMatch(len(w), len(v))
	mustMatch(len(w), len(g))
	for i := adamVectors(s, w, m, v, g); i < len(w); i++ {
		m[i] = float32(s.Beta1*m[i]) + float32(s.Rest1*g[i])
		v[i] = float32(s.Beta2*v[i]) + float32(s.Rest2*float32(g[i]*g[i]))
		root := float32(float32(math.Sqrt(float64(v[i])))*s.Scale) + s.Epsilon
		w[i] = w[i] - float32(s.Step*float32(m[i]/root)) - float32(s.Shrink*w[i])
	}
}
