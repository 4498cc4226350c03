package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	formatall "github.com/pare-ml/pare/graph/format/all"
	"github.com/pare-ml/pare/graph/format/gguf"
	"github.com/pare-ml/pare/graph/format/imatrix"
	"github.com/pare-ml/pare/graph/format/source"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/internal/human"
	"github.com/pare-ml/pare/internal/importance"
	"github.com/pare-ml/pare/recipe/diag"
)

// openMatrix opens an importance matrix named on the command line; nil for any other file, and for one that cannot be opened.
func openMatrix(path string) (*importance.Matrix, func() error, error) {
	f, err := source.Open(path)
	if err != nil {
		return nil, nil, nil
	}
	if !isMatrix(f) {
		f.Close()
		return nil, nil, nil
	}
	m, err := imatrix.Open(f, f.Size(), path)
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return m, f.Close, nil
}

// isMatrix tells whether a file is an importance matrix. The older form has no mark: it is what is nothing else and can be
// read so.
func isMatrix(f *source.File) bool {
	head := make([]byte, min(f.Size(), 4096))
	if _, err := f.ReadAt(head, 0); err != nil && err != io.EOF {
		return false
	}
	if gguf.IsFile(head) {
		h, err := gguf.ReadFile(f, f.Size(), f.Path)
		return err == nil && imatrix.IsMatrix(h)
	}
	if _, err := formatall.Detect(f.Path, head); err == nil {
		return false
	}
	_, err := imatrix.Open(f, f.Size(), f.Path)
	return err == nil
}

// matrixSheet is what inspect prints of an importance matrix; field names are stable.
type matrixSheet struct {
	File     string       `json:"importance_matrix"`
	Form     string       `json:"form"` // GGUF, legacy
	Datasets []string     `json:"datasets"`
	Chunks   int          `json:"chunks,omitempty"`
	Size     int          `json:"chunk_size,omitempty"`
	Entries  []*entryLine `json:"entries"`
}

type entryLine struct {
	Name    string      `json:"name"`
	Columns int         `json:"columns"` // of the older form times experts, which it does not tell apart
	Experts int         `json:"experts"`
	Unseen  int         `json:"experts_unseen,omitempty"`
	Calls   float64     `json:"calls"`
	Stats   *layerStats `json:"stats,omitempty"`
}

func (s *session) inspectMatrix(m *importance.Matrix, done func() error, err error, stats, asJSON bool) error {
	if err != nil {
		return err
	}
	defer done()
	sheet, err := describeMatrix(m, stats)
	if err != nil {
		return err
	}
	if asJSON {
		enc := json.NewEncoder(s.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(sheet)
	}
	return sheet.print(s.stdout, stats)
}

func describeMatrix(m *importance.Matrix, stats bool) (*matrixSheet, error) {
	out := &matrixSheet{File: m.File, Form: m.Form, Datasets: append([]string{}, m.Datasets...), Chunks: m.Chunks, Size: m.Size}
	for _, e := range m.Entries {
		row := &entryLine{Name: e.Name, Columns: e.Values / e.Experts, Experts: e.Experts, Unseen: e.Unseen, Calls: e.Calls}
		if stats {
			v, err := e.Read()
			if err != nil {
				return nil, err
			}
			if row.Stats, err = weightStats(ir.FromFloat32s(e.Name, []int{len(v)}, v)); err != nil {
				return nil, err
			}
		}
		out.Entries = append(out.Entries, row)
	}
	return out, nil
}

func (sh *matrixSheet) print(w io.Writer, stats bool) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: importance matrix (%s) of %s", diag.Printable(sh.File), sh.Form, count(len(sh.Entries), "entry", "entries"))
	if sh.Chunks > 0 {
		fmt.Fprintf(&b, ", from %s", plural(sh.Chunks, "chunk"))
	}
	if sh.Size > 0 {
		fmt.Fprintf(&b, " of %d tokens", sh.Size)
	}
	fmt.Fprintln(&b)
	for _, d := range sh.Datasets {
		fmt.Fprintf(&b, "  data set  %s\n", diag.Printable(d))
	}
	fmt.Fprintln(&b)
	tw := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	head := "  entry\tcolumns\texperts\tcalls"
	if stats {
		head += "\tgreatest\tstd\tzeros"
	}
	fmt.Fprintln(tw, head)
	for _, e := range sh.Entries {
		experts := fmt.Sprint(e.Experts)
		if e.Unseen > 0 {
			experts += fmt.Sprintf(", %d never used", e.Unseen)
		}
		fmt.Fprintf(tw, "  %s\t%d\t%s\t%.0f", diag.Printable(e.Name), e.Columns, experts, e.Calls)
		if e.Stats != nil {
			fmt.Fprintf(tw, "\t%.4g\t%.4g\t%s", e.Stats.AbsMax, e.Stats.Std, human.Percent(e.Stats.Sparsity))
		}
		fmt.Fprintln(tw)
	}
	tw.Flush()
	_, err := io.WriteString(w, b.String())
	return err
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
