package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// progress shows on one line of a terminal what a build is at; elsewhere it shows nothing. It may be updated from any
// goroutine.
type progress struct {
	w     io.Writer // nil: not a terminal
	mu    sync.Mutex
	shown time.Time
	step  string
	since time.Time
}

func newProgress(w io.Writer) *progress {
	if !terminal(w) {
		return &progress{}
	}
	return &progress{w: w}
}

// update says that done of total parts of a step are finished; total 0: it has just begun.
func (p *progress) update(step string, done, total int, note string) {
	if p.w == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if step != p.step {
		p.step, p.since = step, now
	} else if now.Sub(p.shown) < 100*time.Millisecond && done != total {
		return
	}
	p.shown = now
	text := step
	if total > 0 {
		text += fmt.Sprintf("  %s %d/%d", bar(done, total, 20), done, total)
		if spent := now.Sub(p.since); done > 0 && done < total && spent > 2*time.Second {
			text += fmt.Sprintf("  %s left", (spent * time.Duration(total-done) / time.Duration(done)).Round(time.Second))
		}
	}
	if note != "" {
		text += "  " + note
	}
	if limit := width(p.w) - 1; len(text) > limit {
		text = text[:limit]
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s", text)
}

// clear removes the line.
func (p *progress) clear() {
	if p.w != nil {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

func bar(done, total, width int) string {
	n := width * done / total
	return "[" + strings.Repeat("=", n) + strings.Repeat(" ", width-n) + "]"
}
