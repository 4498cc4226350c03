// Package provenance writes what a build says of its origin, for those who receive its result: an in-toto Statement with
// a SLSA provenance predicate, a CycloneDX bill of materials with a model card, and, for who has a key, a DSSE signature.
// It reads them again to verify a result. Nothing here depends on clock, machine or user: a build that is repeated writes
// the same documents.
package provenance

import (
	"bytes"
	"encoding/json"

	"github.com/pare-ml/pare/evaluate"
	"github.com/pare-ml/pare/graph/lock"
)

// Names of the documents in a build's folder.
const (
	StatementName = "provenance.json"
	BOMName       = "sbom.cdx.json"
	EnvelopeName  = "provenance.dsse.json"
)

// Build is what is known of a build.
type Build struct {
	Report   *evaluate.Report
	Lock     *lock.Recipe // what it was built from
	Target   string       // the device profile; may be empty
	Datasets []Dataset
	Files    []File // all that the documents speak of
}

// Dataset is a data set of the recipe.
type Dataset struct {
	Name  string
	Use   string   // "training and calibration", "evaluation"; may be empty
	Paths []string // of its files, as in the lock
}

// File is a file of the build's folder.
type File struct {
	Path   string // relative to it, with slashes
	SHA256 string
}

// encode writes a document: indented, with a newline at the end.
func encode(document any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(document)
	return b.Bytes(), err
}
