//go:build !linux

package main

import "os"

// resident is the most memory that a process had; it is not known here.
func resident(*os.ProcessState) int64 { return 0 }
