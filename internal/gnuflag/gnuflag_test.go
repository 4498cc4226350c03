package gnuflag

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"", `args [] output=a.txt set= stdio=true verbose=false workers=0`},
		{"a --set x=1 b --set=y=2 --", `args [a b] output=a.txt set=x=1,y=2 stdio=true verbose=false workers=0`},
		{"-vo f - -- -v", `args [- -v] output=f set= stdio=true verbose=true workers=0`},
		{"-of --workers=0x10 --stdio=false", `args [] output=f set= stdio=false verbose=false workers=16`},
		{"-o=f --verbose x", `args [x] output=f set= stdio=true verbose=true workers=0`},
		{"--output=", `args [] output= set= stdio=true verbose=false workers=0`},
		{"-v=false", `args [] output=a.txt set= stdio=true verbose=false workers=0`},
		{"--output -v", `args [] output=-v set= stdio=true verbose=false workers=0`},
		{"--nope", `unknown flag: --nope`},
		{"-vx", `unknown shorthand flag: 'x' in -x`},
		{"--set", `flag needs an argument: --set`},
		{"-vo", `flag needs an argument: 'o' in -o`},
		{"--=x", `bad flag syntax: --=x`},
		{"---x", `bad flag syntax: ---x`},
		{"--workers many", `invalid argument "many" for "--workers" flag: strconv.ParseInt: parsing "many": invalid syntax`},
		{"-v=maybe", `invalid argument "maybe" for "-v, --verbose" flag: strconv.ParseBool: parsing "maybe": invalid syntax`},
		{"a --help", ErrHelp.Error()},
		{"-vh", ErrHelp.Error()},
	} {
		s := all()
		got := ""
		if err := s.Parse(strings.Fields(c.args)); err != nil {
			got = err.Error()
		} else {
			got = fmt.Sprint("args ", s.Args())
			for _, f := range s.Flags() {
				got += " " + f.Name + "=" + f.value.String()
			}
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.args, got, c.want)
		}
	}
}

func all() *Set {
	s := new(Set)
	s.StringArray("set", "a variable: name=value")
	s.Bool("stdio", true, "the only way")
	s.IntVar(new(int), "workers", 0, "goroutines")
	s.StringP("output", "o", "a.txt", "the file to write")
	s.BoolP("verbose", "v", false, "more")
	return s
}

func TestVariables(t *testing.T) {
	var (
		s    Set
		text string
		list []string
		yes  bool
		n    int
	)
	s.StringVar(&text, "text", "x", "")
	s.StringArrayVar(&list, "list", "")
	s.BoolVar(&yes, "yes", false, "")
	s.IntVar(&n, "n", 3, "")
	own := s.String("own", "o", "")
	if text != "x" || n != 3 || *own != "o" {
		t.Error("a flag that is not given does not have its first value")
	}
	if err := s.Parse(strings.Fields("--text y --list a,b --list c --yes --n -4 --own p")); err != nil {
		t.Fatal(err)
	}
	if text != "y" || len(list) != 2 || list[0] != "a,b" || !yes || n != -4 || *own != "p" {
		t.Error(text, list, yes, n, *own)
	}
	if !s.Changed("text") || s.Changed("nope") {
		t.Error("Changed is wrong")
	}
	if err := s.Parse([]string{"--help"}); !errors.Is(err, ErrHelp) {
		t.Error(err)
	}
}

func TestUsages(t *testing.T) {
	const want = "" +
		"  -o, --output string     the file to write (default \"a.txt\")\n" +
		"      --set stringArray   a variable: name=value\n" +
		"      --stdio             the only way (default true)\n" +
		"  -v, --verbose           more\n" +
		"      --workers int       goroutines\n"
	if got := all().Usages(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"a --set x", "-vo=f", "--=", "-v=", "--workers\n1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) { _ = all().Parse(strings.Split(text, "\n")) })
}
