package syntax

import (
	"github.com/pare-ml/pare/recipe/diag"
)

func complain(src *diag.Source, shown []byte, words *lexer, err error, report *diag.List) {
	report.Errorf(spanAt(src, 0, 0), "yaml-syntax", "%s", err.Error())
}
