package syntax

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/pare-ml/pare/recipe/diag"
	"gopkg.in/yaml.v3"
)

// Parse reads one YAML document. It returns nil if the text holds no usable document; everything it dislikes is
// reported, as much of it as possible in one run (docs/recipe.md, "Text").
func Parse(src *diag.Source, report *diag.List) *Node {
	text := readable(src, report)
	if text == nil {
		return nil
	}
	words := lex(text)
	if words.full {
		report.Errorf(spanAt(src, words.i, words.i), "yaml-too-large",
			"more than %d words and signs up to here; a recipe may not have more", maxTokens)
		return nil
	}
	masks := words.masks
	for {
		root, wrong := parse(src, text, words, masks, report)
		if wrong == nil {
			return root
		}
		masks = wrong
	}
}

// parse is Parse with these ranges hidden. If hiding some of them cannot be made good in the values, it returns those
// that may stay hidden, a shorter list that is not nil, and reports nothing.
func parse(src *diag.Source, text []byte, words *lexer, masks []mask, report *diag.List) (root *Node, again []mask) {
	shown := hide(text, masks)
	document, second, err := load(shown)
	if err != nil {
		complain(src, text, words, masks, err, report)
		return nil, nil
	}
	if document == nil {
		report.Errorf(spanAt(src, 0, 0), "yaml-empty", emptyMessage)
		return nil, nil
	}
	var found diag.List
	w := newWalk(src, text, shown, words, masks, &found)
	root = w.document(document)
	if len(w.unmask) > 0 {
		again = slices.DeleteFunc(slices.Clone(masks), func(m mask) bool { return slices.Contains(w.unmask, m) })
		if again == nil {
			again = []mask{}
		}
		return nil, again
	}
	if second && !w.secondDocument() {
		root = nil
	}
	for _, d := range trim(found, nil) {
		report.Add(d)
	}
	return root, nil
}

// load hands the text to the library. A second document is only asked for, not read. The library panics on some texts
// that it should refuse; that is an error like any other.
func load(text []byte) (document *yaml.Node, second bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			document, second, err = nil, false, fmt.Errorf("yaml: %v", p)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	document = new(yaml.Node)
	if err := decoder.Decode(document); errors.Is(err, io.EOF) {
		return nil, false, nil
	} else if err != nil {
		return nil, false, err
	}
	return document, moreFollows(decoder), nil
}

// moreFollows tells whether there is a second document, well formed or not.
func moreFollows(decoder *yaml.Decoder) (more bool) {
	defer func() {
		if recover() != nil {
			more = true
		}
	}()
	return !errors.Is(decoder.Decode(new(yaml.Node)), io.EOF)
}
