// Package parallel runs independent pieces of work on a bounded number of goroutines. Which goroutine takes which
// piece is left open, so a piece must write to places of its own; what is reduced over pieces is reduced afterwards,
// in the order of the pieces. The result is then the same for any number of workers.
package parallel

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// For calls do(i) once for each i in [0, n), on at most workers goroutines (below 1 counts as 1). It returns when all
// calls have. A panic in a call is raised again here, with the stack of where it happened.
func For(workers, n int, do func(i int)) {
	if workers > n {
		workers = n
	}
	if workers <= 1 {
		for i := range n {
			do(i)
		}
		return
	}
	var next atomic.Int64
	var failed atomic.Pointer[string]
	work := func() {
		defer func() {
			if r := recover(); r != nil {
				text := fmt.Sprintf("%v\n%s", r, debug.Stack())
				failed.CompareAndSwap(nil, &text)
				next.Store(int64(n))
			}
		}()
		for {
			i := int(next.Add(1)) - 1
			if i >= n {
				return
			}
			do(i)
		}
	}
	var wg sync.WaitGroup
	for range workers - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	if text := failed.Load(); text != nil {
		panic(*text)
	}
}

// Chunks splits [0, n) into pieces of size each (the last may be shorter) and calls do for each on at most workers
// goroutines. The pieces depend on n and size alone, never on the workers.
func Chunks(workers, n, size int, do func(chunk, from, to int)) {
	For(workers, (n+size-1)/size, func(i int) {
		do(i, i*size, min(n, (i+1)*size))
	})
}
