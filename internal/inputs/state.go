package inputs

import (
	"io/fs"
	"os"
	"time"
)

// state is what a file was at a time.
type state struct {
	info    fs.FileInfo
	changed time.Time // of its content or of what is known of it, which no program can set back; zero: not known
}

func stateOf(info fs.FileInfo) state { return state{info, changedAt(info)} }

// sameContent tells that neither file, size nor time of writing are others.
func (s state) sameContent(now state) bool {
	return os.SameFile(s.info, now.info) && s.info.Size() == now.info.Size() && s.info.ModTime().Equal(now.info.ModTime())
}

// sameTimes tells that the file was not touched in any way.
func (s state) sameTimes(now state) bool { return !s.changed.IsZero() && s.changed.Equal(now.changed) }

// tick is more than the resolution of any file system's clock.
const tick = 2 * time.Second

// young tells whether another change right after now could leave the times as they are.
func (s state) young(now time.Time) bool {
	return s.changed.IsZero() || s.changed.After(now.Add(-tick))
}
