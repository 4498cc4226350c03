package graph

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pare-ml/pare/recipe/diag"
)

// A model of a hundred equal blocks has hundreds of layers and a handful of kinds of them. To say something of each kind
// once, the numbers in a layer's name are taken for places: model.layers.0.mlp.up_proj and model.layers.1.mlp.up_proj are
// one kind, written model.layers.{0..1}.mlp.up_proj.

// kind is a name with # for each run of digits, and those digits.
type kind struct {
	template string
	numbers  []string
}

func kindOf(name string) kind {
	var k kind
	var b strings.Builder
	for i := 0; i < len(name); {
		if !isDigit(name[i]) {
			b.WriteByte(name[i])
			i++
			continue
		}
		start := i
		for i < len(name) && isDigit(name[i]) {
			i++
		}
		k.numbers = append(k.numbers, name[start:i])
		b.WriteByte('#')
	}
	k.template = b.String()
	return k
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// mark stands in a generic text, with a place's index behind it, for the number that a layer's name has at that place.
const mark = '\x00'

// generic writes a text about a layer so that it is the same for all layers of its kind: in names that begin as the
// layer's own does, numbers that are the layer's become marks.
func generic(text, layer string) string {
	own := kindOf(layer)
	if len(own.numbers) == 0 || !strings.ContainsAny(text, "0123456789") {
		return text
	}
	first, _, _ := strings.Cut(own.template, ".")
	words := strings.Split(text, " ")
	for i, w := range words {
		k := kindOf(w)
		if len(k.numbers) == 0 || !strings.HasPrefix(k.template, first) {
			continue
		}
		var b strings.Builder
		for j, part := range strings.Split(k.template, "#") {
			b.WriteString(part)
			switch {
			case j >= len(k.numbers):
			case j < len(own.numbers) && k.numbers[j] == own.numbers[j]:
				b.WriteByte(mark)
				b.WriteByte(byte('0' + j))
			default:
				b.WriteString(k.numbers[j])
			}
		}
		if strings.Count(w, "#") == 0 && len(own.numbers) < 10 {
			words[i] = b.String()
		}
	}
	return strings.Join(words, " ")
}

// specific puts the numbers of layers of one kind in place of the marks that generic left.
func specific(text string, layers []string) string {
	if !strings.ContainsRune(text, mark) {
		return text
	}
	sets := numberSets(layers)
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != mark || i+1 == len(text) || int(text[i+1]-'0') >= len(sets) {
			b.WriteByte(text[i])
			continue
		}
		i++
		b.WriteString(numbers(sets[text[i]-'0']))
	}
	return b.String()
}

// numberSets returns the numbers that stand at each place of names of one kind.
func numberSets(names []string) [][]string {
	sets := make([][]string, len(kindOf(names[0]).numbers))
	for _, name := range names {
		for i, n := range kindOf(name).numbers {
			if i < len(sets) && !slices.Contains(sets[i], n) {
				sets[i] = append(sets[i], n)
			}
		}
	}
	return sets
}

// Names writes a list of layers in few words: model.layers.{0..23}.mlp.up_proj. Layers of several kinds are listed one
// kind after another, at most limit of them; 0: all.
func Names(layers []string, limit int) string {
	var words []string
	for _, g := range kinds(layers) {
		words = append(words, pattern(g))
	}
	if limit > 0 && len(words) > limit {
		return fmt.Sprintf("%s and %d more", strings.Join(words[:limit], ", "), len(words)-limit)
	}
	return strings.Join(words, ", ")
}

// kinds groups names of one kind, in the order of their first.
func kinds(names []string) [][]string {
	var out [][]string
	at := map[string]int{}
	for _, name := range names {
		t := kindOf(name).template
		i, ok := at[t]
		if !ok {
			i = len(out)
			at[t] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], name)
	}
	return out
}

// pattern writes names of one kind as one. Where the numbers at several places are no full product the names are listed.
func pattern(names []string) string {
	if len(names) == 1 {
		return diag.Printable(names[0])
	}
	first := kindOf(names[0])
	product := 1
	sets := numberSets(names)
	for _, s := range sets {
		product *= len(s)
	}
	if product != len(names) {
		if len(names) > 4 {
			return fmt.Sprintf("%s … %s", diag.Printable(names[0]), diag.Printable(names[len(names)-1]))
		}
		return diag.Printable(strings.Join(names, ", "))
	}
	parts := strings.Split(first.template, "#")
	var b strings.Builder
	for i, part := range parts {
		b.WriteString(part)
		if i < len(sets) {
			b.WriteString(numbers(sets[i]))
		}
	}
	return diag.Printable(b.String())
}

// numbers writes the numbers that stand at one place: 7, {0..23}, {0..3,7}.
func numbers(set []string) string {
	if len(set) == 1 {
		return set[0]
	}
	values := make([]int, len(set))
	for i, s := range set {
		v, err := strconv.Atoi(s)
		if err != nil || strconv.Itoa(v) != s { // leading zeros or too long: as they stand
			return "{" + strings.Join(set, ",") + "}"
		}
		values[i] = v
	}
	slices.Sort(values)
	var runs []string
	for i := 0; i < len(values); {
		j := i
		for j+1 < len(values) && values[j+1] == values[j]+1 {
			j++
		}
		switch {
		case j == i:
			runs = append(runs, strconv.Itoa(values[i]))
		case j == i+1:
			runs = append(runs, strconv.Itoa(values[i]), strconv.Itoa(values[j]))
		default:
			runs = append(runs, fmt.Sprintf("%d..%d", values[i], values[j]))
		}
		i = j + 1
	}
	return "{" + strings.Join(runs, ",") + "}"
}
