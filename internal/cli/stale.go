package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pare-ml/pare/graph/format/manifest"
	"github.com/pare-ml/pare/graph/ir"
	"github.com/pare-ml/pare/recipe/diag"
)

// manifestOr returns m, the model that goes in, or its manifest if the model is not there. Where both are it says whether
// the manifest is still the header of the model.
func (p *project) manifestOr(m *ir.Model, err error) (*ir.Model, error) {
	in := p.recipe.Model
	if in.Manifest == "" {
		return m, err
	}
	at := in.Node.Get("manifest").Span
	var gone *errMissing
	if err != nil && !errors.As(err, &gone) {
		return nil, err
	}
	header, herr := p.Model(in.Manifest)
	var noManifest *errMissing
	switch {
	case errors.As(herr, &noManifest) && err == nil:
		p.report.Notef(at, "manifest-missing", "%s is not there; write it with %s", in.Manifest, writeManifest(in.Path, in.Manifest))
		return m, nil
	case herr != nil && err != nil:
		return nil, err // of the model, which is what is wanted
	case herr != nil:
		return nil, herr
	case err != nil:
		p.report.Notef(at, "manifest-used", "%s is not there, so the recipe is checked against its manifest; a build needs the model", in.Path)
		return header, nil
	}
	if changes := manifest.Changes(header, m); len(changes) > 0 {
		p.report.Warningf(at, "manifest-stale", "%s is not the header of %s any more: %s; write it anew with %s", in.Manifest, in.Path,
			shorten(changes, 4), writeManifest(in.Path, in.Manifest))
	}
	return m, nil
}

// shorten joins the first n of a list and says how many more there are.
func shorten(list []string, n int) string {
	text := strings.Join(list[:min(n, len(list))], ", ")
	if len(list) > n {
		text += fmt.Sprintf(", and %d more", len(list)-n)
	}
	return text
}

func writeManifest(model, to string) string {
	return "`pare manifest " + diag.Printable(model) + " -o " + diag.Printable(to) + "`"
}

// needWeights refuses a model of which only the header is there.
func needWeights(m *ir.Model, what string) error {
	if m.HasWeights() {
		return nil
	}
	return usageError{fmt.Sprintf("%s is a manifest: it holds no weights; %s needs the model", diag.Printable(m.Path), what)}
}
