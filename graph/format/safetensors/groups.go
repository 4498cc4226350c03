package safetensors

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/pare-ml/pare/internal/strictjson"
)

// target is an expression of config_groups with the scheme of the modules whose names it fits.
type target struct {
	re     *regexp.Regexp
	scheme *scheme
}

// maxRegexes bounds the expressions of a configuration, each of which is tried on each module.
const maxRegexes = 256

// readGroups reads config_groups.
func (u *unpacker) readGroups(q *strictjson.Value) {
	top := textOf(q.Get("format"))
	for _, e := range membersOf(q.Get("config_groups")) {
		s, targets, err := readGroup(e, top)
		if err != nil {
			u.strange = append(u.strange, err.Error())
			continue
		}
		for _, t := range targets {
			expr, isRegex := strings.CutPrefix(t, "re:")
			switch {
			case !isRegex && strings.Contains(t, "."):
				u.exact[t] = s
			case !isRegex:
				u.classes[t] = s
				u.exact[t] = s // or a module at the top: lm_head
			default:
				re, err := regexp.Compile("^(?:" + expr + ")")
				if err != nil || len(u.regexes) == maxRegexes {
					u.strange = append(u.strange, fmt.Sprintf("the target %s is no expression that pare can use", quote(t)))
					continue
				}
				u.regexes = append(u.regexes, target{re, s})
			}
		}
	}
}

func textOf(v *strictjson.Value) string {
	if v.Is(strictjson.Text) {
		return v.Text
	}
	return ""
}

// readGroup reads one group: its scheme and its targets.
func readGroup(e strictjson.Member, format string) (*scheme, []string, error) {
	if !e.Value.Is(strictjson.Object) {
		return nil, nil, fmt.Errorf("the group %s is the name of a preset", quote(e.Key))
	}
	s := &scheme{format: format}
	if own := textOf(e.Value.Get("format")); own != "" {
		s.format = own
	}
	w, err := readNumbers(e.Value.Get("weights"))
	if err != nil || w == nil {
		return nil, nil, fmt.Errorf("the group %s has no weights that pare can read: %w", quote(e.Key), err)
	}
	s.weights = *w
	if s.input, err = readNumbers(e.Value.Get("input_activations")); err != nil {
		return nil, nil, fmt.Errorf("the group %s: %w", quote(e.Key), err)
	}
	if out := e.Value.Get("output_activations"); out != nil && out.Kind != strictjson.Null {
		return nil, nil, fmt.Errorf("the group %s quantizes outputs", quote(e.Key))
	}
	var targets []string
	if list := e.Value.Get("targets"); list.Is(strictjson.List) {
		for _, t := range list.Items {
			targets = append(targets, textOf(t))
		}
	}
	return s, targets, nil
}

// readNumbers reads QuantizationArgs; nil for null.
func readNumbers(v *strictjson.Value) (*numbers, error) {
	if v == nil || v.Kind == strictjson.Null {
		return nil, nil
	}
	n := &numbers{bits: 8, symmetric: true}
	for _, e := range v.Members {
		i, isInt := e.Value.Int()
		null := e.Value.Kind == strictjson.Null
		ok := true
		switch e.Key {
		case "num_bits":
			n.bits = int(i)
			ok = isInt && i >= 1 && i <= 64
		case "type":
			n.float = strings.EqualFold(e.Value.Text, "float")
			ok = n.float || strings.EqualFold(e.Value.Text, "int")
		case "symmetric":
			n.symmetric = e.Value.True()
			ok = e.Value.Is(strictjson.Bool)
		case "strategy":
			n.strategy = strings.ToLower(textOf(e.Value))
			ok = null || n.strategy != ""
		case "group_size":
			if isInt && i > 0 && i <= 1<<24 {
				n.group = int(i)
			}
			ok = null || isInt && i >= -1 && i <= 1<<24
		case "block_structure":
			if list := e.Value; list.Is(strictjson.List) && len(list.Items) == 2 {
				r, okR := list.Items[0].Int()
				c, okC := list.Items[1].Int()
				n.block = [2]int{int(r), int(c)}
				ok = okR && okC && r > 0 && c > 0 && r <= 1<<24 && c <= 1<<24
			} else {
				ok = null
			}
		case "dynamic":
			switch {
			case e.Value.True():
				n.dynamic = "true"
			case e.Value.Is(strictjson.Text):
				n.dynamic = e.Value.Text
				ok = n.dynamic == "local"
			}
		case "actorder":
			ok = null || e.Value.Is(strictjson.Bool) && !e.Value.True() || textOf(e.Value) == "weight" || textOf(e.Value) == "static"
			if !ok {
				return nil, errors.New("its columns are ordered by activations")
			}
		}
		if !ok {
			return nil, fmt.Errorf("%s is not understood", e.Key)
		}
	}
	if n.strategy == "" {
		switch {
		case n.group > 0:
			n.strategy = "group"
		case v.Get("group_size").Is(strictjson.Number):
			n.strategy = "channel"
		default:
			n.strategy = "tensor"
		}
	}
	return n, nil
}

// schemeOf finds the scheme of a module: by its name, by expressions, by its class, which is Linear where codes are.
func (u *unpacker) schemeOf(name string) *scheme {
	if s := u.exact[name]; s != nil {
		return s
	}
	for _, t := range u.regexes {
		if t.re.MatchString(name) {
			return t.scheme
		}
	}
	return u.classes["Linear"]
}
