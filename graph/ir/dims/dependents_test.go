package dims_test

import (
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/graph/ir/build"
	"github.com/pare-ml/pare/graph/ir/dims"
)

func TestDependents(t *testing.T) {
	b := build.New("resnet", 17)
	b.ResNet(build.ResNet{Channels: 1, Size: 8, Widths: []int{4, 8}, Blocks: 1, Classes: 3})
	m := b.Model().Header()
	d, err := dims.Analyze(m)
	if err != nil {
		t.Fatal(err)
	}
	for layer, want := range map[string]string{
		// inside a block: its norm and the next convolution
		"stage1.block1.conv1": "stage1.block1.norm1 stage1.block1.conv2",
		// on the stream: all that write to it and read from it
		"stage2.block1.conv2": "stage2.block1.norm2 stage2.block1.short stage2.block1.shortnorm head",
		"head":                "",
	} {
		l, ok := m.Layer(layer)
		if !ok {
			t.Fatalf("no layer %s", layer)
		}
		names, why := d.Dependents(l, m.Layers())
		if got := strings.Join(names, " "); got != want || (want == "") != (why != "") {
			t.Errorf("%s: %s (%s), want %s", layer, got, why, want)
		}
	}
	if _, why := d.Dependents(mustLayer(t, m, "head"), m.Layers()); !strings.Contains(why, "output") {
		t.Errorf("head cannot be cut: %s", why)
	}
}

func mustLayer(t *testing.T, m *ir.Model, name string) ir.Layer {
	t.Helper()
	l, ok := m.Layer(name)
	if !ok {
		t.Fatalf("no layer %s", name)
	}
	return l
}
