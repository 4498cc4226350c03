package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// NamedDigest is a blob under the name that an action gave it.
type NamedDigest struct {
	Name   string
	Digest Digest
}

// Entry is what an action left: named blobs and a small record of its own.
type Entry struct {
	Note  []byte        // anything; its first line is what lists show
	Blobs []NamedDigest // sorted by name
}

// Blob returns the digest of a blob by its name.
func (e *Entry) Blob(name string) (Digest, bool) {
	i, ok := slices.BinarySearchFunc(e.Blobs, name, func(b NamedDigest, name string) int { return strings.Compare(b.Name, name) })
	if !ok {
		return Digest{}, false
	}
	return e.Blobs[i].Digest, true
}

// Title is the first line of the note, fit for a terminal.
func (e *Entry) Title() string {
	line, _, _ := bytes.Cut(e.Note, []byte("\n"))
	return printable(string(line), 200)
}

// Size is the sum of the blobs' sizes.
func (e *Entry) Size() int64 {
	var n int64
	for _, b := range e.Blobs {
		n += b.Digest.Size
	}
	return n
}

// entryBytes is the longest entry that is read. Blobs are named by about 100 bytes each.
const entryBytes = 64 << 20

const entryMagic = "pare action 1"

// encode writes an entry: a header with the key that it belongs to, the note behind its length, the blobs, and last the
// digest of all that stands above.
//
//	pare action 1
//	key sha256:<hex>/<size>
//	note <bytes>
//	<the note>
//	blobs <count>
//	"<name>" sha256:<hex>/<size>
//	sum sha256:<hex>/<size>
func (e *Entry) encode(key Digest) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\nkey %s\nnote %d\n%s\nblobs %d\n", entryMagic, key, len(e.Note), e.Note, len(e.Blobs))
	for _, n := range e.Blobs {
		fmt.Fprintf(&b, "%s %s\n", strconv.Quote(n.Name), n.Digest)
	}
	fmt.Fprintf(&b, "sum %s\n", Sum(b.Bytes()))
	return b.Bytes()
}

// decodeEntry reads what encode writes and nothing else. Length and digest are looked at first.
func decodeEntry(text []byte, key Digest) (Entry, error) {
	var e Entry
	if len(text) == 0 || text[len(text)-1] != '\n' {
		return e, errors.New("it ends early")
	}
	last := bytes.LastIndexByte(text[:len(text)-1], '\n') + 1
	body, line := text[:last], string(text[last:len(text)-1])
	sum, err := ParseDigest(strings.TrimPrefix(line, "sum "))
	switch {
	case err != nil || !strings.HasPrefix(line, "sum "):
		return e, errors.New("it ends without its digest")
	case sum.Size != int64(len(body)):
		return e, errSize
	case sum != Sum(body):
		return e, errSum
	}
	r := lines{rest: body}
	if magic := r.line(); magic != entryMagic {
		return e, fmt.Errorf("it begins %s, not %q", printable(strconv.Quote(magic), 40), entryMagic)
	}
	if got := r.field("key "); got != key.String() {
		return e, errors.New("it is the entry of another action")
	}
	if e.Note = r.bytes(r.number("note ")); len(e.Note) == 0 {
		e.Note = nil
	}
	count := r.number("blobs ")
	for range count {
		if r.failed {
			break
		}
		e.Blobs = append(e.Blobs, r.blob())
	}
	// Whatever is not as encode would have written it shows here: leading zeros, order of names, more lines.
	if r.failed || len(r.rest) > 0 || e.check() != nil || !bytes.Equal(e.encode(key), text) {
		return Entry{}, errors.New("it is not written as entries are")
	}
	return e, nil
}

// check demands names that are sorted, and each once.
func (e *Entry) check() error {
	for i, b := range e.Blobs {
		if b.Digest.Size < 0 {
			return fmt.Errorf("the blob %q has a negative size", b.Name)
		}
		if i > 0 && e.Blobs[i-1].Name >= b.Name {
			return fmt.Errorf("the blob %q is out of order or there twice", b.Name)
		}
	}
	return nil
}

// lines takes a text apart from its front.
type lines struct {
	rest   []byte
	failed bool
}

func (r *lines) line() string {
	line, rest, ok := bytes.Cut(r.rest, []byte("\n"))
	if !ok {
		r.failed = true
	}
	r.rest = rest
	return string(line)
}

func (r *lines) field(name string) string {
	text, ok := strings.CutPrefix(r.line(), name)
	if !ok {
		r.failed = true
	}
	return text
}

func (r *lines) number(name string) int {
	n, err := strconv.Atoi(r.field(name))
	if err != nil || n < 0 || n > len(r.rest) { // what is counted takes at least a byte
		r.failed = true
		return 0
	}
	return n
}

// bytes takes n bytes and the line end behind them.
func (r *lines) bytes(n int) []byte {
	if n >= len(r.rest) {
		r.failed = true
		return nil
	}
	out := bytes.Clone(r.rest[:n])
	r.rest = r.rest[n+1:] // that it was a line end is seen when the entry is encoded again
	return out
}

func (r *lines) blob() NamedDigest {
	line := r.line()
	quoted, err := strconv.QuotedPrefix(line)
	if err != nil {
		r.failed = true
		return NamedDigest{}
	}
	name, err := strconv.Unquote(quoted)
	d, derr := ParseDigest(strings.TrimPrefix(line[len(quoted):], " "))
	if err != nil || derr != nil {
		r.failed = true
	}
	return NamedDigest{name, d}
}

// printable makes a text of unknown origin fit for one line of a terminal, and no longer than limit.
func printable(text string, limit int) string {
	var b strings.Builder
	for _, c := range text {
		if b.Len() >= limit {
			b.WriteString("…")
			break
		}
		if strconv.IsPrint(c) {
			b.WriteRune(c)
		} else {
			b.WriteString("?")
		}
	}
	return b.String()
}
