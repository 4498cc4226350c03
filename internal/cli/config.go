package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"

	"github.com/pare-ml/pare/recipe"
	"github.com/pare-ml/pare/recipe/diag"
)

// configure reads the configuration at the root of the repository, if there is one.
func (p *project) configure() error {
	info, err := p.root.Stat(recipe.ConfigName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	name := filepath.Join(p.top, recipe.ConfigName)
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", name)
	}
	f, err := p.root.Open(recipe.ConfigName)
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, recipeBytes+1))
	if err != nil {
		return err
	}
	if near, err := filepath.Rel(p.dir, name); err == nil {
		name = filepath.Join(filepath.Dir(p.source.Name), near)
	}
	p.config = recipe.ParseConfig(&diag.Source{Name: filepath.ToSlash(name), Text: text}, p.lang, &p.report)
	return nil
}

// silence takes the findings that comments and the configuration allow out of the report. It is called once, when the
// report is complete; compiled says that the recipe was compiled against its model.
func (p *project) silence(compiled bool) (silenced diag.List) {
	texts := []recipe.Text{{Source: p.source, Path: path.Base(filepath.ToSlash(p.source.Name))}}
	if p.recipe != nil {
		texts = p.recipe.Texts()
	}
	return p.lang.Silence(&p.report, texts, p.config, compiled)
}

// strict tells whether warnings count as errors: by the flag, or by the configuration.
func (p *project) strict(flag bool) bool { return flag || p.config != nil && p.config.Strict }
