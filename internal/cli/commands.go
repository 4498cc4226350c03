package cli

import (
	"strings"

	"github.com/spf13/pflag"
)

// Command is what help and completion know of a verb, for the pages of docs.
type Command struct {
	Name, Summary string
	Help          string // as pare help NAME prints it
	Flags         []Flag
}

// Flag is one flag of a command, in the order of their names.
type Flag struct {
	Name  string // without dashes
	Short string // one letter, or nothing
	Usage string
	Takes bool // a value follows
}

// Commands lists the verbs in the order in which help lists them.
func Commands() []Command {
	out := make([]Command, len(verbs))
	for i, v := range verbs {
		out[i] = v.command()
	}
	return out
}

func (v *verb) command() Command {
	var b strings.Builder
	flags := v.flags()
	v.setup(flags)
	v.help(&b, flags)
	c := Command{Name: v.name, Summary: v.summary, Help: b.String()}
	flags.VisitAll(func(f *pflag.Flag) {
		c.Flags = append(c.Flags, Flag{Name: f.Name, Short: f.Shorthand, Usage: f.Usage, Takes: f.NoOptDefVal == ""})
	})
	return c
}
