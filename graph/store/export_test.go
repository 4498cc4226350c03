package store

import (
	"path/filepath"
	"time"
)

// BlobPath and EntryPath are where the tests find what they damage.
func (s *Store) BlobPath(d Digest) string    { return s.path(blobsDir, d) }
func (s *Store) EntryPath(key Digest) string { return s.path(actionsDir, key) }

// HoldPath is the file of a hold.
func (s *Store) HoldPath(key Digest) string { return filepath.Join(s.root, holdsDir, key.Hex()) }

// SetPatience sets how long a wait is before it is told.
func (s *Store) SetPatience(d time.Duration) { s.patience = d }

// DecodeEntry and Encode are for the fuzz target.
var DecodeEntry = decodeEntry

func (e *Entry) Encode(key Digest) []byte { return e.encode(key) }
