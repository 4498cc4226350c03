package ir

// RefreshValues brings what the graph says of inner values and outputs into line with what follows from its inputs, after
// a pass has changed shapes or types: known dimensions and types are written over, names and dimensions that inference
// cannot know are kept, and entries for values that nobody gives any more are dropped.
func (m *Model) RefreshValues() error {
	known, err := Infer(m, nil)
	g := m.Graph
	kept := make([]*Value, 0, len(g.Values))
	for _, v := range g.Values {
		if info, ok := known[v.Name]; ok {
			v.refresh(info)
			kept = append(kept, v)
		}
	}
	g.Values = kept
	for _, v := range g.Outputs {
		v.refresh(known[v.Name])
	}
	return err
}

func (v *Value) refresh(info Info) {
	if info.DType != Undefined {
		v.DType = info.DType
	}
	if info.Shape == nil {
		return
	}
	if len(v.Shape) != len(info.Shape) {
		v.Shape = info.Shape
		return
	}
	for i, d := range info.Shape {
		if d.Known() || d.Name != "" {
			v.Shape[i] = d
		}
	}
}
