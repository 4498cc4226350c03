package dataset

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"

	"github.com/pare-ml/pare/graph/format"
)

// IDX is the file format of MNIST and its relatives (http://yann.lecun.com/exdb/mnist/): four bytes of magic (two
// zeros, the element type, the number of dimensions), each dimension as a big-endian uint32, then the elements in
// row-major order. Files are often gzipped; the reader looks at the first bytes, not at the name.

// IDXOptions say which samples of an IDX file make the set and how their values are scaled.
type IDXOptions struct {
	Skip    int // samples left out at the start
	Samples int // how many follow; 0: all

	// A value v of 0 … 255 becomes (v/255 − mean)/std, computed in float64 and rounded once to float32. Each list is
	// empty (mean 0, std 1), has one entry for all channels, or one for each.
	Mean, Std []float64
}

const (
	idxUint8 = 0x08

	// maxIDXBytes bounds what a header may announce. Sets live in memory; what is larger than this is not meant.
	maxIDXBytes = math.MaxInt32

	// A gzip stream that is longer than bombFloor and more than bombRatio times its compressed size is refused: images
	// do not compress like that.
	bombFloor = 64 << 20
	bombRatio = 200
)

// OpenIDX reads images of shape N×H×W or N×H×W×C (unsigned bytes) and their labels (N unsigned bytes; nil if there are
// none), each gzipped or plain. The set's inputs are float32 of shape [n, C, H, W]. It reads both files to their end
// and keeps the wanted samples in memory as bytes. name says in errors which set is meant; a file that is cut,
// contradictory or hostile gives a *format.Damaged.
func OpenIDX(name string, images, labels io.Reader, o IDXOptions) (Set, error) {
	img, from, to, err := openImages(name, images, o)
	if err != nil {
		return nil, err
	}
	n := img.dims[0]
	s := &idxSet{n: to - from, h: img.dims[1], w: img.dims[2], c: 1}
	if len(img.dims) == 4 {
		s.c = img.dims[3]
	}
	if s.size() == 0 {
		return nil, img.damaged("header", "its images have no pixels (%d×%d×%d)", s.h, s.w, s.c)
	}
	if s.values, err = o.table(name, s.c); err != nil {
		return nil, err
	}
	if s.pixels, err = img.section(from*s.size(), to*s.size()); err != nil {
		return nil, err
	}
	if labels != nil {
		err = s.readLabels(name, labels, n, from, to)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// LenIDX tells how many samples OpenIDX would give. It reads no more than the header of the images.
func LenIDX(name string, images io.Reader, o IDXOptions) (int, error) {
	_, from, to, err := openImages(name, images, o)
	return to - from, err
}

// openImages reads the header of a file of images; its samples from … to are the ones wanted.
func openImages(name string, r io.Reader, o IDXOptions) (img *idxReader, from, to int, err error) {
	if img, err = newIDXReader(name, "images", r); err != nil {
		return nil, 0, 0, err
	}
	if len(img.dims) != 3 && len(img.dims) != 4 {
		return nil, 0, 0, img.damaged("header", "it has %s; images have 3 (count, height, width) or 4 (and channels)",
			plural(len(img.dims), "dimension"))
	}
	from, to, err = o.window(name, img.dims[0])
	return img, from, to, err
}

func (s *idxSet) readLabels(name string, r io.Reader, n, from, to int) error {
	lab, err := newIDXReader(name, "labels", r)
	if err != nil {
		return err
	}
	if len(lab.dims) != 1 {
		return lab.damaged("header", "it has %s; labels have 1", plural(len(lab.dims), "dimension"))
	}
	if lab.dims[0] != n {
		return lab.damaged("header", "it has %s, but there are %s", plural(lab.dims[0], "label"), plural(n, "image"))
	}
	all, err := lab.section(0, n)
	if err != nil {
		return err
	}
	// The number of classes comes from the whole file, so that it is the same for every window into it.
	for _, l := range all {
		s.classes = max(s.classes, int(l)+1)
	}
	s.labels = bytes.Clone(all[from:to])
	return nil
}

// window returns the range of samples that the options ask for, of n in the file.
func (o IDXOptions) window(name string, n int) (from, to int, err error) {
	switch {
	case o.Skip < 0 || o.Samples < 0:
		return 0, 0, fmt.Errorf("%s: skip is %d and samples is %d; neither may be negative", name, o.Skip, o.Samples)
	case o.Skip >= n:
		return 0, 0, fmt.Errorf("%s: skip is %d, but the file has %s; nothing would be left", name, o.Skip, plural(n, "sample"))
	case o.Samples > n-o.Skip:
		return 0, 0, fmt.Errorf("%s: samples is %d, but only %d follow the %d skipped", name, o.Samples, n-o.Skip, o.Skip)
	case o.Samples == 0:
		return o.Skip, n, nil
	}
	return o.Skip, o.Skip + o.Samples, nil
}

// table returns for each channel the float32 of each byte.
func (o IDXOptions) table(name string, channels int) ([][256]float32, error) {
	if channels > maxChannels {
		return nil, fmt.Errorf("%s: its images have %d channels; at most %d are read", name, channels, maxChannels)
	}
	mean, err := perChannel(name, "mean", o.Mean, 0, channels)
	if err != nil {
		return nil, err
	}
	std, err := perChannel(name, "std", o.Std, 1, channels)
	if err != nil {
		return nil, err
	}
	t := make([][256]float32, channels)
	for c := range t {
		if !(std[c] > 0) {
			return nil, fmt.Errorf("%s: std is %v; it must be above 0", name, std[c])
		}
		for v := range t[c] {
			t[c][v] = float32((float64(v)/255 - mean[c]) / std[c])
			if x := float64(t[c][v]); math.IsInf(x, 0) || math.IsNaN(x) {
				return nil, fmt.Errorf("%s: mean %v and std %v give values that float32 cannot hold", name, mean[c], std[c])
			}
		}
	}
	return t, nil
}

const maxChannels = 4096

func perChannel(name, what string, list []float64, def float64, channels int) ([]float64, error) {
	out := make([]float64, channels)
	for c := range out {
		switch len(list) {
		case 0:
			out[c] = def
		case 1:
			out[c] = list[0]
		case channels:
			out[c] = list[c]
		default:
			return nil, fmt.Errorf("%s: %s has %d entries; it needs 1, or %d: one for each channel", name, what, len(list), channels)
		}
		if math.IsNaN(out[c]) || math.IsInf(out[c], 0) {
			return nil, fmt.Errorf("%s: %s is %v; it must be a finite number", name, what, out[c])
		}
	}
	return out, nil
}

// idxReader reads one IDX file after its header.
type idxReader struct {
	name, part string
	dims       []int
	total      int // elements that the header announces
	r          io.Reader
	packed     *countingReader // under the gzip reader; nil if plain
}

func newIDXReader(name, part string, r io.Reader) (*idxReader, error) {
	x := &idxReader{name: name, part: part}
	count := &countingReader{r: r}
	buf := bufio.NewReader(count)
	x.r = buf
	if head, _ := buf.Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(buf)
		if err != nil {
			return nil, x.broken(err, "the gzip header")
		}
		x.r, x.packed = z, count
	}
	return x, x.header()
}

func (x *idxReader) header() error {
	var magic [4]byte
	if _, err := io.ReadFull(x.r, magic[:]); err != nil {
		return x.broken(err, "the four bytes of magic")
	}
	if magic[0] != 0 || magic[1] != 0 {
		return x.damaged("offset 0", "it starts with % x; an IDX file starts with 00 00", magic)
	}
	if magic[2] != idxUint8 {
		return x.damaged("offset 2", "its element type is 0x%02x; only unsigned bytes (0x08) are read", magic[2])
	}
	if magic[3] == 0 || magic[3] > 4 {
		return x.damaged("offset 3", "it has %d dimensions; 1 to 4 are read", magic[3])
	}
	raw := make([]byte, 4*int(magic[3]))
	if _, err := io.ReadFull(x.r, raw); err != nil {
		return x.broken(err, "its %s", plural(int(magic[3]), "dimension"))
	}
	total := uint64(1)
	for i := range int(magic[3]) {
		d := binary.BigEndian.Uint32(raw[4*i:])
		hi, lo := bits.Mul64(total, uint64(d))
		if hi != 0 || lo > maxIDXBytes || d > math.MaxInt32 {
			return x.damaged("header", "it announces more than 2 GiB of elements")
		}
		total = lo
		x.dims = append(x.dims, int(d))
	}
	x.total = int(total)
	return nil
}

// section reads the file to its end and returns the elements [from, to). Memory grows with the bytes that are there,
// not with the bytes announced.
func (x *idxReader) section(from, to int) ([]byte, error) {
	if err := x.copy(io.Discard, from, 0); err != nil {
		return nil, err
	}
	var keep bytes.Buffer
	if err := x.copy(&keep, to-from, from); err != nil {
		return nil, err
	}
	if err := x.copy(io.Discard, x.total-to, to); err != nil {
		return nil, err
	}
	// One byte more: nothing may follow. For gzip this read also checks the sum at the end.
	switch n, err := io.ReadFull(x.r, make([]byte, 1)); {
	case n > 0:
		return nil, x.damaged("", "it goes on after the %d elements that its header announces", x.total)
	case err != io.EOF:
		return nil, x.broken(err, "the end of the file")
	}
	return keep.Bytes(), nil
}

// copy moves n elements to w, in pieces between which it looks for a gzip bomb. done elements came before.
func (x *idxReader) copy(w io.Writer, n, done int) error {
	for n > 0 {
		got, err := io.CopyN(w, x.r, int64(min(n, 1<<20)))
		n, done = n-int(got), done+int(got)
		if err != nil {
			return x.broken(err, "element %d of the %d that its header announces", done, x.total)
		}
		if x.packed != nil && done > bombFloor && int64(done) > bombRatio*x.packed.n {
			return x.damaged("", "it unpacks to more than %d times its size", bombRatio)
		}
	}
	return nil
}

// broken turns an error of reading into one that says what was missing. Errors of the machine stay what they are.
func (x *idxReader) broken(err error, format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return x.damaged("", "the file ends before %s", what)
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, new(flate.CorruptInputError)):
		return x.damaged("", "%v, at %s", err, what)
	}
	return fmt.Errorf("%s: %s: %w", x.name, x.part, err)
}

func (x *idxReader) damaged(where, reason string, args ...any) error {
	if where != "" {
		where = ", " + where
	}
	return &format.Damaged{Path: x.name, Where: x.part + where, Reason: fmt.Sprintf(reason, args...)}
}

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
