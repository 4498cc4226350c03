package store

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// chunk is how much is read or written at a time.
const chunk = 1 << 20

// Put keeps data and returns its digest. Content that is there already and sound is not written again. A store that keeps
// nothing returns the digest alone.
func (s *Store) Put(data []byte) (Digest, error) {
	d := Sum(data)
	if s.ReadOnly() {
		return d, nil
	}
	there, err := s.refresh(d, func(f File) error { return same(f, data) })
	if there || err != nil {
		return d, err
	}
	if err := s.write(s.path(blobsDir, d), data); err != nil {
		return d, fmt.Errorf("write to the store: %w", err)
	}
	return d, nil
}

// PutFrom is Put for content that need not fit in memory.
func (s *Store) PutFrom(r io.Reader) (Digest, error) {
	var d Digest
	sum := sha256.New()
	if s.ReadOnly() {
		n, err := io.Copy(sum, r)
		d.Size = n
		sum.Sum(d.Hash[:0])
		return d, err
	}
	f, tmp, err := s.scratch()
	if err != nil {
		return d, fmt.Errorf("write to the store: %w", full(err, tmp, 0))
	}
	d.Size, err = copyHashed(f, tmp, sum, r)
	sum.Sum(d.Hash[:0])
	there := false
	if err == nil {
		there, err = s.refresh(d, func(f File) error { return verify(f, d) })
	}
	if there || err != nil {
		err = errors.Join(err, f.Close())
		s.fs.Remove(tmp)
		return d, err
	}
	if err := s.finish(f, tmp, s.path(blobsDir, d), d.Size); err != nil {
		return d, fmt.Errorf("write to the store: %w", err)
	}
	return d, nil
}

func copyHashed(f File, path string, sum hash.Hash, r io.Reader) (n int64, err error) {
	buf := make([]byte, chunk)
	for {
		k, rerr := r.Read(buf)
		sum.Write(buf[:k])
		if err := writeAll(f, buf[:k]); err != nil {
			return n, fmt.Errorf("write to the store: %w", full(err, path, n))
		}
		n += int64(k)
		if rerr == io.EOF {
			return n, nil
		}
		if rerr != nil {
			return n, rerr
		}
	}
}

// refresh tells whether a blob is there and sound, and if so marks it as used, so that it is not collected before the entry
// that will name it is written.
func (s *Store) refresh(d Digest, check func(File) error) (bool, error) {
	unlock, _, err := s.sweeping(false)
	if err != nil {
		return false, err
	}
	defer unlock()
	path := s.path(blobsDir, d)
	f, err := s.openBlob(d)
	if errors.Is(err, ErrMissing) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	if err := check(f); err != nil {
		s.quarantine(path, f, err)
		return false, nil
	}
	s.touch(path)
	return true, nil
}

// Blob returns content by its digest. Length and digest are verified each time; what does not hold is put aside with a
// warning, and the error is ErrMissing as if it had never been there.
func (s *Store) Blob(d Digest) ([]byte, error) {
	f, err := s.openBlob(d)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := make([]byte, d.Size) // the file is that long, as openBlob has seen
	_, err = io.ReadFull(f, data)
	if err == nil && sha256.Sum256(data) != d.Hash {
		err = errSum
	}
	if err != nil {
		s.quarantine(s.path(blobsDir, d), f, err)
		return nil, missing(d)
	}
	return data, nil
}

// Open is Blob for content that need not fit in memory. The last Read fails when the content was not what the digest says:
// nothing may be concluded from what was read before it has returned io.EOF.
func (s *Store) Open(d Digest) (io.ReadCloser, error) {
	f, err := s.openBlob(d)
	if err != nil {
		return nil, err
	}
	return &blobReader{s: s, f: f, want: d, sum: sha256.New()}, nil
}

type blobReader struct {
	s    *Store
	f    File
	want Digest
	sum  hash.Hash
	n    int64
	err  error // what every further Read returns
}

func (r *blobReader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.f.Read(p)
	r.sum.Write(p[:n])
	r.n += int64(n)
	switch {
	case err == io.EOF && (r.n != r.want.Size || !bytes.Equal(r.sum.Sum(nil), r.want.Hash[:])):
		err = errSum
		fallthrough
	case err != nil && err != io.EOF:
		r.s.quarantine(r.s.path(blobsDir, r.want), r.f, err)
		err = missing(r.want)
	}
	r.err = err
	return n, err
}

func (r *blobReader) Close() error { return r.f.Close() }

var (
	errSum  = errors.New("its digest is another")
	errSize = errors.New("its length is another")
	errKind = errors.New("it is not a file that can be read")
)

func missing(d Digest) error { return fmt.Errorf("%s is %w", d, ErrMissing) }

// openBlob opens a blob whose length is right.
func (s *Store) openBlob(d Digest) (File, error) {
	if s == nil {
		return nil, missing(d)
	}
	path := s.path(blobsDir, d)
	f, err := s.openRegular(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errKind) {
			err = missing(d)
		}
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if info.Size() != d.Size {
		// The file is damaged, or it was asked for under a length that it never had.
		if verify(f, Digest{d.Hash, info.Size()}) != nil {
			s.quarantine(path, f, errSize)
		}
		return nil, errors.Join(missing(d), f.Close())
	}
	return f, nil
}

// openRegular opens a file of the store. What is not a file, or must not be read, is put aside: errKind.
func (s *Store) openRegular(path string) (File, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		s.quarantine(path, nil, errKind)
		return nil, errKind
	}
	f, err := s.fs.OpenFile(path, os.O_RDONLY|cautious, 0)
	if errors.Is(err, fs.ErrPermission) {
		s.quarantine(path, nil, err)
		return nil, errKind
	}
	if err != nil {
		return nil, err
	}
	if now, err := f.Stat(); err != nil || !now.Mode().IsRegular() {
		return nil, errors.Join(errKind, err, f.Close())
	}
	return f, nil
}

// verify reads a file to its end and compares length and digest.
func verify(f io.Reader, want Digest) error {
	sum := sha256.New()
	n, err := io.CopyBuffer(onlyWriter{sum}, f, make([]byte, chunk))
	switch {
	case err != nil:
		return err
	case n != want.Size:
		return errSize
	case !bytes.Equal(sum.Sum(nil), want.Hash[:]):
		return errSum
	}
	return nil
}

// onlyWriter hides everything but Write, so that io.CopyBuffer uses its buffer.
type onlyWriter struct{ io.Writer }

// same compares a file with data that has the right digest: cheaper than hashing it.
func same(f io.Reader, data []byte) error {
	buf := make([]byte, min(chunk, len(data)+1))
	for {
		n, err := f.Read(buf)
		if n > len(data) || !bytes.Equal(buf[:n], data[:n]) {
			return errSum
		}
		data = data[n:]
		if err == io.EOF {
			if len(data) > 0 {
				return errSize
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// quarantine moves a damaged file out of the way and warns. f, which may be nil, is the file as it was read: another may have
// put a sound one in its place since.
func (s *Store) quarantine(path string, f File, why error) {
	name := filepath.Join(filepath.Base(filepath.Dir(filepath.Dir(path))), filepath.Base(path))
	if f != nil {
		was, err := f.Stat()
		now, err2 := os.Lstat(path)
		if err != nil || err2 != nil || !os.SameFile(was, now) {
			return
		}
	}
	if s.readOnly {
		s.warnf("%s in the store is damaged: %v; it is not used, and stays because the store is read only", name, why)
		return
	}
	to := filepath.Join(s.root, corruptDir, filepath.Base(path)+"."+random())
	if err := s.fs.Rename(path, to); err != nil {
		s.warnf("%s in the store is damaged: %v; it is not used, and could not be moved away: %v", name, why, err)
		return
	}
	s.warnf("%s in the store is damaged: %v; moved to %s, and will be made anew", name, why, to)
}
