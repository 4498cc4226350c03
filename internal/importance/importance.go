// Package importance holds importance matrices: how much the columns of weights matter. A column's importance is the mean
// square of what the layer took there while somebody ran the model; errors of the column are weighed by it. The files are
// read by graph/format/imatrix.
package importance

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Matrix is an importance matrix. It is not changed once it is made and safe for concurrent use.
type Matrix struct {
	File     string   // the path as whoever named the file wrote it
	Form     string   // "GGUF", "legacy"
	Datasets []string // what the model was run on, as the file says
	Chunks   int      // of how many tokens it was run on; 0: the file does not say
	Size     int      // tokens in a chunk; 0: the file does not say
	Entries  []Entry  // sorted by name

	// Place finds the entry of a weight by the weight's name in the model. Nil: entries bear the names of weights.
	Place func(weight string) (Place, bool)
}

// Entry is what a matrix says of one weight, or of a stack of weights of experts.
type Entry struct {
	Name    string
	Values  int     // columns, times experts
	Experts int     // that the file counts apart; 1 if it does not
	Unseen  int     // of these, how many nothing was ever given to: their importance is 1 throughout
	Calls   float64 // how often the weight was used: tokens, of the older form chunks; of experts the most

	Read func() ([]float32, error) // the values, expert by expert; finite and not negative
}

// Place is where a matrix speaks of a weight.
type Place struct {
	Entry   string
	Expert  int // which of the experts the weight is of
	Experts int // how many are stacked in the entry; 1 for a weight of its own
}

// Find returns the entry of a name.
func (m *Matrix) Find(name string) (Entry, bool) {
	i, ok := slices.BinarySearchFunc(m.Entries, name, func(e Entry, name string) int { return strings.Compare(e.Name, name) })
	if !ok {
		return Entry{}, false
	}
	return m.Entries[i], true
}

// Mismatch is the error of an entry that is not of a weight's width.
type Mismatch struct {
	File, Entry   string
	Values, Wants int
}

func (e *Mismatch) Error() string {
	return fmt.Sprintf("%s has %d numbers for %s, and the weight has %d columns: it is of another model, or the weight was changed before",
		e.File, e.Values, e.Entry, e.Wants)
}

// Vector reads the importance of the columns of a weight.
type Vector func() ([]float32, error)

// Of finds the importance of a weight that is a stack of so many matrices, of one mostly, with that many columns: a value
// for each column, matrix by matrix. It is nil if the matrix says nothing of the weight. name is what the entry is called,
// or would be. The error is a *Mismatch.
func (m *Matrix) Of(weight string, matrices, columns int) (v Vector, name string, err error) {
	at := Place{Entry: weight, Experts: 1}
	if m.Place != nil {
		var ok bool
		if at, ok = m.Place(weight); !ok {
			return nil, weight, nil
		}
	}
	e, ok := m.Find(at.Entry)
	if !ok {
		return nil, at.Entry, nil
	}
	columns *= matrices
	if at.Experts < 1 || e.Values%at.Experts != 0 || e.Values/at.Experts != columns || at.Expert >= at.Experts {
		return nil, at.Entry, &Mismatch{m.File, at.Entry, e.Values, columns * at.Experts}
	}
	return func() ([]float32, error) {
		all, err := e.Read()
		if err != nil {
			return nil, err
		}
		return all[at.Expert*columns : (at.Expert+1)*columns], nil
	}, at.Entry, nil
}

// Origin is what a model's file tells of the matrix that it was quantized with.
type Origin struct {
	File    string
	Entries int
	Chunks  int      // 0: not known
	Dataset []string // the first, if the matrix names any
}

// Origin returns what is to be told of a matrix.
func (m *Matrix) Origin() Origin {
	return Origin{m.File, len(m.Entries), m.Chunks, m.Datasets[:min(len(m.Datasets), 1)]}
}

// Words is an origin as a list of texts, which ReadOrigin reads.
func (o Origin) Words() []string {
	return append([]string{o.File, strconv.Itoa(o.Entries), strconv.Itoa(o.Chunks)}, o.Dataset...)
}

// ReadOrigin is the reverse of Words; ok is false for anything else.
func ReadOrigin(words []string) (o Origin, ok bool) {
	if len(words) < 3 || len(words) > 4 {
		return o, false
	}
	entries, err1 := strconv.Atoi(words[1])
	chunks, err2 := strconv.Atoi(words[2])
	return Origin{words[0], entries, chunks, words[3:]}, err1 == nil && err2 == nil && entries >= 0 && chunks >= 0
}
