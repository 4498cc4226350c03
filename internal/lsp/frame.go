package lsp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Bounds of one message. The largest recipe has 1 MB; in JSON it may take six times as much.
const (
	maxHeaderLine  = 1 << 10
	maxHeaderLines = 16
	maxBody        = 16 << 20
	maxSkip        = 1 << 30 // of a body that is too large: it is read and dropped, so that the next message is found
)

// tooLarge says that a message was dropped. Reading can go on.
type tooLarge struct{ size int64 }

func (e *tooLarge) Error() string {
	return fmt.Sprintf("a message of %d bytes; this server takes up to %d", e.size, maxBody)
}

// frames cuts a stream into messages.
type frames struct{ r *bufio.Reader }

func newFrames(r io.Reader) *frames { return &frames{bufio.NewReaderSize(r, maxHeaderLine)} }

// next returns the body of the next message. io.EOF means that the stream ended between messages. After any other error
// but *tooLarge nothing more can be read.
func (f *frames) next() ([]byte, error) {
	size, err := f.header()
	if err != nil {
		return nil, err
	}
	if size > maxSkip {
		return nil, fmt.Errorf("the header announces %d bytes", size)
	}
	if size > maxBody {
		if _, err := io.CopyN(io.Discard, f.r, size); err != nil {
			return nil, cutShort(err)
		}
		return nil, &tooLarge{size}
	}
	// The buffer grows with what arrives, not with what is announced.
	var body bytes.Buffer
	if _, err := io.CopyN(&body, f.r, size); err != nil {
		return nil, cutShort(err)
	}
	return body.Bytes(), nil
}

func cutShort(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// header reads the header of a message and returns the length of its body.
func (f *frames) header() (size int64, err error) {
	size = -1
	for lines := 0; ; lines++ {
		line, err := f.r.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull) || lines == maxHeaderLines:
			return 0, errors.New("the header is too long")
		case err == io.EOF && lines == 0 && len(line) == 0:
			return 0, io.EOF
		case err != nil:
			return 0, cutShort(err)
		}
		text := strings.TrimRight(string(line), "\r\n")
		if text == "" {
			break
		}
		name, value, ok := strings.Cut(text, ":")
		if !ok {
			return 0, fmt.Errorf("%.40q is no line of a header", text)
		}
		if !strings.EqualFold(strings.TrimSpace(name), "Content-Length") {
			continue // Content-Type, which can only say UTF-8
		}
		n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 62)
		if err != nil || size >= 0 && size != int64(n) {
			return 0, fmt.Errorf("%.40q is no length", value)
		}
		size = int64(n)
	}
	if size < 0 {
		return 0, errors.New("the header lacks Content-Length")
	}
	return size, nil
}

// writeFrame writes one message.
func writeFrame(w io.Writer, body []byte) error {
	frame := fmt.Appendf(make([]byte, 0, len(body)+40), "Content-Length: %d\r\n\r\n", len(body))
	_, err := w.Write(append(frame, body...))
	return err
}

// arrival is a message, or why there is none.
type arrival struct {
	body []byte
	err  error
}

// read sends what arrives, until the stream cannot be read any further or ctx is done.
func read(ctx context.Context, in io.Reader) <-chan arrival {
	to := make(chan arrival)
	go func() {
		defer close(to)
		f := newFrames(in)
		for {
			body, err := f.next()
			select {
			case to <- arrival{body, err}:
			case <-ctx.Done():
				return
			}
			var large *tooLarge
			if err != nil && !errors.As(err, &large) {
				return
			}
		}
	}()
	return to
}
