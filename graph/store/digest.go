package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Digest names content by its SHA-256 and its size, as Remote Execution does. Digests can be compared with ==; the zero
// Digest names nothing.
type Digest struct {
	Hash [sha256.Size]byte
	Size int64
}

// Sum returns the digest of b.
func Sum(b []byte) Digest { return Digest{sha256.Sum256(b), int64(len(b))} }

// Hex returns the hash alone, 64 hexadecimal digits.
func (d Digest) Hex() string { return hex.EncodeToString(d.Hash[:]) }

// IsZero tells whether d names nothing.
func (d Digest) IsZero() bool { return d == Digest{} }

// String returns the text form, sha256:<hex>/<size>.
func (d Digest) String() string { return "sha256:" + d.Hex() + "/" + strconv.FormatInt(d.Size, 10) }

// MarshalText returns the text form.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the text form, and only as String writes it.
func (d *Digest) UnmarshalText(text []byte) error {
	got, err := ParseDigest(string(text))
	if err == nil {
		*d = got
	}
	return err
}

// ParseDigest reads the text form, and only as String writes it: lower case, no leading zeros.
func ParseDigest(text string) (Digest, error) {
	var d Digest
	hash, size, ok := strings.Cut(strings.TrimPrefix(text, "sha256:"), "/")
	if ok && len(hash) == hex.EncodedLen(len(d.Hash)) {
		_, herr := hex.Decode(d.Hash[:], []byte(hash))
		n, serr := strconv.ParseInt(size, 10, 64)
		if d.Size = n; herr == nil && serr == nil && n >= 0 && d.String() == text {
			return d, nil
		}
	}
	return Digest{}, fmt.Errorf("%.100q is not a digest; one looks like sha256:<64 hexadecimal digits>/<size>", text)
}
