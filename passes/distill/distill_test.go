package distill_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/exec"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
	"github.com/pare-ml/pare/graph/ir/dims"
	"github.com/pare-ml/pare/internal/dataset"
	"github.com/pare-ml/pare/passes/distill"
	"github.com/pare-ml/pare/passes/passtest"
)

// pruned returns a teacher and the same network with a third of its filters cut out.
func pruned(t *testing.T) (teacher, student *ir.Model) {
	t.Helper()
	teacher = passtest.ResNet()
	student = teacher.Clone()
	d, err := dims.Analyze(student)
	if err != nil {
		t.Fatal(err)
	}
	var gone []dims.Channel
	for _, kind := range d.Kinds() {
		gone = append(gone, kind[:len(kind)/3]...)
	}
	if _, err := d.Cut(gone); err != nil {
		t.Fatal(err)
	}
	return teacher, student
}

// data is what all tests train on.
func data() map[string]dataset.Set {
	return map[string]dataset.Set{"train": passtest.Samples(64, 1, 8, 8)}
}

// distance is the mean KL divergence from teacher to student, at temperature 1.
func distance(t *testing.T, teacher, student *ir.Model) float64 {
	t.Helper()
	index := make([]int, 64)
	for i := range index {
		index[i] = i
	}
	x, _, err := data()["train"].Batch(index)
	if err != nil {
		t.Fatal(err)
	}
	logits := func(m *ir.Model) *exec.Array {
		return exec.FromFloats(passtest.Outputs(t, m, x), 64, 5)
	}
	kl, _, err := exec.SoftKL(logits(student), logits(teacher), 1)
	if err != nil {
		t.Fatal(err)
	}
	return kl
}

func TestComesCloserToTheTeacher(t *testing.T) {
	teacher, student := pruned(t)
	before := distance(t, teacher, student)
	seen := map[string]string{}
	for _, params := range []string{
		"optimizer: {learning_rate: 5e-3}",
		"{temperature: 8, optimizer: {learning_rate: 5e-3}}",
		"optimizer: {kind: sgd, learning_rate: 0.01, momentum: 0.8, warmup: 5}",
		"{optimizer: {learning_rate: 5e-3}, schedule: constant}",
		"{optimizer: {learning_rate: 5e-3}, schedule: {kind: linear, end: 10%}}",
		"{optimizer: {learning_rate: 5e-3, weight_decay: 0.1}, augment: {shift: 1, flip: true}}",
		"{optimizer: {learning_rate: 5e-3}, losses: [{kind: logits, weight: 0.9}, {kind: labels, weight: 0.1}]}",
	} {
		t.Run(params, func(t *testing.T) {
			r := passtest.Run(t, distill.Pass, student, passtest.Step{Params: with(params), Data: data(), Input: teacher})
			after := distance(t, teacher, r.Model)
			if after > before/2 {
				t.Errorf("the divergence falls from %.4f to %.4f only", before, after)
			}
			key := fmt.Sprint(after)
			if seen[key] != "" {
				t.Errorf("the same result as %s", seen[key])
			}
			seen[key] = params
			if e := r.Effect(t, "stage1.block1.conv1"); e.Did != "trained, 60 steps of 16 samples" || e.To.Params != e.From.Params {
				t.Errorf("%+v", e)
			}
		})
	}
}

// with adds what every recipe of these tests has.
func with(params string) string {
	common := "data: train\nsteps: 60\nbatch: 16\n"
	if inner, ok := strings.CutPrefix(params, "{"); ok {
		return "{data: train, steps: 60, batch: 16, " + inner
	}
	return common + params
}

// Shifting by no pixel and mirroring never changes no image, so the teacher, asked anew each time, says what the cache
// remembers.
func TestCacheChangesNothing(t *testing.T) {
	teacher, student := pruned(t)
	var got []string
	for _, params := range []string{"mask: keep", "augment: {shift: 0, flip: false}"} {
		r := passtest.Run(t, distill.Pass, student, passtest.Step{Params: with(params), Data: data(), Input: teacher})
		w, err := r.Model.Graph.Tensor("head.weight").Float32s()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(w))
	}
	if got[0] != got[1] {
		t.Error("the results differ")
	}
}

// The seed decides the order of samples, and nothing else does.
func TestSeed(t *testing.T) {
	teacher, student := pruned(t)
	seen := map[string]bool{}
	for _, seed := range []uint64{1, 2, 1} {
		r := passtest.Run(t, distill.Pass, student, passtest.Step{Params: "{data: train, steps: 5, batch: 16}", Data: data(), Input: teacher, Seed: seed})
		seen[fmt.Sprint(floats(t, r.Model.Graph.Tensor("head.weight")))] = true
	}
	if len(seen) != 2 {
		t.Errorf("two seeds give %d results", len(seen))
	}
}

func TestMasks(t *testing.T) {
	teacher := passtest.ResNet()
	student := teacher.Clone()
	zero := map[string]int{}
	for _, l := range student.Layers() {
		if l.Type == "norm" {
			continue
		}
		w, err := l.Weight.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		w = append([]float32(nil), w...)
		for i := range w {
			if i%2 == 0 {
				w[i] = 0
				zero[l.Name]++
			}
		}
		student.Graph.SetTensor(ir.FromFloat32s(l.Weight.Name, l.Weight.Shape, w))
	}
	for _, mask := range []string{"keep", "release"} {
		r := passtest.Run(t, distill.Pass, student, passtest.Step{
			Params: with("{optimizer: {learning_rate: 5e-3, weight_decay: 0.01}, mask: " + mask + "}"), Data: data(), Input: teacher})
		for _, l := range r.Model.Layers() {
			if l.Type == "norm" {
				continue
			}
			w, err := l.Weight.Float32s()
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for i, v := range w {
				if i%2 == 0 && v == 0 {
					n++
				}
			}
			e := r.Effect(t, l.Name)
			switch {
			case mask == "keep" && (n != zero[l.Name] || e.To.Zeros < n || !strings.HasSuffix(e.Did, "of its weights stay zero")):
				t.Errorf("%s keeps %d of %d zeros: %+v", l.Name, n, zero[l.Name], e)
			case mask == "release" && n > zero[l.Name]/4:
				t.Errorf("%s: %d of %d zeros are left although they were released", l.Name, n, zero[l.Name])
			}
		}
	}
}

func TestTrainable(t *testing.T) {
	teacher, student := pruned(t)
	r := passtest.Run(t, distill.Pass, student, passtest.Step{Params: with("{trainable: norms_and_scales, optimizer: {learning_rate: 0.02}}"), Data: data(), Input: teacher})
	for _, x := range r.Model.Graph.Tensors() {
		was := student.Graph.Tensor(x.Name)
		moved := fmt.Sprint(floats(t, x)) != fmt.Sprint(floats(t, was))
		norm := strings.Contains(x.Name, "norm") && !strings.Contains(x.Name, "running")
		if moved != norm {
			t.Errorf("%s: moved %v", x.Name, moved)
		}
	}
	if e := r.Effect(t, "head"); e.Did != "" || e.Why != "trainable is norms_and_scales" {
		t.Errorf("head: %+v", e)
	}
	if before, after := distance(t, teacher, student), distance(t, teacher, r.Model); after > before {
		t.Errorf("the divergence rises from %v to %v", before, after)
	}
	r = passtest.Run(t, distill.Pass, student, passtest.Step{Params: with("mask: keep"), Layers: []string{"head"}, Data: data(), Input: teacher})
	for _, x := range r.Model.Graph.Tensors() {
		moved := fmt.Sprint(floats(t, x)) != fmt.Sprint(floats(t, student.Graph.Tensor(x.Name)))
		if moved != strings.HasPrefix(x.Name, "head.") {
			t.Errorf("targets head; %s: moved %v", x.Name, moved)
		}
	}
}

func floats(t *testing.T, x *ir.Tensor) []float32 {
	t.Helper()
	w, err := x.Float32s()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestHidden(t *testing.T) {
	teacher := passtest.ResNet()
	student := teacher.Clone()
	w := append([]float32(nil), floats(t, student.Graph.Tensor("stage1.block1.conv1.weight"))...)
	for i := range w {
		if i%3 > 0 {
			w[i] = 0
		}
	}
	student.Graph.SetTensor(ir.FromFloat32s("stage1.block1.conv1.weight", []int{8, 8, 3, 3}, w))
	r := passtest.Run(t, distill.Pass, student, passtest.Step{Data: data(), Input: teacher,
		Params: with("losses: [{kind: logits, weight: 0.5}, {kind: hidden, layers: [stage1.block1.conv2, stage2.block1.conv2], weight: 0.5}]\noptimizer: {learning_rate: 5e-3}")})
	if before, after := distance(t, teacher, student), distance(t, teacher, r.Model); after > before/2 {
		t.Errorf("the divergence falls from %v to %v only", before, after)
	}
}

func TestRefusals(t *testing.T) {
	teacher, student := pruned(t)
	wide := func() *ir.Model {
		b := build.New("wide", 17)
		b.ResNet(build.ResNet{Channels: 1, Size: 8, Widths: []int{4}, Blocks: 1, Classes: 7})
		return b.Model()
	}()
	unlabelled := passtest.Samples(64, 1, 8, 8)
	unlabelled.Labels = nil
	for _, c := range []struct {
		name, params, want string
		teacher            *ir.Model
		data               dataset.Set
	}{
		{"other classes", "mask: keep", "the teacher gives outputs of shape [batch 7], the model [batch 5]; their logits cannot be compared", wide, nil},
		{"divergence", "{optimizer: {kind: sgd, learning_rate: 1e12}}", "the training diverged; a lower optimizer.learning_rate (it is 1e+12)", nil, nil},
		{"labels that are not there", "losses: [logits, labels]", "data set train has no labels", nil, unlabelled},
		{"no teacher in it", "losses: [labels]", "add one of kind: logits or hidden", nil, nil},
		{"a loss twice", "losses: [logits, logits]", "a loss of kind logits stands twice", nil, nil},
		{"hidden widths", "losses: [{kind: hidden, layers: [stage1.block1.conv1]}]", "a hidden loss needs equal shapes", nil, nil},
		{"hidden of what", "losses: [hidden]", "needs layers", nil, nil},
		{"hidden of nothing", "losses: [{kind: hidden, layers: [stage9]}]", "no layer stage9", nil, nil},
		{"long warmup", "optimizer: {warmup: 60}", "warmup is 60 steps of 60", nil, nil},
		{"cold", "temperature: 0", "temperature is 0", nil, nil},
		{"few samples", "mask: keep", "data set train has 8 samples, fewer than a batch of 16", nil, passtest.Samples(8, 1, 8, 8)},
		{"momentum of adam", "optimizer: {momentum: 0.5}", "momentum belongs to kind: sgd", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := passtest.Step{Params: with(c.params), Input: teacher, Data: data()}
			if c.teacher != nil {
				s.Input = c.teacher
			}
			if c.data != nil {
				s.Data["train"] = c.data
			}
			_, err := passtest.Try(t, distill.Pass, student, s)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}
