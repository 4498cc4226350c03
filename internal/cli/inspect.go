package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/pflag"

	formatall "github.com/pare-ml/pare/graph/format/all"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/human"
	"github.com/pare-ml/pare/internal/kernel"
	"github.com/pare-ml/pare/recipe/diag"
)

var inspectVerb = &verb{
	name: "inspect", args: "MODEL", summary: "layers, roles, shapes, types and sizes of a model", min: 1, max: 1,
	long: `Prints what pare sees in a model file: its layers with the names, types and roles that selectors use. Only the
header is read; --stats reads the weights as well and adds their range, spread and share of zeros. Of an importance
matrix it prints what it was made from, and its entries.`,
	setup: func(f *pflag.FlagSet) func(*session, []string) error {
		stats := f.Bool("stats", false, "read the weights: absmax, standard deviation, sparsity")
		asJSON := f.Bool("json", false, "print JSON")
		return func(s *session, args []string) error {
			if x, done, err := openMatrix(args[0]); err != nil || x != nil {
				return s.inspectMatrix(x, done, err, *stats, *asJSON)
			}
			m, done, err := openModel(args[0])
			if err != nil {
				return err
			}
			defer done()
			if *stats {
				if err := needWeights(m, "inspect --stats"); err != nil {
					return err
				}
			}
			sheet, err := inspect(m, *stats)
			if err != nil {
				return err
			}
			if *asJSON {
				enc := json.NewEncoder(s.stdout)
				enc.SetIndent("", "  ")
				return enc.Encode(sheet)
			}
			return sheet.print(s, m, *stats)
		}
	},
}

// openModel opens a model named on the command line.
func openModel(path string) (*ir.Model, func() error, error) {
	m, done, err := formatall.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, usageError{fmt.Sprintf("there is no model %s", path)}
	}
	return m, done, err
}

// sheet is what inspect prints; field names are stable.
type sheet struct {
	Model  string       `json:"model"`
	Format string       `json:"format"`
	Family string       `json:"family,omitempty"` // "llama", where the file says so
	Inputs []valueLine  `json:"inputs"`
	Output []valueLine  `json:"outputs"`
	Nodes  int          `json:"nodes"`
	Params int64        `json:"params"`
	Bytes  int64        `json:"bytes"`
	Notes  []string     `json:"notes,omitempty"` // what is not known of the model
	Layers []*layerLine `json:"layers"`
}

type valueLine struct {
	Name  string `json:"name"`
	DType string `json:"dtype"`
	Shape string `json:"shape"`
}

type layerLine struct {
	Index  int         `json:"index"`
	Name   string      `json:"name"`
	Type   string      `json:"type"`
	Role   string      `json:"role,omitempty"`  // the most specific of roles
	Roles  []string    `json:"roles,omitempty"` // all that selectors may name
	Tied   []string    `json:"tied_with,omitempty"`
	Near   []string    `json:"siblings,omitempty"`
	DType  string      `json:"dtype"`
	Shape  []int       `json:"shape"`
	Params int         `json:"params"`
	Bytes  int64       `json:"bytes"`
	Work   int64       `json:"work,omitempty"` // multiply-adds for one sample
	Stats  *layerStats `json:"stats,omitempty"`

	counted bool // Work is known
}

type layerStats struct {
	AbsMax   float64 `json:"absmax"`
	Std      float64 `json:"std"`
	Sparsity float64 `json:"sparsity"`
}

func inspect(m *ir.Model, stats bool) (*sheet, error) {
	out := &sheet{Model: m.Path, Format: m.Format, Family: m.Family, Notes: m.Notes, Nodes: len(m.Graph.Nodes), Layers: []*layerLine{}}
	for _, v := range m.Graph.Inputs {
		if m.Graph.Tensor(v.Name) == nil {
			out.Inputs = append(out.Inputs, line(v))
		}
	}
	for _, v := range m.Graph.Outputs {
		out.Output = append(out.Output, line(v))
	}
	work := m.Work(nil)
	layers := m.Layers()
	for _, l := range layers {
		row := &layerLine{Index: l.Index, Name: l.Name, Type: l.Type, Role: l.Role, Roles: l.Roles,
			Tied: l.TiedWith, Near: l.Siblings, DType: l.Weight.DType.String(), Shape: l.Weight.Shape, Params: l.Params, Bytes: l.Bytes}
		row.Work, row.counted = work[l.Name]
		if stats {
			st, err := weightStats(l.Weight)
			if err != nil {
				return nil, fmt.Errorf("layer %s: %w", l.Name, err)
			}
			row.Stats = st
		}
		out.Layers = append(out.Layers, row)
	}
	out.Params, out.Bytes = ir.Sum(layers)
	return out, nil
}

func weightStats(t *ir.Tensor) (*layerStats, error) {
	w, err := t.Float32s()
	if err != nil || len(w) == 0 {
		return nil, err
	}
	n := float64(len(w))
	mean := kernel.Sum(w) / n
	zeros := 0
	for _, v := range w {
		if v == 0 {
			zeros++
		}
	}
	variance := max(0, kernel.SumSquares(w)/n-float64(mean*mean))
	return &layerStats{AbsMax: float64(kernel.MaxAbs(w)), Std: math.Sqrt(variance), Sparsity: float64(zeros) / n}, nil
}

func line(v *ir.Value) valueLine {
	return valueLine{Name: v.Name, DType: v.DType.String(), Shape: v.Shape.String()}
}

func (sh *sheet) print(s *session, m *ir.Model, stats bool) error {
	var b strings.Builder
	form := m.Format
	if m.Family != "" {
		form += " (" + diag.Printable(m.Family) + ")"
	}
	if !m.HasWeights() {
		form = "manifest of a model in " + form
	}
	fmt.Fprintf(&b, "%s: %s, %s, %s, %s parameters, %s\n", diag.Printable(m.Path), form, plural(sh.Nodes, "node"),
		plural(len(sh.Layers), "layer"), human.Count(sh.Params), human.Bytes(sh.Bytes))
	for _, v := range sh.Inputs {
		fmt.Fprintf(&b, "  input   %s  %s %s\n", diag.Printable(v.Name), v.Shape, v.DType)
	}
	for _, v := range sh.Output {
		fmt.Fprintf(&b, "  output  %s  %s %s\n", diag.Printable(v.Name), v.Shape, v.DType)
	}
	for _, n := range sh.Notes {
		fmt.Fprintf(&b, "  note    %s\n", diag.Printable(n))
	}
	fmt.Fprintln(&b)
	tw := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	head := "  #\tlayer\ttype\troles\tweight\tparameters\tsize"
	counted := slices.ContainsFunc(sh.Layers, func(l *layerLine) bool { return l.counted })
	if counted {
		head += "\twork"
	}
	if stats {
		head += "\tabsmax\tstd\tzeros"
	}
	fmt.Fprintln(tw, head)
	for _, l := range sh.Layers {
		shape := strings.Trim(strings.ReplaceAll(fmt.Sprint(l.Shape), " ", "x"), "[]")
		fmt.Fprintf(tw, "  %d\t%s\t%s\t%s\t%s %s\t%s\t%s", l.Index, diag.Printable(l.Name), l.Type, strings.Join(l.Roles, " "), shape, l.DType,
			human.Count(int64(l.Params)), human.Bytes(l.Bytes))
		switch {
		case l.counted:
			fmt.Fprintf(tw, "\t%s", human.Short(l.Work))
		case counted:
			fmt.Fprint(tw, "\t?") // its shapes do not follow from the model's inputs
		}
		if l.Stats != nil {
			fmt.Fprintf(tw, "\t%.4g\t%.4g\t%s", l.Stats.AbsMax, l.Stats.Std, human.Percent(l.Stats.Sparsity))
		}
		fmt.Fprintln(tw)
	}
	tw.Flush()
	sh.relations(&b)
	_, err := fmt.Fprint(s.stdout, b.String())
	return err
}

// mostGroups bounds what relations prints: the blocks of a transformer are alike.
const mostGroups = 8

// relations lists groups of layers that are treated alike: those that share a weight, and those that read one input for
// one purpose.
func (sh *sheet) relations(b *strings.Builder) {
	seen, groups := map[string]bool{}, 0
	group := func(title, first string, others []string) {
		if len(others) == 0 || seen[title+first] {
			return
		}
		for _, o := range others {
			seen[title+o] = true
		}
		if groups++; groups <= mostGroups {
			fmt.Fprintf(b, "  %s: %s\n", title, diag.Printable(shorten(append([]string{first}, others...), 6)))
		}
	}
	var lines strings.Builder
	b, out := &lines, b
	for _, l := range sh.Layers {
		group("one weight", l.Name, l.Tied)
	}
	for _, l := range sh.Layers {
		group("siblings", l.Name, l.Near)
	}
	if groups > mostGroups {
		fmt.Fprintf(b, "  and %d groups more; --json has all\n", groups-mostGroups)
	}
	if lines.Len() > 0 {
		fmt.Fprintf(out, "\n%s", lines.String())
	}
}
