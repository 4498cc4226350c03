package onnx

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pare-ml/pare/graph/format"
)

var update = flag.Bool("update", false, "write testdata/damaged.golden again")

// The messages of ONNX, by field number; a small language for files that no exporter writes.

type enc func(o *output)

func vint(no int, v int64) enc      { return func(o *output) { o.int(num(no), v) } }
func str(no int, s string) enc      { return func(o *output) { o.text(num(no), s) } }
func raw(s string) enc              { return func(o *output) { o.bytes([]byte(s)) } }
func f32(no int, v float32) enc     { return func(o *output) { o.fixed32(num(no), v) } }
func repeat(n int, e enc) enc       { return func(o *output) { times(n, func(int) { e(o) }) } }
func sub(no int, fields ...enc) enc { return func(o *output) { o.message(num(no), build(fields...)) } }

func times(n int, f func(i int)) {
	for i := range n {
		f(i)
	}
}

func build(fields ...enc) *output {
	o := &output{}
	for _, f := range fields {
		f(o)
	}
	return o
}

func file(fields ...enc) []byte {
	b, err := build(fields...).assemble()
	if err != nil {
		panic(err)
	}
	return b
}

// model is a valid file around a graph.
func model(graph ...enc) []byte {
	return file(vint(1, 8), sub(7, graph...), sub(8, str(1, ""), vint(2, 17)))
}

func node(op string, inputs, outputs string, more ...enc) enc {
	fields := []enc{}
	for _, v := range strings.Fields(inputs) {
		fields = append(fields, str(1, v))
	}
	for _, v := range strings.Fields(outputs) {
		fields = append(fields, str(2, v))
	}
	return sub(1, append(append(fields, str(4, op)), more...)...)
}

func input(name string, dims ...int64) enc {
	shape := []enc{}
	for _, d := range dims {
		shape = append(shape, sub(1, vint(1, d)))
	}
	return sub(11, str(1, name), sub(2, sub(1, vint(1, 1), sub(2, shape...))))
}

func outputOf(name string) enc { return sub(12, str(1, name)) }

// tensor is an initializer of float32 with 4n bytes of raw data.
func tensor(name string, n int, dims ...int64) enc {
	fields := []enc{}
	for _, d := range dims {
		fields = append(fields, vint(1, d))
	}
	return sub(5, append(fields, vint(2, 1), str(8, name), str(9, strings.Repeat("\x00", 4*n)))...)
}

// nested is a graph with If inside If, depth times.
func nested(depth int) []enc {
	g := []enc{node("Identity", "x", "y"), outputOf("y")}
	for i := range depth {
		out := fmt.Sprintf("y%d", i)
		g = []enc{sub(1, str(1, "c"), str(2, out), str(4, "If"), sub(5, str(1, "then_branch"), sub(6, g...), vint(20, 5))), outputOf(out)}
	}
	return append(g, input("x", 1), input("c", 1))
}

// function is one of domain "own".
func function(name string, nodes ...enc) enc {
	fields := []enc{str(1, name), str(10, "own")}
	for _, n := range nodes { // field 1 of a graph is field 7 of a function
		fields = append(fields, func(o *output) {
			b, _ := build(n).assemble()
			_, _, w := protowire.ConsumeTag(b)
			content, _ := protowire.ConsumeBytes(b[w:])
			o.text(7, string(content))
		})
	}
	return sub(25, fields...)
}

// withFunctions is a valid model but for its functions.
func withFunctions(functions ...enc) []byte {
	return append(model(input("x", 1), outputOf("x")), file(functions...)...)
}

// damagedFiles are files that must be refused, each with what is wrong with it.
var damagedFiles = []struct {
	name string
	data []byte
}{
	{"empty", nil},
	{"text", []byte("this is a readme, not a model\n")},
	{"zeros", make([]byte, 64)},
	{"cut in the graph", model(tensor("w", 4, 4), input("x", 1), node("Relu", "x", "y"), outputOf("y"))[:40]},
	{"cut in a tag", append(model(input("x", 1), outputOf("x")), 0x80)},
	{"no graph", file(vint(1, 8), sub(8, vint(2, 17)))},
	{"two graphs", file(vint(1, 8), sub(7), sub(7), sub(8, vint(2, 17)))},
	{"no operator set", file(vint(1, 8), sub(7))},
	{"IR version 2", file(vint(1, 2), sub(7), sub(8, vint(2, 17)))},
	{"opset 0", file(vint(1, 8), sub(7), sub(8, vint(2, 0)))},
	{"opset 999", file(vint(1, 8), sub(7), sub(8, vint(2, 999)))},
	{"opset twice", file(vint(1, 8), sub(7), sub(8, vint(2, 13)), sub(8, vint(2, 17)))},
	{"length 2^63", append(file(vint(1, 8)), "\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"...)},
	{"varint of 11 bytes", []byte("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")},
	{"field number 0", append(file(vint(1, 8)), 0x02, 0x00)},
	{"group", append(file(vint(1, 8)), 0x1b, 0x1c)},
	{"graph as a number", file(vint(1, 8), vint(7, 1))},
	{"name as a number", model(sub(1, vint(3, 1)))},
	{"node without operator", model(input("x", 1), sub(1, str(1, "x"), str(2, "y")), outputOf("y"))},
	{"operator reads a missing value", model(input("x", 1), node("Add", "x z", "y", str(3, "sum")), outputOf("y"))},
	{"missing output", model(input("x", 1), node("Relu", "x", "y"), outputOf("z"))},
	{"cycle", model(input("x", 1), node("Add", "x b", "a"), node("Relu", "a", "b"), outputOf("b"))},
	{"self loop", model(input("x", 1), node("Add", "x y", "y", str(3, "loop")), outputOf("y"))},
	{"unsorted with a cycle", model(input("x", 1), node("Relu", "h", "y"), node("Add", "x h", "h"), outputOf("y"))},
	{"unsorted with a missing value", model(input("x", 1), node("Relu", "h", "y"), node("Add", "x ghost", "h"), outputOf("y"))},
	{"cycle through the branch of an If", model(input("c", 1), node("If", "c", "y", sub(5, str(1, "then_branch"),
		sub(6, node("Relu", "y", "t"), outputOf("t")), vint(20, 5))), outputOf("y"))},
	{"function that calls itself in an If", withFunctions(function("a", node("If", "c", "y", sub(5, str(1, "then_branch"),
		sub(6, node("b", "x", "t", str(7, "own")), outputOf("t")), vint(20, 5)))), function("b", node("a", "x", "y", str(7, "own"))))},
	{"function twice", withFunctions(function("a", node("Relu", "x", "y")), function("a", node("Tanh", "x", "y")))},
	{"graphs in a function 64 deep", withFunctions(function("a", node("If", "c", "y", sub(5, str(1, "then_branch"), sub(6, nested(64)...), vint(20, 5)))))},
	{"initializer of 2^40 bytes", model(sub(5, vint(1, 1<<38), vint(2, 1), str(8, "w"), str(9, "xxxx")))},
	{"value given twice", model(input("x", 1), node("Relu", "x", "y"), node("Tanh", "x", "y"), outputOf("y"))},
	{"input twice", model(input("x", 1), input("x", 1), outputOf("x"))},
	{"undefined capture", model(input("c", 1), node("If", "c", "y", sub(5, str(1, "then_branch"),
		sub(6, node("Relu", "ghost", "t"), outputOf("t")), vint(20, 5))), outputOf("y"))},
	{"graphs 64 deep", model(nested(64)...)},
	{"initializer twice", model(tensor("w", 1, 1), tensor("w", 1, 1))},
	{"initializer without a name", model(tensor("", 1, 1))},
	{"unknown element type", model(sub(5, vint(1, 1), vint(2, 77), str(8, "w"), str(9, "xxxx")))},
	{"input of an unknown type", model(sub(11, str(1, "x"), sub(2, sub(1, vint(1, 99)))))},
	{"no element type", model(sub(5, vint(1, 1), str(8, "w"), str(9, "xxxx")))},
	{"too little data", model(tensor("w", 3, 4))},
	{"too much data", model(tensor("w", 5, 4))},
	{"no data", model(sub(5, vint(1, 4), vint(2, 1), str(8, "w")))},
	{"data twice", model(sub(5, vint(1, 1), vint(2, 1), str(8, "w"), str(9, "xxxx"), str(4, "xxxx")))},
	{"data in the wrong field", model(sub(5, vint(1, 1), vint(2, 1), str(8, "w"), vint(7, 1)))},
	{"packed data cut", model(sub(5, vint(1, 2), vint(2, 7), str(8, "w"), str(7, "\x01\x80")))},
	{"packed floats of 3 bytes", model(sub(5, vint(1, 1), vint(2, 1), str(8, "w"), str(4, "xxx")))},
	{"negative dimension", model(tensor("w", 1, -1))},
	{"shape 2^32 x 2^32", model(tensor("w", 0, 1<<32, 1<<32))},
	{"shape 2^62 x 4", model(tensor("w", 0, 1<<62, 4))},
	{"shape 0 x 2^62 x 4", model(tensor("w", 0, 0, 1<<62, 4))},
	{"shape 2^61 of 4 bytes", model(tensor("w", 0, 1<<61))},
	{"65 dimensions", model(sub(5, repeat(65, vint(1, 1)), vint(2, 1), str(8, "w"), str(9, "xxxx")))},
	{"a million packed dimensions", model(sub(5, str(1, strings.Repeat("\x01", 1e6)), vint(2, 1), str(8, "w")))},
	{"input of 65 dimensions", model(input("x", make([]int64, 65)...))},
	{"segment", model(sub(5, vint(1, 1), vint(2, 1), sub(3, vint(1, 0)), str(8, "w")))},
	{"strings in raw_data", model(sub(5, vint(1, 1), vint(2, 8), str(8, "w"), str(9, "x")))},
	{"attribute tensor too short", model(sub(1, str(2, "c"), str(3, "const"), str(4, "Constant"),
		sub(5, str(1, "value"), sub(5, vint(1, 9), vint(2, 1), str(9, "xxxx")), vint(20, 4))), outputOf("c"))},
	{"attribute without its graph", model(input("c", 1), node("If", "c", "y", sub(5, str(1, "then_branch"), vint(20, 5))), outputOf("y"))},
	{"floats of 5 bytes", model(sub(1, str(2, "c"), str(4, "Constant"), sub(5, str(1, "value_floats"), str(7, "12345"), vint(20, 6))), outputOf("c"))},
	{"external data without a folder", model(sub(5, vint(1, 1), vint(2, 1), str(8, "w"), sub(13, str(1, "location"), str(2, "w.bin")), vint(14, 1)))},
	{"data_location 7", model(sub(5, vint(1, 1), vint(2, 1), str(8, "w"), vint(14, 7)))},
}

// Each damaged file is refused with a *format.Damaged whose text stands in the golden.
func TestDamaged(t *testing.T) {
	var got strings.Builder
	for _, d := range damagedFiles {
		m, err := Decode(d.data)
		var damage *format.Damaged
		if m != nil || !errors.As(err, &damage) {
			t.Errorf("%s: got %v, %v; want damage", d.name, m, err)
			continue
		}
		fmt.Fprintf(&got, "%s\n    %v\n", d.name, err)
	}
	const golden = "testdata/damaged.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("messages differ from %s (run with -update and read the difference):\n%s", golden, got.String())
	}
}

// The tables' helpers write valid files too; else every test of damage would be empty.
func TestUndamaged(t *testing.T) {
	for name, data := range map[string][]byte{
		"plain":       model(tensor("w", 4, 4), input("x", 4), node("Add", "x w", "y"), outputOf("y")),
		"nested":      model(nested(31)...),
		"dangling":    model(tensor("w", 1, 1), input("x", 4), node("Relu", "x", "y"), outputOf("y")),
		"zero size":   model(tensor("w", 0, 0, 5), outputOf("w")),
		"functions":   withFunctions(function("a", node("b", "x", "y", str(7, "own"))), function("b", node("Relu", "x", "y"))),
		"unsorted":    model(input("x", 1), node("Relu", "h", "y"), node("Relu", "x", "h"), outputOf("y")),
		"scalar":      model(tensor("w", 1), outputOf("w")),
		"unknown 4KB": append(model(input("x", 1), outputOf("x")), file(str(1000, strings.Repeat("u", 4096)))...),
	} {
		if _, err := Decode(data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The budget of elements holds for inputs and outputs of nodes too, at a quarter.
func TestTooManyElements(t *testing.T) {
	r := &reader{src: &memory{}, quarters: 4*maxElements - 3}
	content := file(str(4, "Sum"), str(1, "a"), str(1, "b"), str(2, "y"))
	if _, err := r.node(message{content, 0}, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := r.node(message{content, 0}, 1); err == nil || !strings.Contains(err.Error(), "more than 2000000 nodes") {
		t.Errorf("got %v", err)
	}
}

// No prefix of a valid file makes the reader panic, and only the whole is a model.
func TestEveryPrefix(t *testing.T) {
	whole := model(tensor("w", 4, 4), input("x", 4), node("Add", "x w", "y", sub(5, str(1, "a"), vint(20, 2), vint(3, 7))), outputOf("y"))
	for n := range whole {
		var damage *format.Damaged
		if _, err := Decode(whole[:n]); !errors.As(err, &damage) {
			t.Errorf("%d of %d bytes: %v", n, len(whole), err)
		}
	}
}

func num(no int) protowire.Number { return protowire.Number(no) }
