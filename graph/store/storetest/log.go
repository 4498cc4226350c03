package storetest

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/store"
)

// Log is a file system that remembers what was done below a folder, and makes from it what could be on the disk if power were
// cut at any moment: what was not synced may be there, in part, or not.
//
// A file's bytes are safe once the file was synced. A name that was made, moved or removed is so for good once a folder that it
// was in or went to was synced. Moving is one step: it has happened, or it has not. That is what POSIX lets a program count on;
// ext4 gives more.
type Log struct {
	tap
	root  string
	start disk
	ops   []Op
}

// NewLog returns a file system on the real one. What lies below root now is taken to be safe.
func NewLog(root string) (*Log, error) { return NewLogOn(store.OS{}, root) }

// NewLogOn returns a file system on another.
func NewLogOn(base store.FS, root string) (*Log, error) {
	l := &Log{root: root, start: disk{names: map[inode]map[string]inode{}, data: map[inode][]byte{}}}
	l.base = base
	l.on = func(_ int, op *Op, do func(int) error) error {
		if op.Kind == "create" {
			if _, err := os.Lstat(op.Path); err == nil {
				op.Kind = "open"
			}
		}
		err := do(-1)
		if err == nil {
			op.data = bytes.Clone(op.data)
			l.ops = append(l.ops, *op)
		}
		return err
	}
	return l, l.start.load(root, top)
}

// Len returns how many operations there were that succeeded.
func (l *Log) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.ops)
}

// inode is a file or folder, whatever its name.
type inode int

const top inode = 0

// disk is what a disk holds: the names in each folder, the bytes of each file.
type disk struct {
	names map[inode]map[string]inode
	data  map[inode][]byte
}

func (d *disk) new() inode { return inode(len(d.names) + len(d.data)) }

func (d *disk) load(path string, n inode) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		d.data[n], err = os.ReadFile(path)
		return err
	}
	d.names[n] = map[string]inode{}
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		kid := d.new()
		if err := d.load(filepath.Join(path, e.Name()), kid); err != nil {
			return err
		}
		d.names[n][e.Name()] = kid
	}
	return nil
}

func (d *disk) clone() disk {
	c := disk{map[inode]map[string]inode{}, map[inode][]byte{}}
	for n, names := range d.names {
		c.names[n] = map[string]inode{}
		for name, kid := range names {
			c.names[n][name] = kid
		}
	}
	for n, data := range d.data {
		c.data[n] = data
	}
	return c
}

func (d *disk) save(path string, n inode) error {
	names, folder := d.names[n]
	if !folder {
		return os.WriteFile(path, d.data[n], 0o644)
	}
	if err := os.Mkdir(path, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	for name, kid := range names {
		if err := d.save(filepath.Join(path, name), kid); err != nil {
			return err
		}
	}
	return nil
}

// slot is a name in a folder.
type slot struct {
	dir  inode
	name string
}

// change is a step that changes names: what the slots have after it. None stands for no file.
type change struct {
	slots []slot
	had   []inode
	has   []inode
	safe  bool
}

const none inode = -1

func (d *disk) redo(c *change) {
	for i, s := range c.slots {
		switch names := d.names[s.dir]; {
		case c.has[i] != none:
			names[s.name] = c.has[i]
		case names[s.name] == c.had[i]: // unless a later step, which is safe, has put something else there
			delete(names, s.name)
		}
	}
}

// replay carries operations out anew on a disk of its own.
type replay struct {
	root    string
	live    disk
	synced  map[inode][]byte // files written since the start: what of them is safe
	files   map[*file]inode
	changes []*change
}

// at finds the slot that a path names, and what is in it.
func (r *replay) at(path string) (slot, inode, bool) {
	rel, err := filepath.Rel(r.root, path)
	if err != nil || !filepath.IsLocal(rel) {
		return slot{}, none, false
	}
	if rel == "." {
		return slot{}, top, true
	}
	parts := strings.Split(filepath.ToSlash(rel), "/")
	dir := top
	for _, p := range parts[:len(parts)-1] {
		next, ok := r.live.names[dir][p]
		if !ok {
			return slot{}, none, false
		}
		dir = next
	}
	s := slot{dir, parts[len(parts)-1]}
	if n, ok := r.live.names[dir][s.name]; ok {
		return s, n, true
	}
	return s, none, true
}

func (r *replay) apply(op Op) {
	from, n, ok := r.at(op.Path)
	switch {
	case op.file != nil && op.Kind != "create" && op.Kind != "open":
		r.content(op)
		return
	case !ok:
		return
	}
	switch op.Kind {
	case "create", "mkdir":
		made := r.live.new()
		if op.Kind == "mkdir" {
			r.live.names[made] = map[string]inode{}
		} else {
			r.live.data[made], r.synced[made], r.files[op.file] = nil, nil, made
		}
		r.change([]slot{from}, made)
	case "open":
		r.files[op.file] = n
	case "remove":
		r.change([]slot{from}, none)
	case "rename":
		if to, _, ok := r.at(op.To); ok {
			r.change([]slot{from, to}, none, n)
		}
	case "link":
		if to, _, ok := r.at(op.To); ok {
			r.change([]slot{to}, n)
		}
	case "exchange":
		if to, other, ok := r.at(op.To); ok {
			r.change([]slot{from, to}, other, n)
		}
	case "syncdir":
		for _, c := range r.changes {
			if slices.ContainsFunc(c.slots, func(s slot) bool { return s.dir == n }) {
				c.safe = true
			}
		}
	}
}

func (r *replay) change(slots []slot, has ...inode) {
	c := &change{slots: slots, has: has}
	for _, s := range slots {
		had, ok := r.live.names[s.dir][s.name]
		if !ok {
			had = none
		}
		c.had = append(c.had, had)
	}
	r.live.redo(c)
	r.changes = append(r.changes, c)
}

func (r *replay) content(op Op) {
	n, ok := r.files[op.file]
	if !ok {
		return
	}
	if _, ok := r.synced[n]; !ok {
		r.synced[n] = r.live.data[n] // from before the log began
	}
	switch op.Kind {
	case "write":
		r.live.data[n] = append(bytes.Clone(r.live.data[n]), op.data...)
	case "truncate":
		r.live.data[n] = nil
	case "sync":
		r.synced[n] = r.live.data[n]
	}
}

// Cut writes to dst, a folder, what may be on the disk when power is cut after the first n operations. Seed 0 keeps what is
// safe and nothing else; 1 keeps all names, with zeros in place of bytes that are not safe; others keep a part, at random.
func (l *Log) Cut(n int, seed uint64, dst string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := replay{root: l.root, live: l.start.clone(), synced: map[inode][]byte{}, files: map[*file]inode{}}
	for _, op := range l.ops[:n] {
		r.apply(op)
	}
	rnd := rand.New(rand.NewPCG(seed, 0))
	left := l.start.clone()
	for dir := range r.live.names {
		if left.names[dir] == nil {
			left.names[dir] = map[string]inode{}
		}
	}
	for _, c := range r.changes {
		if c.safe || seed == 1 || seed > 1 && rnd.IntN(2) == 0 {
			left.redo(c)
		}
	}
	for i := range inode(len(r.live.names) + len(r.live.data)) {
		safe, written := r.synced[i]
		if !written {
			continue
		}
		live := r.live.data[i]
		switch left.data[i] = safe; {
		case bytes.Equal(safe, live), seed == 0:
		case seed == 1:
			left.data[i] = append(bytes.Clone(safe), make([]byte, max(0, len(live)-len(safe)))...)
		default:
			left.data[i] = live[:rnd.IntN(len(live)+1)]
		}
	}
	return left.save(dst, top)
}
