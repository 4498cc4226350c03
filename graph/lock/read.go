package lock

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Damage is the error of a text that is no lock as Encode writes it.
type Damage struct {
	Path   string
	Line   int // from 1
	Reason string
}

func (d *Damage) Error() string { return fmt.Sprintf("%s:%d: %s", d.Path, d.Line, d.Reason) }

const restore = "take the file from git again, or write it anew with pare build or pare lock --update"

// Parse reads a lock; path is for messages. The error is a *Damage.
func Parse(path string, text []byte) (*File, error) {
	p := &parser{path: path}
	if len(text) > MaxSize {
		return nil, p.damage(1, "the file has more than %d bytes", MaxSize)
	}
	if bytes.Count(text, []byte("\n")) == bytes.Count(text, []byte("\r\n")) {
		text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	}
	p.lines = strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	for i, l := range p.lines {
		for _, mark := range []string{"<<<<<<<", "=======", ">>>>>>>", "|||||||"} {
			if strings.HasPrefix(l, mark) {
				return nil, p.damage(i+1, "%s is what a merge left behind; settle it, then write the lock anew with pare build or pare lock --update", mark)
			}
		}
	}
	f, err := p.file()
	if err != nil {
		return nil, err
	}
	// What was understood is written again: that finds whatever has no meaning to the parser, order and repetition too.
	want := strings.Split(strings.TrimSuffix(string(f.Encode()), "\n"), "\n")
	for i, l := range p.lines {
		if i >= len(want) || l != want[i] {
			return nil, p.damage(i+1, "this line is not as pare writes it; %s", restore)
		}
	}
	if len(want) > len(p.lines) || !bytes.HasSuffix(text, []byte("\n")) {
		return nil, p.damage(len(p.lines), "the file is cut; %s", restore)
	}
	return f, nil
}

type parser struct {
	path  string
	lines []string
	at    int // of the next line
}

func (p *parser) damage(line int, format string, args ...any) error {
	return &Damage{Path: p.path, Line: line, Reason: fmt.Sprintf(format, args...)}
}

// wrong is a damage in the line read last.
func (p *parser) wrong(format string, args ...any) error {
	return p.damage(max(p.at, 1), format, args...)
}

// next returns the content of the next line if it stands at this indentation.
func (p *parser) next(indent int) (string, bool) {
	if p.at >= len(p.lines) {
		return "", false
	}
	rest, ok := strings.CutPrefix(p.lines[p.at], strings.Repeat(" ", indent))
	if !ok || rest == "" || rest[0] == ' ' {
		return "", false
	}
	p.at++
	return rest, true
}

func (p *parser) file() (*File, error) {
	for p.at < len(p.lines) && strings.HasPrefix(p.lines[p.at], "#") {
		p.at++
	}
	l, _ := p.next(0)
	version, ok := strings.CutPrefix(l, "pare_lock: ")
	if !ok {
		p.at = max(p.at, 1)
		return nil, p.wrong("this is no lock of pare: it must begin with pare_lock: %d; %s", Version, restore)
	}
	if v, err := strconv.Atoi(version); err == nil && v > Version {
		return nil, p.wrong("the lock has version %d; this pare reads version %d: a newer pare wrote it", v, Version)
	} else if version != strconv.Itoa(Version) {
		return nil, p.wrong("the lock has version %q; this pare reads version %d; %s", version, Version, restore)
	}
	if l, _ := p.next(0); l != "recipes:" {
		return nil, p.wrong("here must stand recipes: ; %s", restore)
	}
	f := &File{}
	for {
		l, ok := p.next(2)
		if !ok {
			break
		}
		r := &Recipe{}
		name, rest, err := p.entry(l)
		if err == nil && rest != "" {
			err = p.wrong("behind the name of the recipe nothing may stand; %s", restore)
		}
		if err != nil {
			return nil, err
		}
		r.Name = name
		if f.Section(name) != nil {
			return nil, p.wrong("%s stands here a second time; %s", name, restore)
		}
		if err := p.recipe(r); err != nil {
			return nil, err
		}
		f.Recipes = append(f.Recipes, r)
	}
	if p.at < len(p.lines) {
		p.at++
		return nil, p.wrong("this line is not as pare writes it; %s", restore)
	}
	return f, nil
}

// entry splits a line into its key and what stands behind.
func (p *parser) entry(l string) (key, rest string, err error) {
	if strings.HasPrefix(l, `"`) {
		d := json.NewDecoder(strings.NewReader(l))
		if d.Decode(&key) != nil {
			return "", "", p.wrong("a quoted name that does not end; %s", restore)
		}
		rest = l[d.InputOffset():]
	} else {
		i := strings.Index(l, ":")
		if i < 0 {
			return "", "", p.wrong("this line has no colon; %s", restore)
		}
		key, rest = l[:i], l[i:]
	}
	rest, ok := strings.CutPrefix(rest, ":")
	if !ok {
		return "", "", p.wrong("behind the name there is no colon; %s", restore)
	}
	return key, strings.TrimPrefix(rest, " "), nil
}

// recipe reads a section, in the order in which it is written.
func (p *parser) recipe(r *Recipe) (err error) {
	for {
		l, ok := p.next(4)
		if !ok {
			break
		}
		key, rest, e := p.entry(l)
		if e != nil {
			return e
		}
		switch key {
		case "recipe":
			r.Effective, err = rest, p.digest(rest, sumLength)
		case "tool":
			r.Tool, err = p.text(rest)
		case "seed":
			if r.Seed, err = strconv.ParseUint(rest, 10, 64); err != nil {
				err = p.wrong("the seed is %q; it must be a whole number", rest)
			}
		case "vars":
			err = p.entries(6, func(name, value string) error {
				v, err := p.text(value)
				r.Vars = append(r.Vars, Var{name, v})
				return err
			})
		case "passes":
			err = p.uses(&r.Passes)
		case "metrics":
			err = p.uses(&r.Metrics)
		case "formats":
			err = p.uses(&r.Formats)
		case "inputs":
			err = p.entries(6, func(name, value string) error { return p.input(r, name, value) })
		case "tensors":
			err = p.entries(6, func(name, _ string) error {
				t := Tensors{Path: name}
				err := p.entries(8, func(name, sum string) error {
					t.List = append(t.List, Tensor{name, sum})
					return p.digest(sum, shortLength)
				})
				r.Tensors = append(r.Tensors, t)
				return err
			})
		case "artifacts":
			err = p.entries(6, func(name, value string) error { return p.artifact(r, name, value) })
		default:
			err = p.wrong("there is no %q in a lock; %s", key, restore)
		}
		if err != nil {
			return err
		}
	}
	if r.Effective == "" || r.Tool == "" {
		return p.wrong("the section of %s lacks recipe or tool; %s", r.Name, restore)
	}
	return nil
}

// Lengths of digests in hexadecimal: whole, and the beginning that names a tensor.
const (
	sumLength   = 64
	shortLength = 16
)

func (p *parser) digest(s string, length int) error {
	if b, err := hex.DecodeString(s); err != nil || 2*len(b) != length || strings.ToLower(s) != s {
		return p.wrong("%q is no digest: it must have %d digits of 0-9 and a-f", s, length)
	}
	return nil
}

func (p *parser) text(s string) (string, error) {
	if !strings.HasPrefix(s, `"`) {
		return s, nil
	}
	var out string
	if err := json.Unmarshal([]byte(s), &out); err != nil {
		return "", p.wrong("a quoted text that cannot be read; %s", restore)
	}
	return out, nil
}

// entries reads the lines of this indentation, each of another name.
func (p *parser) entries(indent int, take func(name, value string) error) error {
	seen := map[string]bool{}
	for {
		l, ok := p.next(indent)
		if !ok {
			return nil
		}
		name, value, err := p.entry(l)
		switch {
		case err != nil:
		case seen[name]:
			err = p.wrong("%s stands here a second time; %s", name, restore)
		default:
			seen[name] = true
			err = take(name, value)
		}
		if err != nil {
			return err
		}
	}
}

func (p *parser) uses(list *[]Uses) error {
	return p.entries(6, func(name, value string) error {
		v, err := strconv.ParseUint(value, 10, 31)
		if err != nil {
			return p.wrong("the version of %s is %q; it must be a whole number", name, value)
		}
		*list = append(*list, Uses{name, int(v)})
		return nil
	})
}

func (p *parser) input(r *Recipe, name, value string) error {
	in := Input{Path: name}
	fields, err := p.fields(value, "kind", "sha256", "size")
	if err != nil {
		return err
	}
	in.Kind, in.SHA256, in.Size = fields["kind"], fields["sha256"], p.size(fields["size"])
	switch {
	case !slices.Contains(kinds, in.Kind):
		return p.wrong("%q is no kind of input; there are %s", in.Kind, strings.Join(kinds, ", "))
	case path.IsAbs(name) || path.Clean(name) != name:
		return p.wrong("%s is no plain path relative to the lock", name)
	}
	r.Inputs = append(r.Inputs, in)
	return p.checkFile(in.SHA256, in.Size)
}

func (p *parser) artifact(r *Recipe, name, value string) error {
	fields, err := p.fields(value, "sha256", "size")
	if err != nil {
		return err
	}
	a := Artifact{Path: name, SHA256: fields["sha256"], Size: p.size(fields["size"])}
	r.Artifacts = append(r.Artifacts, a)
	return p.checkFile(a.SHA256, a.Size)
}

func (p *parser) checkFile(sum string, size int64) error {
	if size < 0 {
		return p.wrong("the size must be a number of bytes")
	}
	return p.digest(sum, sumLength)
}

// fields reads {key: value, key: value}.
func (p *parser) fields(s string, keys ...string) (map[string]string, error) {
	out := map[string]string{}
	inner, ok := strings.CutPrefix(s, "{")
	inner, closed := strings.CutSuffix(inner, "}")
	parts := strings.Split(inner, ", ")
	if ok && closed && len(parts) == len(keys) {
		for i, part := range parts {
			key, value, _ := strings.Cut(part, ": ")
			if key != keys[i] {
				break
			}
			out[key] = value
		}
	}
	if len(out) != len(keys) {
		return nil, p.wrong("here must stand {%s: …}; %s", strings.Join(keys, ": …, "), restore)
	}
	return out, nil
}

func (p *parser) size(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return -1
	}
	return n
}
