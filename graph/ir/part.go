package ir

import "fmt"

// ReadPart fills dst with the tensor's bytes from off on, wherever that is: what Align demands it reads besides. Of a tensor
// without ranges it reads the whole.
func (t *Tensor) ReadPart(dst []byte, off int64) error {
	align, size := int64(t.Align()), t.Size()
	end := off + int64(len(dst))
	if align <= 1 || off < 0 || off > size || end > size || off%align == 0 && (end%align == 0 || end == size) {
		return t.ReadRange(dst, off)
	}
	first, last := off/align*align, size
	if n := (end + align - 1) / align; n <= size/align {
		last = n * align
	}
	wide := make([]byte, last-first)
	if err := t.ReadRange(wide, first); err != nil {
		return err
	}
	if n := copy(dst, wide[off-first:]); n != len(dst) {
		return fmt.Errorf("tensor %q: %d bytes from %d on are %d", t.Name, len(dst), off, n)
	}
	return nil
}
