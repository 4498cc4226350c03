package safetensors

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pare-ml/pare/graph/format"
	"github.com/pare-ml/pare/graph/ir"
)

// attachable are patterns of the files that travel with the weights. Code (*.py) is copied as any other file and never
// run; files of weights are not among them.
var attachable = []string{"config.json", "generation_config.json", "tokenizer*", "*.model", "*.tiktoken", "merges.txt", "vocab.*", "special_tokens_map.json",
	"added_tokens.json", "chat_template*", "preprocessor_config.json", "processor_config.json", "*.json", "*.txt", "*.jinja", "*.py",
	"LICENSE*", "LICENCE*", "NOTICE*", "USE_POLICY*", "README.md"}

// notAttached are files of a folder that are no part of the model: what pare writes beside it, and the weights' index.
var notAttached = []string{"report.json", "report.md", "recipe.yaml", "SHA256SUMS", "pare.lock", "provenance.json", "sbom.cdx.json", "*.index.json"}

// Bounds of what is carried along: of named files, of the rest, and of how many.
const (
	maxAttached = 256 << 20
	maxOther    = 4 << 20
	maxFiles    = 1000
)

// attach lists the files beside the weights, sorted by name.
func (d *folder) attach(m *ir.Model) error {
	entries, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		if !matches(attachable, name) || matches(notAttached, name) || len(m.Attached) == maxFiles || strings.HasPrefix(name, ".") {
			continue
		}
		info, err := d.root.Stat(name) // through links that stay inside
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxAttached || info.Size() > maxOther && !matches(attachable[:8], name) {
			continue
		}
		m.Attached = append(m.Attached, d.attachment(name, info))
	}
	slices.SortFunc(m.Attached, func(a, b ir.Attachment) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, _ := path.Match(p, name)
		return ok
	})
}

// attachment reads a file when it is asked for, and then only the one that was seen.
func (d *folder) attachment(name string, seen fs.FileInfo) ir.Attachment {
	return ir.Attachment{Name: name, Size: seen.Size(), Read: func() ([]byte, error) {
		f, err := d.beneath(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if f.Size() != seen.Size() || !f.Info().ModTime().Equal(seen.ModTime()) {
			return nil, &format.Changed{Path: f.Path}
		}
		return f.All(maxAttached)
	}}
}
