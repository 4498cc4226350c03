// Package golden holds what pare computes to the same bits on every machine. Its tests run models, training, every pass
// and whole builds on small models, for several numbers of workers and with a step's units in other orders, and compare
// digests with those in testdata/digests.txt. CI runs them for GOAMD64=v1, v3 and v4, with the tag purego, and for arm64,
// all against the one file.
//
// A digest that changes means that users' artefacts change: `go test ./graph/golden -update` writes the file anew, and
// the change says why.
package golden
