package dataset

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/pare-ml/pare/graph/format"
)

func idx(t testing.TB, dims []int, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteIDX(&b, dims, data); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zip(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func count(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func floats(b []byte) []float32 {
	x := make([]float32, len(b)/4)
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return x
}

func TestOpenIDXReadsWhatWasWritten(t *testing.T) {
	images := idx(t, []int{4, 2, 3}, count(24))
	labels := idx(t, []int{4}, []byte{7, 1, 0, 2})
	for _, form := range []struct {
		name           string
		images, labels []byte
	}{{"plain", images, labels}, {"gzip", zip(t, images), zip(t, labels)}} {
		s, err := OpenIDX("test", bytes.NewReader(form.images), bytes.NewReader(form.labels),
			IDXOptions{Skip: 1, Samples: 2, Mean: []float64{0.5}, Std: []float64{0.25}})
		if err != nil {
			t.Fatalf("%s: %v", form.name, err)
		}
		if s.Len() != 2 || s.Classes() != 8 {
			t.Errorf("%s: %d samples, %d classes; want 2 and 8 (of the whole file)", form.name, s.Len(), s.Classes())
		}
		x, y, err := s.Batch([]int{1, 0})
		if err != nil {
			t.Fatal(err)
		}
		if want := []int{2, 1, 2, 3}; len(x.Shape) != 4 || x.Shape[0] != want[0] || x.Shape[1] != want[1] || x.Shape[2] != want[2] || x.Shape[3] != want[3] {
			t.Errorf("%s: shape %v, want %v", form.name, x.Shape, want)
		}
		got := floats(x.Data)
		for k, v := range []int{12, 13, 14, 15, 16, 17, 6, 7, 8, 9, 10, 11} {
			if want := float32((float64(v)/255 - 0.5) / 0.25); got[k] != want {
				t.Errorf("%s: value %d is %v, want %v", form.name, k, got[k], want)
			}
		}
		if y[0] != 0 || y[1] != 1 {
			t.Errorf("%s: labels %v, want [0 1]", form.name, y)
		}
		if s.Sample(0) != sha256.Sum256(count(24)[6:12]) {
			t.Errorf("%s: Sample(0) is not the digest of the second image", form.name)
		}
		if _, _, err := s.Batch([]int{2}); err == nil {
			t.Errorf("%s: a batch past the end of the set was given", form.name)
		}
	}
}

func TestLenIDX(t *testing.T) {
	var file bytes.Buffer
	if err := WriteIDX(&file, []int{10, 2, 2}, make([]byte, 40)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		o    IDXOptions
		want int
		fail string
	}{{IDXOptions{}, 10, ""}, {IDXOptions{Skip: 3}, 7, ""}, {IDXOptions{Skip: 3, Samples: 5}, 5, ""}, {IDXOptions{Samples: 11}, 0, "only 10 follow"}} {
		// The header is enough.
		n, err := LenIDX("test", bytes.NewReader(file.Bytes()[:16]), c.o)
		if n != c.want || (err == nil) != (c.fail == "") || err != nil && !strings.Contains(err.Error(), c.fail) {
			t.Errorf("%+v: %d, %v", c.o, n, err)
		}
	}
	if _, err := LenIDX("test", bytes.NewReader([]byte{0, 0, 8, 1, 0, 0, 0, 3}), IDXOptions{}); err == nil {
		t.Error("labels are taken for images")
	}
}

func TestOpenIDXChannelsComeFirst(t *testing.T) {
	s, err := OpenIDX("rgb", bytes.NewReader(idx(t, []int{1, 2, 2, 3}, count(12))), nil,
		IDXOptions{Mean: []float64{0, 0, 0}, Std: []float64{1, 2, 4}})
	if err != nil {
		t.Fatal(err)
	}
	x, labels, err := s.Batch([]int{0})
	if err != nil || labels != nil {
		t.Fatalf("labels %v, error %v", labels, err)
	}
	want := []float64{0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11}
	for i, v := range floats(x.Data) {
		if w := float32(want[i] / 255 / []float64{1, 2, 4}[i/4]); v != w {
			t.Errorf("value %d is %v, want %v", i, v, w)
		}
	}
}

func TestOpenIDXRefuses(t *testing.T) {
	images := idx(t, []int{4, 2, 3}, count(24))
	labels := idx(t, []int{4}, []byte{7, 1, 0, 2})
	head := func(b ...byte) []byte { return b }
	zipped := zip(t, images)
	badSum := bytes.Clone(zipped)
	badSum[len(badSum)-5] ^= 1
	for _, c := range []struct {
		name           string
		images, labels []byte
		o              IDXOptions
		want           string
		damaged        bool
	}{
		{name: "empty", images: nil, want: "set: images: the file ends before the four bytes of magic", damaged: true},
		{name: "not IDX", images: []byte("\x89PNG\r\n"), want: "set: images, offset 0: it starts with 89 50 4e 47; an IDX file starts with 00 00", damaged: true},
		{name: "floats", images: head(0, 0, 0x0d, 3), want: "its element type is 0x0d; only unsigned bytes (0x08) are read", damaged: true},
		{name: "rank 0", images: head(0, 0, 8, 0), want: "it has 0 dimensions; 1 to 4 are read", damaged: true},
		{name: "rank 255", images: head(0, 0, 8, 255), want: "it has 255 dimensions", damaged: true},
		{name: "labels as images", images: labels, want: "it has 1 dimension; images have 3", damaged: true},
		{name: "cut dimensions", images: head(0, 0, 8, 3, 0, 0), want: "the file ends before its 3 dimensions", damaged: true},
		{name: "huge", images: head(0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255), want: "it announces more than 2 GiB", damaged: true},
		{name: "product wraps", images: head(0, 0, 8, 4, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0), want: "it announces more than 2 GiB", damaged: true},
		{name: "no pixels", images: head(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9), want: "its images have no pixels (0×9×1)", damaged: true},
		{name: "cut", images: images[:30], want: "the file ends before element 14 of the 24 that its header announces", damaged: true},
		{name: "cut gzip", images: zipped[:len(zipped)-9], want: "the file ends before", damaged: true},
		{name: "gzip sum", images: badSum, want: "gzip: invalid checksum", damaged: true},
		{name: "gzip noise", images: append([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0}, 0xff, 0xff, 0xff), want: "corrupt input", damaged: true},
		{name: "gzip header", images: []byte{0x1f, 0x8b, 9, 9, 9, 9, 9, 9, 9, 9, 9}, want: "gzip: invalid header, at the gzip header", damaged: true},
		{name: "trailing", images: append(bytes.Clone(images), 1), want: "it goes on after the 24 elements", damaged: true},
		{name: "label count", images: images, labels: idx(t, []int{3}, count(3)), want: "set: labels, header: it has 3 labels, but there are 4 images", damaged: true},
		{name: "images as labels", images: images, labels: images, want: "it has 3 dimensions; labels have 1", damaged: true},
		{name: "no images", images: idx(t, []int{0, 2, 3}, nil), want: "skip is 0, but the file has 0 samples"},
		{name: "skip", images: images, o: IDXOptions{Skip: 4}, want: "skip is 4, but the file has 4 samples; nothing would be left"},
		{name: "samples", images: images, o: IDXOptions{Skip: 1, Samples: 4}, want: "samples is 4, but only 3 follow the 1 skipped"},
		{name: "negative", images: images, o: IDXOptions{Skip: -1}, want: "neither may be negative"},
		{name: "std 0", images: images, o: IDXOptions{Std: []float64{0}}, want: "std is 0; it must be above 0"},
		{name: "std tiny", images: images, o: IDXOptions{Std: []float64{1e-300}}, want: "float32 cannot hold"},
		{name: "mean NaN", images: images, o: IDXOptions{Mean: []float64{math.NaN()}}, want: "mean is NaN; it must be a finite number"},
		{name: "mean count", images: images, o: IDXOptions{Mean: []float64{0, 0}}, want: "mean has 2 entries; it needs 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var l io.Reader
			if c.labels != nil {
				l = bytes.NewReader(c.labels)
			}
			_, err := OpenIDX("set", bytes.NewReader(c.images), l, c.o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %q, want %q", err, c.want)
			}
			if errors.As(err, new(*format.Damaged)) != c.damaged {
				t.Errorf("%v: damaged is %v, want %v", err, !c.damaged, c.damaged)
			}
		})
	}
}

// An error of the machine is not a damaged file.
func TestOpenIDXKeepsReadErrors(t *testing.T) {
	broken := errors.New("input/output error")
	r := io.MultiReader(bytes.NewReader(idx(t, []int{4, 2, 3}, count(24))[:20]), readerFunc(func([]byte) (int, error) { return 0, broken }))
	_, err := OpenIDX("set", r, nil, IDXOptions{})
	if !errors.Is(err, broken) || errors.As(err, new(*format.Damaged)) {
		t.Errorf("error %v, want the reader's own", err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestOpenIDXAllocatesByWhatIsThere(t *testing.T) {
	// 2 GB announced, 100 bytes there.
	head := append([]byte{0, 0, 8, 3, 0, 0, 7, 0xd0, 0, 0, 3, 0xe8, 0, 0, 3, 0xe8}, make([]byte, 100)...)
	if n := allocated(func() {
		if _, err := OpenIDX("set", bytes.NewReader(head), nil, IDXOptions{}); err == nil {
			t.Error("a cut file was read")
		}
	}); n > 4<<20 {
		t.Errorf("%d bytes allocated for a file of %d", n, len(head))
	}
}

func TestOpenIDXStopsGzipBombs(t *testing.T) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte{0, 0, 8, 3, 0, 0, 7, 0xd0, 0, 0, 3, 0xe8, 0, 0, 3, 0xe8})
	zero := make([]byte, 1<<20)
	for range 100 {
		w.Write(zero)
	}
	w.Close()
	_, err := OpenIDX("set", &b, nil, IDXOptions{})
	if err == nil || !strings.Contains(err.Error(), "unpacks to more than 200 times its size") {
		t.Errorf("error %v", err)
	}
}

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestWriteIDXRefuses(t *testing.T) {
	for _, dims := range [][]int{{}, {1, 1, 1, 1, 1}, {-1}, {3}, {1 << 20, 1 << 20, 1 << 20}} {
		if err := WriteIDX(io.Discard, dims, []byte{1, 2}); err == nil {
			t.Errorf("two bytes written as %v", dims)
		}
	}
}

func FuzzOpenIDX(f *testing.F) {
	images, labels := idx(f, []int{4, 2, 3}, count(24)), idx(f, []int{4}, []byte{7, 1, 0, 2})
	f.Add(images, labels)
	f.Add(zip(f, images), zip(f, labels))
	f.Add(idx(f, []int{1, 2, 2, 3}, count(12)), []byte{})
	f.Add(images[:9], labels[:5])
	f.Fuzz(func(t *testing.T, images, labels []byte) {
		s, err := OpenIDX("set", bytes.NewReader(images), bytes.NewReader(labels), IDXOptions{})
		if err != nil {
			if s != nil {
				t.Error("a set beside an error")
			}
			return
		}
		x, y, err := s.Batch([]int{0, s.Len() - 1})
		if err != nil {
			t.Fatal(err)
		}
		n := 4
		for _, d := range x.Shape {
			n *= d
		}
		if n != len(x.Data) || len(y) != 2 || y[0] >= s.Classes() || y[1] >= s.Classes() {
			t.Errorf("shape %v with %d bytes, labels %v of %d classes", x.Shape, len(x.Data), y, s.Classes())
		}
	})
}
