package exec

import (
	"fmt"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/kernel"
)

// Losses. Each returns the mean over the batch and the gradient of that mean with respect to its first argument, which Tape.Backward takes as a seed. They compute in float64 and round the gradient once.

// CrossEntropy is the mean of −log p(label) over a batch, p the softmax of logits [n, classes].
// perSample holds the loss of each sample.
func CrossEntropy(logits *Array, labels []int) (loss float64, perSample []float64, gradient *Array, err error) {
	n, classes, err := matrixOf("logits", logits)
	if err != nil {
		return 0, nil, nil, err
	}
	if len(labels) != n {
		return 0, nil, nil, fmt.Errorf("%d labels for %d samples", len(labels), n)
	}
	for i, l := range labels {
		if l < 0 || l >= classes {
			return 0, nil, nil, fmt.Errorf("label %d of sample %d is none of the %d classes", l, i, classes)
		}
	}
	gradient = NewArray(ir.Float32, n, classes)
	perSample = make([]float64, n)
	z, g := logits.Float32s(), gradient.Float32s()
	logp := make([]float64, classes)
	for i, label := range labels {
		logSoftmax64(logp, z[i*classes:], 1)
		perSample[i] = -logp[label]
		for k, lp := range logp {
			target := 0.0
			if k == label {
				target = 1
			}
			g[i*classes+k] = float32((kernel.Exp64(lp) - target) / float64(n))
		}
	}
	return mean(perSample), perSample, gradient, nil
}

// SoftKL is the mean of τ²·KL(p_teacher ‖ p_student) over a batch of logits [n, classes], both softened by the
// temperature τ (Hinton et al. 2015, "Distilling the Knowledge in a Neural Network"); τ² keeps the size of the gradient
// the same for every temperature. The gradient is the student's.
func SoftKL(student, teacher *Array, temperature float64) (loss float64, gradient *Array, err error) {
	n, classes, err := matrixOf("student logits", student)
	if err != nil {
		return 0, nil, err
	}
	if teacher.DType != ir.Float32 || !sameShape(student, teacher) {
		return 0, nil, fmt.Errorf("the teacher's logits are %s %v, the student's float32 %v", teacher.DType, teacher.Shape, student.Shape)
	}
	if !(temperature > 0) {
		return 0, nil, fmt.Errorf("temperature is %v; it must be above 0", temperature)
	}
	gradient = NewArray(ir.Float32, n, classes)
	perSample := make([]float64, n)
	z, t, g := student.Float32s(), teacher.Float32s(), gradient.Float32s()
	logs, logt := make([]float64, classes), make([]float64, classes)
	for i := range n {
		logSoftmax64(logs, z[i*classes:], temperature)
		logSoftmax64(logt, t[i*classes:], temperature)
		kl := 0.0
		for k, lt := range logt {
			pt := kernel.Exp64(lt)
			if pt > 0 { // where the teacher is sure that it is not, nothing is lost
				kl += float64(pt * (lt - logs[k]))
			}
			g[i*classes+k] = float32(temperature * (kernel.Exp64(logs[k]) - pt) / float64(n))
		}
		perSample[i] = float64(temperature*temperature) * kl
	}
	return mean(perSample), gradient, nil
}

// MSE is the mean over all elements of (value − target)².
func MSE(value, target *Array) (loss float64, gradient *Array, err error) {
	if value.DType != ir.Float32 || target.DType != ir.Float32 || !sameShape(value, target) {
		return 0, nil, fmt.Errorf("the value is %s %v, the target %s %v", value.DType, value.Shape, target.DType, target.Shape)
	}
	if value.Len() == 0 {
		return 0, nil, fmt.Errorf("values of shape %v are empty", value.Shape)
	}
	gradient = NewArray(ir.Float32, value.Shape...)
	v, t, g := value.Float32s(), target.Float32s(), gradient.Float32s()
	scale := 2 / float64(len(v))
	for i := range g {
		d := float64(v[i]) - float64(t[i])
		loss += float64(d * d)
		g[i] = float32(d * scale)
	}
	return loss / float64(len(v)), gradient, nil
}

// logSoftmax64 sets dst to the logarithm of the softmax of z/temperature.
func logSoftmax64(dst []float64, z []float32, temperature float64) {
	z = z[:len(dst)]
	top := z[0]
	for _, v := range z {
		top = max(top, v)
	}
	total := 0.0
	for k, v := range z {
		dst[k] = (float64(v) - float64(top)) / temperature
		total += kernel.Exp64(dst[k])
	}
	log := kernel.Log64(total)
	for k := range dst {
		dst[k] -= log
	}
}

func matrixOf(what string, a *Array) (rows, columns int, err error) {
	if a.DType != ir.Float32 || len(a.Shape) != 2 || a.Len() == 0 {
		return 0, 0, fmt.Errorf("%s are %s %v; they must be float32 [samples, classes]", what, a.DType, a.Shape)
	}
	return a.Shape[0], a.Shape[1], nil
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}
