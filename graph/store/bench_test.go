//go:build unix

package store_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/pare-ml/pare/graph/store"
)

// The store beside the least that it must do: hash, and copy to a synced file or back. `go test -bench Put -cpu 1`

var benchSizes = []int{64 << 10, 4 << 20, 64 << 20}

func benchSize(b *testing.B, do func(b *testing.B, data []byte)) {
	for _, size := range benchSizes {
		data := make([]byte, size)
		for i := 0; i+8 <= len(data); i += 8 {
			binary.LittleEndian.PutUint64(data[i:], uint64(i)*0x9e3779b97f4a7c15)
		}
		b.Run(fmt.Sprintf("%dkB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(size))
			before := cpuTime(b)
			do(b, data)
			used := cpuTime(b) - before
			b.ReportMetric(float64(size)*float64(b.N)/1e6/used.Seconds(), "MB/cpu-s")
		})
	}
}

// cpuTime is what this process has computed so far: on a machine that does other things too it says more than the clock.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkPut(b *testing.B) {
	benchSize(b, func(b *testing.B, data []byte) {
		s, _ := open(b, b.TempDir(), store.Options{FS: store.OS{}})
		for i := range b.N {
			binary.LittleEndian.PutUint64(data, uint64(i))
			d, err := s.Put(data)
			if err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			os.Remove(s.BlobPath(d))
			b.StartTimer()
		}
	})
}

func BenchmarkPutFrom(b *testing.B) {
	benchSize(b, func(b *testing.B, data []byte) {
		s, _ := open(b, b.TempDir(), store.Options{FS: store.OS{}})
		for i := range b.N {
			binary.LittleEndian.PutUint64(data, uint64(i))
			d, err := s.PutFrom(bytes.NewReader(data))
			if err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			os.Remove(s.BlobPath(d))
			b.StartTimer()
		}
	})
}

func BenchmarkPutFloor(b *testing.B) {
	benchSize(b, func(b *testing.B, data []byte) {
		path := filepath.Join(b.TempDir(), "file")
		for range b.N {
			sha256.Sum256(data)
			f, err := os.Create(path)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := f.Write(data); err != nil {
				b.Fatal(err)
			}
			if err := f.Sync(); err != nil {
				b.Fatal(err)
			}
			f.Close()
			b.StopTimer()
			os.Remove(path)
			b.StartTimer()
		}
	})
}

func BenchmarkBlob(b *testing.B) {
	benchSize(b, func(b *testing.B, data []byte) {
		s, _ := open(b, b.TempDir(), store.Options{FS: store.OS{}})
		d, err := s.Put(data)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if _, err := s.Blob(d); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	benchSize(b, func(b *testing.B, data []byte) {
		s, _ := open(b, b.TempDir(), store.Options{FS: store.OS{}})
		d, err := s.Put(data)
		if err != nil {
			b.Fatal(err)
		}
		buf := make([]byte, 1<<20)
		for b.Loop() {
			r, err := s.Open(d)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, buf); err != nil {
				b.Fatal(err)
			}
			r.Close()
		}
	})
}

func BenchmarkBlobFloor(b *testing.B) {
	benchSize(b, func(b *testing.B, data []byte) {
		path := filepath.Join(b.TempDir(), "file")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			got, err := os.ReadFile(path)
			if err != nil {
				b.Fatal(err)
			}
			sha256.Sum256(got)
		}
	})
}
