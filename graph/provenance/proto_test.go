package provenance

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// messages are the fields of the messages in .proto files, by the names that they have in JSON.
type messages map[string]map[string]field

type field struct {
	kind     string // string, bytes, map<string, string>, or a message
	repeated bool
}

var (
	messageStart = regexp.MustCompile(`^message (\w+) \{$`)
	messageField = regexp.MustCompile(`^(repeated )?([\w.]+|map<string, string>) (\w+) = \d+(?: \[json_name = "(\w+)"\])?;$`)
)

// protos reads the published schema. Every line of a message must be understood.
func protos(t *testing.T) messages {
	t.Helper()
	out := messages{}
	for _, name := range []string{"statement.proto", "resource_descriptor.proto", "provenance.proto"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		var in map[string]field
		for line := range strings.Lines(string(text)) {
			line, _, _ = strings.Cut(line, "//")
			switch line = strings.TrimSpace(line); {
			case line == "":
			case line == "}":
				in = nil
			case messageStart.MatchString(line):
				in = map[string]field{}
				out[messageStart.FindStringSubmatch(line)[1]] = in
			case in != nil:
				m := messageField.FindStringSubmatch(line)
				if m == nil {
					t.Fatalf("%s: %q is not understood", name, line)
				}
				as := m[4]
				if as == "" {
					as = camel(m[3])
				}
				in[as] = field{m[2][strings.LastIndex(m[2], ".")+1:], m[1] != ""}
			}
		}
	}
	return out
}

func camel(s string) string {
	words := strings.Split(s, "_")
	for i := range words[1:] {
		words[i+1] = strings.ToUpper(words[i+1][:1]) + words[i+1][1:]
	}
	return strings.Join(words, "")
}

// check says where a JSON value does not fit a type.
func (m messages) check(kind, at string, v any) []string {
	wrong := []string{fmt.Sprintf("%s: %v is no %s", at, v, kind)}
	switch kind {
	case "string":
		if _, ok := v.(string); ok {
			return nil
		}
		return wrong
	case "Struct":
		if _, ok := v.(map[string]any); ok {
			return nil
		}
		return wrong
	case "map<string, string>":
		o, ok := v.(map[string]any)
		if !ok {
			return wrong
		}
		var out []string
		for _, key := range slices.Sorted(maps.Keys(o)) {
			out = append(out, m.check("string", at+"."+key, o[key])...)
		}
		return out
	}
	fields, ok := m[kind]
	o, isObject := v.(map[string]any)
	if !ok || !isObject {
		return wrong
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(o)) {
		f, ok := fields[name]
		list, isList := o[name].([]any)
		switch where := at + "." + name; {
		case !ok:
			out = append(out, where+": "+kind+" has no such field")
		case !f.repeated:
			out = append(out, m.check(f.kind, where, o[name])...)
		case !isList:
			out = append(out, where+": no list")
		default:
			for i, item := range list {
				out = append(out, m.check(f.kind, fmt.Sprintf("%s[%d]", where, i), item)...)
			}
		}
	}
	return out
}
