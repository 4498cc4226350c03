package ir

// Work counts for each layer, by name, the multiply-adds of one sample: products summed up by a convolution, a linear or
// a recurrent layer; one for each element of a norm; none for an embedding. inputs are as for Infer; a first dimension
// that is not known counts as 1, and what is counted is divided by the first input's first dimension. Layers whose
// shapes do not follow from the inputs are missing in the map.
func (m *Model) Work(inputs map[string]Shape) map[string]int64 { return m.WorkOf(m.Layers(), inputs) }

// WorkOf is Work for a model whose layers are known.
func (m *Model) WorkOf(layers []Layer, inputs map[string]Shape) map[string]int64 {
	feeds := make(map[string]Shape)
	batch := int64(0)
	for _, v := range m.Graph.Feeds() {
		s := v.Shape
		if given, ok := inputs[v.Name]; ok {
			s = given
		}
		if len(s) > 0 && !s[0].Known() {
			s = append(Shape{{Size: 1}}, s[1:]...)
		}
		if batch == 0 && len(s) > 0 {
			batch = s[0].Size
		}
		feeds[v.Name] = s
	}
	known, _ := Infer(m, feeds) // contradictions leave shapes unknown
	work := make(map[string]int64)
	for _, l := range layers {
		if l.Within != "" {
			continue // no shapes are known within subgraphs
		}
		in, ok1 := known[l.Node.Input(0)].Shape.Elements()
		out, ok2 := known[l.Node.Output(0)].Shape.Elements()
		if !ok1 || !ok2 {
			continue
		}
		if n, ok := l.work(int64(in), int64(out)); ok {
			work[l.Name] = n / max(1, batch)
		}
	}
	return work
}

// work counts multiply-adds from the elements that go in and come out.
func (l *Layer) work(in, out int64) (int64, bool) {
	each := 1
	switch l.Type {
	case "conv":
		places := out // each output sums up a window of its group's inputs
		if l.Node.Op == "ConvTranspose" {
			places = in // each input is spread over a window of its group's outputs
		}
		n, err := Elements(append([]int{int(places), l.Weight.Shape[1]}, l.Kernel...))
		return int64(n), err == nil
	case "linear":
		each = l.InFeatures
	case "embedding":
		each = 0
	case "recurrent":
		if l.InFeatures == 0 || l.Weight.Shape[1] == 0 {
			return 0, false
		}
		// every step of every sequence: the whole of W and of R
		n, err := Elements([]int{int(in) / l.InFeatures, l.Weight.Shape[0], l.Weight.Shape[1], l.InFeatures + l.OutFeatures})
		return int64(n), err == nil
	}
	n, err := Elements([]int{int(out), each})
	return int64(n), err == nil
}
