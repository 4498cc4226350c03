package store

import (
	"context"
	"io/fs"
	"path/filepath"
)

// Verified is what Verify found.
type Verified struct {
	Entries    int   // sound
	Blobs      int   // sound
	Bytes      int64 // of both
	Damaged    int   // put aside; of a read-only store: seen
	Incomplete int   // entries that name a blob which is not there: never used, and made anew when asked for
}

// Verify reads everything in the store. What is damaged is put aside, with a warning each, and what is left incomplete by that
// is removed. Progress, which may be nil, is told how many bytes have been read.
func (s *Store) Verify(ctx context.Context, progress func(bytes int64)) (v Verified, err error) {
	if s == nil {
		return v, nil
	}
	err = s.walk(blobsDir, func(path string, info fs.FileInfo) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		ok, err := s.sound(path, info.Size())
		if err != nil {
			return err
		}
		if !ok {
			v.Damaged++
			return nil
		}
		v.Blobs++
		v.Bytes += info.Size()
		if progress != nil {
			progress(v.Bytes)
		}
		return nil
	})
	if err != nil {
		return v, err
	}
	err = s.walk(actionsDir, func(path string, info fs.FileInfo) error {
		key, e, ok := s.named(path)
		switch {
		case !ok:
			v.Damaged++
		case !s.complete(&e):
			v.Incomplete++
			return s.Delete(key)
		default:
			v.Entries++
			v.Bytes += info.Size()
		}
		return nil
	})
	return v, err
}

// sound reads a blob's file and puts it aside if it is not what its name says.
func (s *Store) sound(path string, size int64) (bool, error) {
	f, err := s.openRegular(path)
	if err == errKind {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	want, err := ParseDigest("sha256:" + filepath.Base(path) + "/0")
	if err != nil {
		return false, err
	}
	want.Size = size
	if err := verify(f, want); err != nil {
		s.quarantine(path, f, err)
		return false, nil
	}
	return true, nil
}
