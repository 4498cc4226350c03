//go:build !linux

package ggml

import "time"

var start = time.Now()

func clock() time.Duration { return time.Since(start) }
