package store_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/pare-ml/pare/graph/store"
)

// Whatever an entry's file holds, reading it neither panics nor asks for more memory than the file has, and what is read is
// written again with the same bytes.
func FuzzEntry(f *testing.F) {
	k := store.Sum([]byte("key"))
	for _, e := range []store.Entry{
		{},
		{Note: []byte("quantize conv1\nmore")},
		{Note: []byte("\n\nsum sha256:00/1\n"), Blobs: []store.NamedDigest{{Name: "", Digest: store.Sum(nil)}, {Name: "a\n\"b\"", Digest: k}, {Name: "ä", Digest: k}}},
	} {
		text := e.Encode(k)
		f.Add(text, false)
		f.Add(bytes.Replace(text, []byte("blobs "), []byte("blobs 9"), 1), true)
		f.Add(bytes.Replace(text, []byte("note "), []byte("note 99"), 1), true)
	}
	f.Add([]byte("pare action 1\nkey "+k.String()+"\nnote 9223372036854775807\n\nblobs 9223372036854775807\n"), true)
	f.Fuzz(func(t *testing.T, text []byte, seal bool) {
		if seal { // with a digest that is right, so that what is behind it is reached
			if i := bytes.LastIndex(text, []byte("sum ")); i >= 0 {
				text = text[:i:i]
			}
			text = fmt.Appendf(text[:len(text):len(text)], "sum %s\n", store.Sum(text))
		}
		e, err := store.DecodeEntry(text, k)
		if err != nil {
			return
		}
		if again := e.Encode(k); !bytes.Equal(again, text) {
			t.Errorf("written again:\n%q\nwas\n%q", again, text)
		}
		e.Title()
	})
}

func FuzzDigest(f *testing.F) {
	f.Add(store.Sum(nil).String())
	f.Add("sha256:00/0")
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := store.ParseDigest(text); err == nil && d.String() != text {
			t.Errorf("%q is read as %v", text, d)
		}
	})
}
