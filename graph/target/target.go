// Package target holds device profiles: what the runtime of a device can execute, and the budgets of the device. A recipe
// names one with `target:`; the plan is then checked against it before anything is run, and conditions may ask about it.
// A profile is a constant record (all.go) or a file of the user's (profile.go).
package target

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pare-ml/pare/recipe/condition"
)

// Target is a device profile. What it leaves empty is not restricted.
type Target struct {
	Name string
	Doc  string // one sentence, then more
	Path string // the file it was read from, as the recipe names it; empty: built in

	Runtime string // the program that executes the model: onnxruntime, llama.cpp, vllm
	ISA     string // the instruction set: x86-64-avx2, arm64, cuda
	Cores   int    // that compute; 0: not known
	Memory  int64  // bytes that the weights may take when loaded; 0: not bounded
	Size    int64  // bytes that the files may take; 0: not bounded

	Formats     []string // of files that the runtime reads
	Opset       Range    // of ONNX's own operators
	Operators   []string // of ONNX that the runtime has; empty: all of its opsets
	Domains     []string // other operator domains that it knows
	Weights     []Numbers
	Activations []Numbers // floating point among them

	Saturates bool // sums of uint8 times int8 products saturate: see trust F11
	Apart     bool // layers that are siblings may have types of their own
}

// Range of versions, both ends included; 0: open.
type Range struct{ Min, Max int }

// Numbers are types of numbers that a runtime computes with, and in which arrangement.
type Numbers struct {
	Types       []string
	Granularity []string // what one scale covers: tensor, channel, group, block; empty: any
	Groups      []int    // sizes of groups; empty: any
	Symmetric   bool     // only ranges that lie evenly around zero
}

// Use is how a layer stores weights, or takes activations.
type Use struct {
	Type        string // float32, int8 …
	Granularity string // empty for types without scales
	Group       int    // of granularity group
	Asymmetric  bool   // surely so
}

// Runs tells whether one of the entries has room for a use, and if not, why, and which part of the use it is: type,
// granularity, group_size, symmetric.
func Runs(list []Numbers, u Use) (part, why string, ok bool) {
	if len(list) == 0 {
		return "", "", true
	}
	part = "type"
	var near []string // reasons of those that have the type
	refuse := func(p, format string, args ...any) {
		part = p
		near = append(near, fmt.Sprintf(format, args...))
	}
	for _, n := range list {
		if !slices.Contains(n.Types, u.Type) {
			continue
		}
		switch {
		case u.Granularity != "" && len(n.Granularity) > 0 && !slices.Contains(n.Granularity, u.Granularity):
			refuse("granularity", "it runs %s per %s", u.Type, strings.Join(n.Granularity, " or "))
		case u.Granularity == "group" && len(n.Groups) > 0 && !slices.Contains(n.Groups, u.Group):
			refuse("group_size", "it runs %s in groups of %s", u.Type, ints(n.Groups))
		case u.Asymmetric && n.Symmetric:
			refuse("symmetric", "it runs %s with symmetric ranges alone", u.Type)
		default:
			return "", "", true
		}
	}
	if len(near) > 0 {
		return part, strings.Join(near, "; "), false
	}
	return part, "it runs " + strings.Join(types(list), ", "), false
}

func types(list []Numbers) []string {
	var out []string
	for _, n := range list {
		for _, t := range n.Types {
			if !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	}
	return out
}

func ints(list []int) string {
	words := make([]string, len(list))
	for i, v := range list {
		words[i] = fmt.Sprint(v)
	}
	return strings.Join(words, ", ")
}

// String says a use in words: int4 in groups of 64.
func (u Use) String() string {
	switch u.Granularity {
	case "":
		return u.Type
	case "group":
		return fmt.Sprintf("%s in groups of %d", u.Type, u.Group)
	case "tensor":
		return u.Type + " with one scale a tensor"
	}
	return u.Type + " per " + u.Granularity
}

// String says in words what is possible: int8, uint8 per tensor or channel.
func (n Numbers) String() string {
	s := strings.Join(n.Types, ", ")
	if len(n.Granularity) > 0 {
		s += " per " + strings.Join(n.Granularity, " or ")
	}
	if len(n.Groups) > 0 {
		s += " of " + ints(n.Groups)
	}
	if n.Symmetric {
		s += ", symmetric"
	}
	return s
}

// Has reports whether a list is empty, which means that it does not restrict, or has the word.
func Has(list []string, word string) bool { return len(list) == 0 || slices.Contains(list, word) }

// facts ties each fact about the target to where its value comes from.
var facts = []struct {
	condition.Fact
	value func(*Target) any
}{
	{fact("name", condition.String, "name of the profile"), func(t *Target) any { return t.Name }},
	{fact("runtime", condition.String, "the program that executes the model: onnxruntime, llama.cpp, vllm"), func(t *Target) any { return t.Runtime }},
	{fact("isa", condition.String, "the instruction set: x86-64-avx2, arm64 …"), func(t *Target) any { return t.ISA }},
	{fact("cores", condition.Int, "cores that compute; 0: not known"), func(t *Target) any { return int64(t.Cores) }},
	{fact("memory_bytes", condition.Int, "bytes that the loaded weights may take; 0: not bounded"), func(t *Target) any { return t.Memory }},
	{fact("size_bytes", condition.Int, "bytes that the files may take; 0: not bounded"), func(t *Target) any { return t.Size }},
	{fact("saturates", condition.Bool, "whether sums of uint8 times int8 products saturate"), func(t *Target) any { return t.Saturates }},
}

func fact(name string, t condition.Type, doc string) condition.Fact {
	return condition.Fact{Name: name, Type: t, Price: condition.Header, Doc: doc}
}

// Namespace lists what conditions may ask about the target.
func Namespace() condition.Namespace {
	ns := condition.Namespace{Name: "target", Doc: "the device that the result is for"}
	for _, f := range facts {
		ns.Facts = append(ns.Facts, f.Fact)
	}
	return ns
}

// Facts returns the values of the facts.
func (t *Target) Facts() map[string]any {
	m := make(map[string]any, len(facts))
	for _, f := range facts {
		m[f.Name] = f.value(t)
	}
	return m
}
