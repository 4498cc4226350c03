package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/pflag"

	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/passes"
	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/schema"
)

var listVerb = &verb{
	name: "list", quick: true, args: "[WHAT]", summary: "what there is: passes, metrics, formats, targets, layers, facts", max: 1,
	long: `Without WHAT, lists the passes, metrics, formats, targets, layer types and roles, and the facts that conditions may ask
about. WHAT is one of these words, or the name of a pass, whose parameters are then shown with their defaults, or
of a target, of which what it can execute is shown.`,
	setup: func(*pflag.FlagSet) func(*session, []string) error {
		return func(s *session, args []string) error {
			if len(args) == 0 {
				for i, l := range lists {
					if i > 0 {
						fmt.Fprintln(s.stdout)
					}
					l.write(s, s.stdout)
				}
				return nil
			}
			for _, l := range lists {
				if l.name == args[0] {
					l.write(s, s.stdout)
					return nil
				}
			}
			if p := s.suite.Pass(args[0]); p != nil {
				return listPass(s.stdout, p)
			}
			for _, t := range s.suite.Targets {
				if t.Name == args[0] {
					return listTarget(s.stdout, t)
				}
			}
			names := []string{}
			for _, l := range lists {
				names = append(names, l.name)
			}
			for _, p := range s.suite.Passes {
				names = append(names, p.Name)
			}
			for _, t := range s.suite.Targets {
				names = append(names, t.Name)
			}
			return usageError{fmt.Sprintf("there is no list %q%s", args[0], diag.Suggest(args[0], names))}
		}
	},
}

// lists are the tables that list prints.
var lists = []struct {
	name  string
	write func(*session, io.Writer)
}{
	{"passes", func(s *session, w io.Writer) {
		t := newTable(w, "PASS")
		for _, p := range s.suite.Passes {
			t.row(p.Name, firstSentence(p.Doc))
		}
		t.flush()
	}},
	{"metrics", func(s *session, w io.Writer) {
		t := newTable(w, "METRIC")
		for _, m := range s.suite.Metrics {
			t.row(m.Name, firstSentence(m.Doc))
		}
		t.flush()
	}},
	{"formats", func(s *session, w io.Writer) {
		t := newTable(w, "FORMAT")
		for _, f := range s.suite.Formats {
			t.row(f.Name, firstSentence(f.Doc))
		}
		t.flush()
	}},
	{"targets", func(s *session, w io.Writer) {
		t := newTable(w, "TARGET")
		for _, x := range s.suite.Targets {
			t.row(x.Name, firstSentence(x.Doc))
		}
		t.flush()
	}},
	{"layers", func(s *session, w io.Writer) {
		t := newTable(w, "LAYER")
		for _, x := range ir.LayerTypes {
			t.row("type:"+x.Name, firstSentence(x.Doc))
		}
		for _, x := range ir.LayerRoles {
			t.row("role:"+x.Name, firstSentence(x.Doc))
		}
		t.flush()
	}},
	{"facts", func(s *session, w io.Writer) {
		t := newTable(w, "FACT")
		for _, ns := range s.suite.Language().Env {
			for _, f := range ns.Facts {
				t.row(ns.Name+"."+f.Name, fmt.Sprintf("%s (%s, known from the %s)", firstSentence(f.Doc), f.Type, f.Price))
			}
		}
		t.flush()
	}},
}

// table is a list of names with what they mean.
type table struct{ w *tabwriter.Writer }

func newTable(w io.Writer, head string) *table {
	t := &table{tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)}
	t.row(head, "")
	return t
}

func (t *table) row(name, doc string) {
	fmt.Fprintln(t.w, strings.TrimRight(name+"\t"+doc, "\t"))
}

func (t *table) flush() { t.w.Flush() }

func firstSentence(doc string) string {
	doc = strings.Join(strings.Fields(doc), " ")
	if i := strings.Index(doc, ". "); i >= 0 {
		return doc[:i]
	}
	return strings.TrimSuffix(doc, ".")
}

func listPass(w io.Writer, p *passes.Pass) error {
	fmt.Fprintf(w, "%s (version %d): %s\n\n", p.Name, p.Version, strings.TrimSpace(p.Doc))
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(tw, "PARAMETER\tVALUE\tDEFAULT\tMEANING")
	fieldRows(tw, p.Fields(), "")
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, o := range p.Order {
		if o.Before != "" {
			fmt.Fprintf(w, "\nBefore %s: %s.\n", o.Before, o.Why)
		} else {
			fmt.Fprintf(w, "\nAfter %s: %s.\n", o.After, o.Why)
		}
	}
	return nil
}

func fieldRows(w io.Writer, o schema.Object, prefix string) {
	for _, f := range o.Fields {
		def := f.Default
		if f.Required {
			def = "(required)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", prefix+f.Name, fieldValue(f), def, f.Doc)
		if f.Fields != nil {
			sub := prefix + f.Name + "."
			if f.Kind == schema.KindList {
				sub = prefix + f.Name + "[]."
			}
			fieldRows(w, *f.Fields, sub)
		}
	}
}

func fieldValue(f *schema.Field) string {
	if len(f.Choices) == 0 {
		return string(f.Kind)
	}
	var names []string
	for _, c := range f.Choices {
		names = append(names, c.Name)
	}
	return strings.Join(names, ", ")
}
