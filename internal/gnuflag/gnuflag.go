// Package gnuflag reads the flags of a command as GNU programs do: --name value, --name=value, -n value, flags and
// arguments in any order, -- before arguments that begin with a dash.
//
// It stands in place of github.com/spf13/pflag, which it follows to the word, because that one imports net for its flags
// of addresses: with a C compiler at hand the program is then linked to the C library, and starts a millisecond later.
package gnuflag

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ErrHelp is the error of Parse where --help or -h is given and no such flag is declared.
var ErrHelp = errors.New("help is asked for")

// Set is the flags of one command. They are declared first, then read by Parse.
type Set struct {
	flags []*Flag // by name
	args  []string
}

// Flag is one flag.
type Flag struct {
	Name  string // without dashes
	Short string // one letter, or nothing
	Usage string

	value   value
	initial string // as text
	given   bool
}

// value is what a flag sets.
type value interface {
	set(text string) error
	String() string
	kind() string // as help shows it; nothing for what needs no argument
}

// Takes tells whether a value follows the flag.
func (f *Flag) Takes() bool { return f.value.kind() != "" }

type (
	textValue struct{ p *string }
	listValue struct{ p *[]string }
	boolValue struct{ p *bool }
	intValue  struct{ p *int }
)

func (v textValue) set(text string) error { *v.p = text; return nil }
func (v textValue) String() string        { return *v.p }
func (v textValue) kind() string          { return "string" }

func (v listValue) set(text string) error { *v.p = append(*v.p, text); return nil }
func (v listValue) String() string        { return strings.Join(*v.p, ",") }
func (v listValue) kind() string          { return "stringArray" }

func (v boolValue) set(text string) (err error) { *v.p, err = strconv.ParseBool(text); return err }
func (v boolValue) String() string              { return strconv.FormatBool(*v.p) }
func (v boolValue) kind() string                { return "" }

func (v intValue) set(text string) error {
	n, err := strconv.ParseInt(text, 0, strconv.IntSize)
	*v.p = int(n)
	return err
}
func (v intValue) String() string { return strconv.Itoa(*v.p) }
func (v intValue) kind() string   { return "int" }

func (s *Set) add(v value, name, short, usage string) {
	f := &Flag{Name: name, Short: short, Usage: usage, value: v, initial: v.String()}
	at, twice := slices.BinarySearchFunc(s.flags, name, func(f *Flag, name string) int { return strings.Compare(f.Name, name) })
	if twice {
		panic("flag --" + name + " is declared twice")
	}
	s.flags = slices.Insert(s.flags, at, f)
}

// StringVar declares a flag with a text.
func (s *Set) StringVar(p *string, name, initial, usage string) {
	*p = initial
	s.add(textValue{p}, name, "", usage)
}

// String is StringVar for a variable of its own.
func (s *Set) String(name, initial, usage string) *string { return s.StringP(name, "", initial, usage) }

// StringP is String with a letter that stands for the name.
func (s *Set) StringP(name, short, initial, usage string) *string {
	p := &initial
	s.add(textValue{p}, name, short, usage)
	return p
}

// StringArrayVar declares a flag that may be given many times; each adds a text.
func (s *Set) StringArrayVar(p *[]string, name, usage string) {
	*p = nil
	s.add(listValue{p}, name, "", usage)
}

// StringArray is StringArrayVar for a variable of its own.
func (s *Set) StringArray(name, usage string) *[]string {
	p := new([]string)
	s.StringArrayVar(p, name, usage)
	return p
}

// BoolVar declares a flag that is true when given; --name=false is possible too.
func (s *Set) BoolVar(p *bool, name string, initial bool, usage string) {
	*p = initial
	s.add(boolValue{p}, name, "", usage)
}

// Bool is BoolVar for a variable of its own.
func (s *Set) Bool(name string, initial bool, usage string) *bool {
	return s.BoolP(name, "", initial, usage)
}

// BoolP is Bool with a letter that stands for the name.
func (s *Set) BoolP(name, short string, initial bool, usage string) *bool {
	p := &initial
	s.add(boolValue{p}, name, short, usage)
	return p
}

// IntVar declares a flag with a whole number.
func (s *Set) IntVar(p *int, name string, initial int, usage string) {
	*p = initial
	s.add(intValue{p}, name, "", usage)
}

// Flags lists the flags by name.
func (s *Set) Flags() []*Flag { return s.flags }

// Args are the arguments that Parse found.
func (s *Set) Args() []string { return s.args }

// Changed tells whether a flag was given.
func (s *Set) Changed(name string) bool {
	f := s.long(name)
	return f != nil && f.given
}

func (s *Set) long(name string) *Flag {
	if i := slices.IndexFunc(s.flags, func(f *Flag) bool { return f.Name == name }); i >= 0 {
		return s.flags[i]
	}
	return nil
}

func (s *Set) short(letter string) *Flag {
	if i := slices.IndexFunc(s.flags, func(f *Flag) bool { return f.Short == letter }); i >= 0 {
		return s.flags[i]
	}
	return nil
}

// Parse reads arguments: flags are set, the rest is Args.
func (s *Set) Parse(args []string) (err error) {
	for len(args) > 0 && err == nil {
		arg := args[0]
		args = args[1:]
		switch {
		case len(arg) < 2 || arg[0] != '-':
			s.args = append(s.args, arg)
		case arg == "--":
			s.args = append(s.args, args...)
			return nil
		case arg[1] == '-':
			args, err = s.parseLong(arg, args)
		default:
			args, err = s.parseShort(arg[1:], args)
		}
	}
	return err
}

// parseLong reads --name=value, or --name with the value next.
func (s *Set) parseLong(arg string, next []string) ([]string, error) {
	name, text, has := strings.Cut(arg[2:], "=")
	if name == "" || name[0] == '-' {
		return nil, fmt.Errorf("bad flag syntax: %s", arg)
	}
	f := s.long(name)
	switch {
	case f == nil && name == "help":
		return nil, ErrHelp
	case f == nil:
		return nil, fmt.Errorf("unknown flag: --%s", name)
	case has:
	case !f.Takes():
		text = "true"
	case len(next) == 0:
		return nil, fmt.Errorf("flag needs an argument: --%s", name)
	default:
		text, next = next[0], next[1:]
	}
	return next, f.set(text)
}

// parseShort reads letters: the flags of all but the last need no value; that one's may follow at once, behind = or next.
func (s *Set) parseShort(letters string, next []string) ([]string, error) {
	for rest := letters; rest != ""; {
		var text string
		f := s.short(rest[:1])
		switch {
		case f == nil && rest[0] == 'h':
			return nil, ErrHelp
		case f == nil:
			return nil, fmt.Errorf("unknown shorthand flag: %q in -%s", rest[0], rest)
		case len(rest) > 2 && rest[1] == '=':
			text, rest = rest[2:], ""
		case !f.Takes():
			text, rest = "true", rest[1:]
		case len(rest) > 1:
			text, rest = rest[1:], ""
		case len(next) == 0:
			return nil, fmt.Errorf("flag needs an argument: %q in -%s", rest[0], rest)
		default:
			text, next, rest = next[0], next[1:], ""
		}
		if err := f.set(text); err != nil {
			return nil, err
		}
	}
	return next, nil
}

func (f *Flag) set(text string) error {
	if err := f.value.set(text); err != nil {
		name := "--" + f.Name
		if f.Short != "" {
			name = "-" + f.Short + ", " + name
		}
		return fmt.Errorf("invalid argument %q for %q flag: %w", text, name, err)
	}
	f.given = true
	return nil
}

// Usages writes a line for each flag: its names, what kind of value follows, what it does, what it is if not given.
func (s *Set) Usages() string {
	left := make([]string, len(s.flags))
	widest := 0
	for i, f := range s.flags {
		left[i] = "      --" + f.Name
		if f.Short != "" {
			left[i] = "  -" + f.Short + ", --" + f.Name
		}
		if f.Takes() {
			left[i] += " " + f.value.kind()
		}
		widest = max(widest, len(left[i]))
	}
	var b strings.Builder
	for i, f := range s.flags {
		fmt.Fprintf(&b, "%-*s   %s", widest, left[i], f.Usage)
		switch f.value.(type) {
		case textValue:
			if f.initial != "" {
				fmt.Fprintf(&b, " (default %q)", f.initial)
			}
		default:
			if f.initial != "" && f.initial != "0" && f.initial != "false" {
				fmt.Fprintf(&b, " (default %s)", f.initial)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}
