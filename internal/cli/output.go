package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// output is what a command prints. It remembers the first write that failed, so that a command that did not say all it had to
// say does not end well, even where nobody looked.
type output struct {
	w   io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	o.err = err
	return n, err
}

// complete returns the error of a command, or that what it printed did not arrive. Standard output is closed, where some file
// systems tell only then.
func (o *output) complete(err error) error {
	if f, ok := o.w.(*os.File); ok && f == os.Stdout && o.err == nil {
		o.err = f.Close()
	}
	switch {
	case o.err == nil:
		return err
	case err == nil, errors.As(err, &findingsError{}), errors.As(err, &gateError{}):
		return fmt.Errorf("what it has to say could not be written: %w", o.err)
	}
	return err
}

// file returns the file that a command prints to, if it is one.
func file(w io.Writer) (*os.File, bool) {
	if o, ok := w.(*output); ok {
		w = o.w
	}
	f, ok := w.(*os.File)
	return f, ok
}
