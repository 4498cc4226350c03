package strictjson

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	v, err := Parse([]byte(` {"a": [1, -2.5e3, true, null, "x\u00e9\"y"], "b": {"c": {}}} `))
	if err != nil {
		t.Fatal(err)
	}
	list := v.Get("a")
	if n, ok := list.Items[0].Int(); n != 1 || !ok {
		t.Error("1 is not read")
	}
	if f, ok := list.Items[1].Float(); f != -2500 || !ok {
		t.Error("-2.5e3 is not read")
	}
	if !list.Items[2].True() || list.Items[3].Kind != Null || list.Items[4].Text != "xé\"y" {
		t.Errorf("%+v", list.Items)
	}
	if !v.Get("b").Get("c").Is(Object) || v.Get("b").Get("d") != nil || v.Get("z").Get("y") != nil {
		t.Error("Get")
	}
	if v.Start != 1 || v.Members[0].At != 2 || list.Start != 7 {
		t.Errorf("places %d %d %d", v.Start, v.Members[0].At, list.Start)
	}
}

func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":1,"a":2}`:             `offset 7: the key "a" stands twice`,
		`{"a":1,"\u0061":2}`:        `offset 7: the key "a" stands twice`,
		`[1,]`:                      `offset 3: ']' stands where a number must be`,
		`[01]`:                      `offset 1: '0' stands where a number must be`,
		`[+1]`:                      `offset 1: '+' stands where a number must be`,
		`[0x10]`:                    `offset 2: 'x' stands where ',' must be`,
		`[NaN]`:                     `offset 1: NaN and Infinity are no JSON`,
		`{} {}`:                     `offset 3: '{' stands behind the end`,
		"{}\x00":                    `offset 2: '\x00' stands behind the end`,
		"\"\xff\"":                  `offset 1: the text is not valid UTF-8`,
		"\"a\nb\"":                  `offset 2: a text holds a control character`,
		`"\ud800"`:                  `offset 7: a text holds an escape \u without sense`,
		`"\x"`:                      `offset 3: a text holds the escape \x, which JSON does not have`,
		`"a`:                        `offset 2: a text does not end`,
		``:                          `offset 0: the end stands where a number must be`,
		strings.Repeat("[", 100000): `offset 201: lists and objects nest deeper than 200`,
		`{a:1}`:                     `offset 1: 'a' stands where '"' must be`,
	} {
		if _, err := Parse([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%.20q: %v, want %s", text, err, want)
		}
	}
}

// Whatever is accepted, encoding/json accepts too, and it says the same.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"a":[1,2.5,"x"],"b":null}`))
	f.Add([]byte(`[[[]]]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<12 {
			return
		}
		v, err := Parse(data)
		if err != nil {
			return
		}
		if !json.Valid(data) {
			t.Fatalf("%q is no JSON", data)
		}
		if !json.Valid(data[v.Start:v.End]) {
			t.Fatalf("%q is no value", data[v.Start:v.End])
		}
		s := New(data)
		s.Skip()
		s.End()
		if s.Err() != nil {
			t.Fatalf("Skip: %v", s.Err())
		}
	})
}
