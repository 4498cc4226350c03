package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pare-ml/pare/graph/store/storetest"
)

// Fail lets one operation of a build fail, checks what is left, builds again and checks once more. It returns the exit code and
// what the build said; ended tells that the operation never came.
func (s *Scene) Fail(name string, fault storetest.Fault) (code int, said string, ended bool, err error) {
	dir, err := s.Copy(fmt.Sprintf("fail-%s-%d", strings.ReplaceAll(name, " ", "-"), fault.At))
	if err != nil {
		return 0, "", false, err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s at operation %d (%s): %w; the build said\n%s", name, fault.At, dir, err, said)
		}
	}()
	f := storetest.NewFaultyOn(storetest.Unsynced{}, fault)
	code, said = Build(f, dir)
	now, err := s.Check(dir)
	switch {
	case err != nil:
	case code == 0 && now != s.new:
		err = fmt.Errorf("success, and %v stands", now)
	case code != 0 && code != 3:
		err = fmt.Errorf("exit code %d", code)
	case strings.Contains(said, "goroutine ") || strings.Contains(said, "internal error"):
		err = fmt.Errorf("it fell")
	case len(f.SyncedAgain()) > 0:
		err = fmt.Errorf("synced again after a failure: %v", f.SyncedAgain())
	default:
		_, err = s.Again(storetest.Unsynced{}, dir)
	}
	if err != nil {
		return code, said, !f.Failed(), err
	}
	return code, said, !f.Failed(), os.RemoveAll(dir)
}

// Cuts carries the build out once and looks at what may be on the disk if power is cut after every step-th operation and after the last,
// for several cases of what had reached the disk. With every again-th of these it builds again. It returns how many disks there were.
func (s *Scene) Cuts(step, again int) (disks int, err error) {
	dir, err := s.Copy("log")
	if err != nil {
		return 0, err
	}
	log, err := storetest.NewLogOn(storetest.Unsynced{}, dir)
	if err != nil {
		return 0, err
	}
	if code, said := Build(log, dir); code != 0 {
		return 0, fmt.Errorf("exit code %d:\n%s", code, said)
	}
	for n := range log.Len() + 1 {
		if n%step != 0 && n != log.Len() {
			continue
		}
		for _, seed := range []uint64{0, 1, uint64(n) + 2} {
			if err := s.cut(log, n, seed, seed == 0 && n/step%again == 0); err != nil {
				return disks, fmt.Errorf("power cut after operation %d, case %d: %w", n, seed, err)
			}
			disks++
		}
	}
	return disks, os.RemoveAll(dir)
}

func (s *Scene) cut(log *storetest.Log, n int, seed uint64, again bool) error {
	dst := filepath.Join(s.work, fmt.Sprintf("cut-%d-%d", n, seed))
	if err := os.Mkdir(dst, 0o755); err != nil {
		return err
	}
	if err := log.Cut(n, seed, dst); err != nil {
		return err
	}
	now, err := s.Check(dst)
	switch {
	case err != nil:
		return err
	case n == log.Len() && now != s.new:
		return fmt.Errorf("success was told, and %v stands", now)
	}
	if again {
		if _, err := s.Again(storetest.Unsynced{}, dst); err != nil {
			return err
		}
	}
	return os.RemoveAll(dst)
}
