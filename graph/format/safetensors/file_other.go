//go:build !unix

package safetensors

const nonblock = 0
