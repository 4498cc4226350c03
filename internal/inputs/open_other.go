//go:build !unix

package inputs

const nonblock = 0
