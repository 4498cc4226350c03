package protowire

import (
	"bytes"
	"testing"

	google "google.golang.org/protobuf/encoding/protowire"
)

// FuzzConsume holds the readers to Google's: the same values and lengths, or both refuse.
func FuzzConsume(f *testing.F) {
	for _, b := range [][]byte{
		{}, {8, 1}, {0x80}, {0}, {0x0b, 0x08, 1, 0x0c}, {0x0b, 0x14}, {0x12, 3, 'a', 'b', 'c'}, {0x12, 4, 'a'}, {0x0d, 1, 2, 3, 4},
		{0x09, 1, 2, 3, 4, 5, 6, 7, 8}, {0x09, 1}, {0x0f}, {0x0e}, bytes.Repeat([]byte{0xff}, 11), bytes.Repeat([]byte{0x0b}, 20_002),
		append(bytes.Repeat([]byte{0x0b}, 10_000), bytes.Repeat([]byte{0x0c}, 10_000)...),
		append(bytes.Repeat([]byte{0x0b}, 10_002), bytes.Repeat([]byte{0x0c}, 10_002)...),
		{0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, {0xf8, 0xff, 0xff, 0xff, 0x0f, 0}, {0xf8, 0xff, 0xff, 0xff, 0x1f, 0},
	} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		same := func(what string, n, m int, equal bool) {
			if n < 0 && m < 0 {
				return
			}
			if n != m || !equal {
				t.Fatalf("%s of %x: %d bytes, Google's %d; values equal: %v", what, b, n, m, equal)
			}
		}
		v, n := ConsumeVarint(b)
		w, m := google.ConsumeVarint(b)
		same("varint", n, m, v == w)
		v32, n := ConsumeFixed32(b)
		w32, m := google.ConsumeFixed32(b)
		same("fixed32", n, m, v32 == w32)
		v, n = ConsumeFixed64(b)
		w, m = google.ConsumeFixed64(b)
		same("fixed64", n, m, v == w)
		no, typ, n := ConsumeTag(b)
		no2, typ2, m := google.ConsumeTag(b)
		same("tag", n, m, int(no) == int(no2) && int(typ) == int(typ2))
		if n > 0 && m > 0 {
			same("value", ConsumeFieldValue(no, typ, b[n:]), google.ConsumeFieldValue(no2, typ2, b[m:]), true)
		}
	})
}

func TestAppend(t *testing.T) {
	ours := AppendString(AppendTag(nil, 3, BytesType), "abc")
	ours = AppendBytes(AppendTag(ours, 1<<28, BytesType), []byte{1})
	ours = AppendFixed32(AppendTag(ours, 5, Fixed32Type), 1<<31)
	ours = AppendVarint(AppendTag(ours, 1, VarintType), 1<<63)
	theirs := google.AppendString(google.AppendTag(nil, 3, google.BytesType), "abc")
	theirs = google.AppendBytes(google.AppendTag(theirs, 1<<28, google.BytesType), []byte{1})
	theirs = google.AppendFixed32(google.AppendTag(theirs, 5, google.Fixed32Type), 1<<31)
	theirs = google.AppendVarint(google.AppendTag(theirs, 1, google.VarintType), 1<<63)
	if !bytes.Equal(ours, theirs) {
		t.Errorf("%x, Google's %x", ours, theirs)
	}
}
