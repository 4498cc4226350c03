package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pare-ml/pare/recipe/diag"
)

var completionVerb = &verb{
	name: "completion", quick: true, args: "SHELL", summary: "completion for bash, zsh or fish", min: 1, max: 1,
	long: `Prints a script that completes commands, flags, recipes and the words of pare list. SHELL is bash, zsh or fish.

  bash  source <(pare completion bash)                 in ~/.bashrc
  zsh   pare completion zsh > "${fpath[1]}/_pare"      once
  fish  pare completion fish > ~/.config/fish/completions/pare.fish`,
	setup: func(*pflag.FlagSet) func(*session, []string) error {
		return func(s *session, args []string) error { return s.completion(args[0]) }
	},
}

// shells are the scripts there are.
var shells = []struct {
	name  string
	write func(io.Writer, *completion)
}{{"bash", bashCompletion}, {"zsh", zshCompletion}, {"fish", fishCompletion}}

func shellNames() []string {
	var names []string
	for _, sh := range shells {
		names = append(names, sh.name)
	}
	return names
}

func (s *session) completion(shell string) error {
	for _, sh := range shells {
		if sh.name != shell {
			continue
		}
		var b strings.Builder
		sh.write(&b, s.completes())
		_, err := io.WriteString(s.stdout, b.String())
		return err
	}
	return usageError{fmt.Sprintf("there is no completion for %q%s", shell, diag.Suggest(shell, shellNames()))}
}

// completion is what the scripts complete.
type completion struct {
	commands []Command
	args     map[string]arguments // by command
}

// arguments are what a command takes: words, or files of some extensions, or folders.
type arguments struct {
	words      []string
	extensions []string // of files
	files      bool     // any
	folders    bool     // only
}

// completes reads what there is to complete from the verbs' records.
func (s *session) completes() *completion {
	c := &completion{args: map[string]arguments{}}
	for _, v := range s.verbs {
		c.commands = append(c.commands, v.command())
		c.args[v.name] = s.arguments(v)
	}
	var names []string
	for _, x := range c.commands {
		names = append(names, x.Name)
	}
	c.commands = append(c.commands, Command{Name: "help", Summary: "what a command does"})
	c.args["help"] = arguments{words: names}
	return c
}

// arguments tells by the usage line what a verb takes.
func (s *session) arguments(v *verb) arguments {
	switch {
	case v.name == "list":
		var words []string
		for _, l := range lists {
			words = append(words, l.name)
		}
		for _, p := range s.suite.Passes {
			words = append(words, p.Name)
		}
		return arguments{words: words}
	case v.name == "completion":
		return arguments{words: shellNames()}
	case v.name == "cache":
		return arguments{words: cacheNames()}
	case strings.Contains(v.args, "RECIPE"), v.name == "test":
		return arguments{extensions: []string{"yaml", "yml"}}
	case strings.Contains(v.args, "DIR"):
		return arguments{folders: true}
	}
	return arguments{files: v.args != ""}
}

func flagWords(c Command) []string {
	words := []string{}
	for _, f := range c.Flags {
		words = append(words, "--"+f.Name)
	}
	return append(words, "--help")
}

func bashCompletion(w io.Writer, c *completion) {
	var names []string
	for _, x := range c.commands {
		names = append(names, x.Name)
	}
	fmt.Fprintf(w, `# Completion of pare for bash. Written by: pare completion bash

_pare_any() { # files and folders
	local IFS=$'\n'
	compopt -o filenames 2>/dev/null
	COMPREPLY=($(compgen -f -- "$cur"))
}

_pare_files() { # folders, and files with one of these suffixes
	local IFS=$'\n' suffix
	compopt -o filenames 2>/dev/null
	COMPREPLY=($(compgen -d -- "$cur"))
	for suffix in "$@"; do
		COMPREPLY+=($(compgen -f -X "!*$suffix" -- "$cur"))
	done
}

_pare() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=
	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		COMPREPLY=($(compgen -W %q -- "$cur"))
		return
	fi
	case ${COMP_WORDS[1]} in
`, strings.Join(names, " "))
	for _, x := range c.commands {
		fmt.Fprintf(w, "\t%s)\n", x.Name)
		if takes := flagsWithValue(x); len(takes) > 0 {
			fmt.Fprintf(w, "\t\tcase $prev in\n\t\t%s) _pare_any; return ;;\n\t\tesac\n", strings.Join(takes, "|"))
		}
		fmt.Fprintf(w, "\t\tcase $cur in\n\t\t-*) words=%q ;;\n\t\t*) %s ;;\n\t\tesac ;;\n", strings.Join(flagWords(x), " "), bashArguments(c.args[x.Name]))
	}
	fmt.Fprint(w, `	esac
	[ -z "$words" ] || COMPREPLY=($(compgen -W "$words" -- "$cur"))
}

complete -F _pare pare
`)
}

func flagsWithValue(c Command) []string {
	var out []string
	for _, f := range c.Flags {
		if f.Takes {
			out = append(out, "--"+f.Name)
			if f.Short != "" {
				out = append(out, "-"+f.Short)
			}
		}
	}
	return out
}

func bashArguments(a arguments) string {
	switch {
	case len(a.words) > 0:
		return fmt.Sprintf("words=%q", strings.Join(a.words, " "))
	case len(a.extensions) > 0:
		return "_pare_files ." + strings.Join(a.extensions, " .")
	case a.folders:
		return "_pare_files"
	case a.files:
		return "_pare_any"
	}
	return ":"
}

func zshCompletion(w io.Writer, c *completion) {
	fmt.Fprint(w, "#compdef pare\n# Completion of pare for zsh. Written by: pare completion zsh\n\n_pare() {\n\tlocal -a commands\n\tcommands=(\n")
	for _, x := range c.commands {
		fmt.Fprintf(w, "\t\t%s\n", shellQuote(x.Name+":"+x.Summary))
	}
	fmt.Fprint(w, "\t)\n\tif (( CURRENT == 2 )); then\n\t\t_describe command commands\n\t\treturn\n\tfi\n\tlocal command=$words[2]\n\tshift words\n\t(( CURRENT-- ))\n\tcase $command in\n")
	for _, x := range c.commands {
		fmt.Fprintf(w, "\t%s)\n\t\t_arguments", x.Name)
		for _, f := range x.Flags {
			value := ""
			if f.Takes {
				value = ":value:_files"
			}
			fmt.Fprintf(w, " \\\n\t\t\t%s", shellQuote("*--"+f.Name+"["+zshEscape(f.Usage)+"]"+value))
			if f.Short != "" {
				fmt.Fprintf(w, " \\\n\t\t\t%s", shellQuote("*-"+f.Short+"["+zshEscape(f.Usage)+"]"+value))
			}
		}
		if a := zshArguments(c.args[x.Name]); a != "" {
			fmt.Fprintf(w, " \\\n\t\t\t%s", shellQuote(a))
		}
		fmt.Fprint(w, " \\\n\t\t\t'--help[what the command does]' ;;\n")
	}
	fmt.Fprint(w, "\tesac\n}\n\nif [ \"$funcstack[1]\" = _pare ]; then\n\t_pare \"$@\"\nelse\n\tcompdef _pare pare\nfi\n")
}

func zshArguments(a arguments) string {
	switch {
	case len(a.words) > 0:
		return "*:word:(" + strings.Join(a.words, " ") + ")"
	case len(a.extensions) > 0:
		return `*:recipe:_files -g "*.(` + strings.Join(a.extensions, "|") + `)"`
	case a.folders:
		return "*:folder:_files -/"
	case a.files:
		return "*:file:_files"
	}
	return ""
}

func zshEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, ":", `\:`).Replace(s)
}

func fishCompletion(w io.Writer, c *completion) {
	fmt.Fprint(w, "# Completion of pare for fish. Written by: pare completion fish\n\ncomplete -c pare -f\n")
	for _, x := range c.commands {
		fmt.Fprintf(w, "complete -c pare -n __fish_use_subcommand -a %s -d %s\n", x.Name, fishQuote(x.Summary))
	}
	for _, x := range c.commands {
		seen := "complete -c pare -n '__fish_seen_subcommand_from " + x.Name + "'"
		for _, f := range x.Flags {
			value := ""
			if f.Takes {
				value = " -r -F"
			}
			name := "-l " + f.Name
			if f.Short != "" {
				name += " -s " + f.Short
			}
			fmt.Fprintf(w, "%s %s%s -d %s\n", seen, name, value, fishQuote(f.Usage))
		}
		switch a := c.args[x.Name]; {
		case len(a.words) > 0:
			fmt.Fprintf(w, "%s -a %s\n", seen, fishQuote(strings.Join(a.words, " ")))
		case len(a.extensions) > 0:
			for _, e := range a.extensions {
				fmt.Fprintf(w, "%s -k -a '(__fish_complete_suffix .%s)'\n", seen, e)
			}
		case a.folders:
			fmt.Fprintf(w, "%s -a '(__fish_complete_directories)'\n", seen)
		case a.files:
			fmt.Fprintf(w, "%s -F\n", seen)
		}
	}
}

// shellQuote quotes a text for bash and zsh.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func fishQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'"
}
