package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// rewriteFile puts text in the place of old, which was read from the file. The file is as it was until the new text is
// complete; its mode stays, and a link stays a link. A file that has changed since is not touched.
func rewriteFile(path string, old, text []byte) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(real)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(real), filepath.Base(real)+".tmp-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already if all went well
	_, err = f.Write(text)
	if err == nil {
		err = f.Chmod(info.Mode().Perm())
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	switch now, err := os.ReadFile(real); {
	case err != nil:
		return err
	case !bytes.Equal(now, old):
		return fmt.Errorf("%s has changed since it was read; it stays as it is", path)
	}
	return os.Rename(f.Name(), real)
}
