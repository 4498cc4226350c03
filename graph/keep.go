package graph

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pare-ml/pare/graph/store"
	"github.com/pare-ml/pare/internal/record"
)

// kept is how one kind of result is put into an entry of the store and taken out again.
type kept[T any] struct {
	title  string // of the entry, for lists
	encode func(e *entryWriter, v T) error
	decode func(e *entryReader) (T, error)
}

// keep returns the result under a key if the store has it, else makes it and keeps it. While it is being made others who
// want it wait, and then find it. found tells that nothing was made. A damaged result is made anew.
func keep[T any](ctx context.Context, r *Runner, key store.Digest, k kept[T], work func() (T, error)) (v T, found bool, err error) {
	s := r.Store
	if s == nil || key.IsZero() {
		v, err = work()
		return v, false, err
	}
	if v, found, err = find(r, key, k); found || err != nil {
		return v, found, err
	}
	release, err := s.Hold(ctx, key, k.title)
	if err != nil {
		return v, false, err
	}
	defer release()
	if v, found, err = find(r, key, k); found || err != nil {
		return v, found, err
	}
	if v, err = work(); err != nil || s.ReadOnly() {
		return v, false, err
	}
	return v, false, put(r, key, k, v)
}

// find looks a result up.
func find[T any](r *Runner, key store.Digest, k kept[T]) (v T, found bool, err error) {
	if r.lost[key] {
		return v, false, nil
	}
	e, err := r.Store.Get(key)
	if errors.Is(err, store.ErrMissing) {
		return v, false, nil
	}
	if err != nil {
		return v, false, err
	}
	_, note, _ := bytes.Cut(e.Note, []byte("\n"))
	if v, err = k.decode(&entryReader{Reader: record.NewReader(note), store: r.Store, key: key, entry: e}); err != nil {
		// A blob of it is damaged, or another version wrote it: the entry itself has been verified.
		return v, false, r.lose(key)
	}
	return v, true, nil
}

// lose forgets a result that turned out to be damaged, so that it is made anew.
func (r *Runner) lose(key store.Digest) error {
	if r.lost == nil {
		r.lost = map[store.Digest]bool{}
	}
	r.lost[key] = true
	return r.Store.Delete(key)
}

func put[T any](r *Runner, key store.Digest, k kept[T], v T) error {
	w := &entryWriter{store: r.Store}
	if err := k.encode(w, v); err != nil {
		return err
	}
	w.entry.Note = append([]byte(strings.ReplaceAll(k.title, "\n", " ")+"\n"), w.Record()...)
	if err := r.Store.Set(key, w.entry); err != nil {
		return err
	}
	delete(r.lost, key)
	return nil
}

// entryWriter writes an entry: a record in its note, and blobs.
type entryWriter struct {
	record.Writer
	store *store.Store
	entry store.Entry
}

// blob puts content into the store and names it in the entry by its number.
func (w *entryWriter) blob(b []byte) error {
	d, err := w.store.Put(b)
	if err != nil {
		return err
	}
	w.entry.Blobs = append(w.entry.Blobs, store.NamedDigest{Name: blobName(len(w.entry.Blobs)), Digest: d})
	return nil
}

func blobName(i int) string { return fmt.Sprintf("%06d", i) }

// entryReader reads an entry.
type entryReader struct {
	*record.Reader
	store *store.Store
	key   store.Digest
	entry store.Entry
	next  int // blob
}

// digest returns the next blob's digest.
func (r *entryReader) digest() (store.Digest, error) {
	d, ok := r.entry.Blob(blobName(r.next))
	if !ok {
		return d, fmt.Errorf("blob %d is not there", r.next)
	}
	r.next++
	return d, nil
}

// blob reads the next blob.
func (r *entryReader) blob() ([]byte, error) {
	d, err := r.digest()
	if err != nil {
		return nil, err
	}
	return r.store.Blob(d)
}

// lostError is the error of reading a result, later than when it was found, that turns out to be damaged. The action must
// be done again.
type lostError struct {
	key store.Digest
	err error
}

func (e *lostError) Error() string { return "a result in the store is gone: " + e.err.Error() }
func (e *lostError) Unwrap() error { return e.err }

// later returns a reader of a blob for use when the entry is long decoded.
func (r *entryReader) later(d store.Digest) func() ([]byte, error) {
	s, key := r.store, r.key
	return func() ([]byte, error) {
		b, err := s.Blob(d)
		if errors.Is(err, store.ErrMissing) {
			return nil, &lostError{key, err}
		}
		return b, err
	}
}
