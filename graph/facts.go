package graph

import (
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/target"
	"github.com/pare-ml/pare/recipe/condition"
)

// layerFacts ties each fact about a layer to where its value comes from.
var layerFacts = []struct {
	condition.Fact
	value func(ir.Layer) any
}{
	{header("name", condition.String, "the layer's name"), func(l ir.Layer) any { return l.Name }},
	{header("type", condition.String, "conv, linear, embedding, norm"), func(l ir.Layer) any { return l.Type }},
	{header("role", condition.String, "first, last, head, depthwise …; empty if nothing special is known"), func(l ir.Layer) any { return l.Role }},
	{header("index", condition.Int, "the layer's place among all layers, from 0"), func(l ir.Layer) any { return int64(l.Index) }},
	{header("depth", condition.Int, "longest way from an input, counted in layers, from 0"), func(l ir.Layer) any { return int64(l.Depth) }},
	{header("params", condition.Int, "elements of all tensors of the layer"), func(l ir.Layer) any { return int64(l.Params) }},
	{header("bytes", condition.Int, "bytes of all tensors of the layer"), func(l ir.Layer) any { return l.Bytes }},
	{header("shape", condition.Ints, "shape of the weight"), func(l ir.Layer) any { return int64s(l.Weight.Shape) }},
	{header("in_features", condition.Int, "channels or columns that go in"), func(l ir.Layer) any { return int64(l.InFeatures) }},
	{header("out_features", condition.Int, "channels or rows that come out"), func(l ir.Layer) any { return int64(l.OutFeatures) }},
	{header("kernel", condition.Ints, "spatial size of a convolution; empty for other layers"), func(l ir.Layer) any { return int64s(l.Kernel) }},
	{header("groups", condition.Int, "groups of a convolution, else 1"), func(l ir.Layer) any { return int64(l.Groups) }},
	{header("dtype", condition.String, "type of the weight: float32, int8 …"), func(l ir.Layer) any { return l.Weight.DType.String() }},
	{header("tied", condition.Bool, "whether more than one node uses the weight"), func(l ir.Layer) any { return l.Tied }},
}

var modelFacts = []condition.Fact{
	header("params", condition.Int, "elements of all layers"),
	header("bytes", condition.Int, "bytes of all layers"),
	header("layers", condition.Int, "number of layers"),
	header("format", condition.String, "format of the file that came in: onnx"),
}

func header(name string, t condition.Type, doc string) condition.Fact {
	return condition.Fact{Name: name, Type: t, Price: condition.Header, Doc: doc}
}

func int64s(v []int) []int64 {
	out := make([]int64, len(v))
	for i, x := range v {
		out[i] = int64(x)
	}
	return out
}

// Env lists the facts that conditions may ask about. Variables are added by the recipe that declares them.
func Env(s *Suite) condition.Env {
	layer := condition.Namespace{Name: "layer", Doc: "the layer in question"}
	for _, f := range layerFacts {
		switch f.Name {
		case "type":
			for _, t := range ir.LayerTypes {
				f.Values = append(f.Values, t.Name)
			}
		case "role":
			f.Values = append(f.Values, "")
			for _, r := range ir.LayerRoles {
				f.Values = append(f.Values, r.Name)
			}
		}
		layer.Facts = append(layer.Facts, f.Fact)
	}
	metrics := condition.Namespace{Name: "metrics", Doc: "the artefact, measured on the gate's data set, else on the only one that is neither for training nor calibration"}
	baseline := condition.Namespace{Name: "baseline", Doc: "the model that came in, measured likewise"}
	for _, m := range s.Metrics {
		f := condition.Fact{Name: m.Name, Type: condition.Number, Price: condition.Result, Doc: m.Doc}
		metrics.Facts = append(metrics.Facts, f)
		baseline.Facts = append(baseline.Facts, f)
	}
	artifact := condition.Namespace{Name: "artifact", Doc: "the file that was written", Facts: []condition.Fact{
		{Name: "bytes", Type: condition.Int, Price: condition.Result, Doc: "size of the file"},
		{Name: "bits_per_weight", Type: condition.Number, Price: condition.Result, Doc: "bits of the file for each parameter of the model that came in"},
	}}
	return condition.Env{layer, {Name: "model", Doc: "the model that came in", Facts: modelFacts}, target.Namespace(), artifact, metrics, baseline}
}

// FactsOfLayer returns the header facts of a layer.
func FactsOfLayer(l ir.Layer) map[string]any {
	m := make(map[string]any, len(layerFacts))
	for _, f := range layerFacts {
		m[f.Name] = f.value(l)
	}
	return m
}

// FactsOfModel returns the header facts of a model.
func FactsOfModel(m *ir.Model) map[string]any { return factsOfLayers(m, m.Layers()) }

// factsOfLayers is FactsOfModel for a model whose layers are known.
func factsOfLayers(m *ir.Model, layers []ir.Layer) map[string]any {
	var params, bytes int64
	for _, l := range layers {
		params += int64(l.Params)
		bytes += l.Bytes
	}
	return map[string]any{"params": params, "bytes": bytes, "layers": int64(len(layers)), "format": m.Format}
}
