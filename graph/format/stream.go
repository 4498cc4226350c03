package format

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
)

// chunk is the usual number of bytes that one worker makes at a time.
const chunk = 1 << 18

// Stream says how a file is written.
type Stream struct {
	Workers  int                     // goroutines that make bytes; below 1: one
	Memory   int64                   // bytes that may wait to be written; 0: 32 MiB. A tensor without ranges takes what it takes
	Progress func(done, total int64) // may be nil
}

// piece is a range of a part, made by a worker and written in its turn.
type piece struct {
	part Part
	off  int64
	size int64
	data chan made
}

type made struct {
	b     []byte
	err   error
	fault string // a panic, with where it happened
}

// Write writes the file's parts to w, in order. Ranges of tensors are made by several workers ahead of the writing; what
// waits is bounded by the stream's memory. The bytes depend on neither. A panic of a tensor is raised again here.
func (s Stream) Write(ctx context.Context, w io.Writer, f File) error {
	ctx, stop := context.WithCancel(ctx)
	var wait sync.WaitGroup
	defer wait.Wait()
	defer stop()
	workers, memory := max(s.Workers, 1), s.Memory
	if memory <= 0 {
		memory = 32 << 20
	}
	todo := make(chan *piece)
	inOrder := make(chan *piece, max(1, memory/chunk))
	wait.Go(func() { cut(ctx, f, todo, inOrder) })
	for range workers {
		wait.Go(func() {
			for p := range todo {
				p.data <- p.made()
			}
		})
	}
	var done int64
	total := f.Size()
	for p := range inOrder {
		var m made
		select {
		case m = <-p.data:
		case <-ctx.Done():
			return ctx.Err()
		}
		switch {
		case m.fault != "":
			panic(m.fault)
		case m.err != nil:
			return m.err
		}
		if _, err := w.Write(m.b); err != nil {
			return err
		}
		p.free(m.b)
		if done += p.size; s.Progress != nil {
			s.Progress(done, total)
		}
	}
	return ctx.Err()
}

// cut hands out the file's pieces: to the one who writes, in order, and to the workers.
func cut(ctx context.Context, f File, todo, inOrder chan<- *piece) {
	defer close(todo)
	defer close(inOrder)
	for _, part := range f.Parts {
		size := part.Size()
		step := size
		if part.Tensor != nil && part.Tensor.Align() > 0 {
			align := int64(part.Tensor.Align())
			step = max(chunk/align*align, align)
		}
		for off := int64(0); off < size; off += step {
			p := &piece{part: part, off: off, size: min(step, size-off), data: make(chan made, 1)}
			select {
			case inOrder <- p:
			case <-ctx.Done():
				return
			}
			if part.Tensor == nil {
				p.data <- made{b: part.Bytes}
				continue
			}
			select {
			case todo <- p:
			case <-ctx.Done():
				return
			}
		}
	}
}

// made makes the piece's bytes.
func (p *piece) made() (m made) {
	defer func() {
		if r := recover(); r != nil {
			m.fault = fmt.Sprintf("%v\n%s", r, debug.Stack())
		}
	}()
	m.b, m.err = p.make()
	return m
}

var buffers = sync.Pool{}

func (p *piece) make() ([]byte, error) {
	t := p.part.Tensor
	if t.Align() == 0 {
		return t.Bytes()
	}
	var b []byte
	if old, ok := buffers.Get().(*[]byte); ok && int64(cap(*old)) >= p.size {
		b = (*old)[:p.size]
	} else {
		b = make([]byte, p.size)
	}
	return b, t.ReadRange(b, p.off)
}

// free lets the next piece have the memory.
func (p *piece) free(b []byte) {
	if p.part.Tensor != nil && p.part.Tensor.Align() > 0 {
		buffers.Put(&b)
	}
}
