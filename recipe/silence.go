package recipe

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pare-ml/pare/recipe/diag"
	"github.com/pare-ml/pare/recipe/syntax"
)

// Text is a file whose comments may silence findings.
type Text struct {
	Source *diag.Source
	Path   string // relative to the repository's root, for the paths of a Config
}

// Texts lists the recipe's own text and those that it imports.
func (r *Recipe) Texts() []Text {
	own := r.Source.Name[strings.LastIndexAny(r.Source.Name, `/\`)+1:]
	out := []Text{{r.Source, path.Join(r.folder, own)}}
	for _, i := range r.Imports {
		out = append(out, Text{i.Source, path.Join(r.folder, i.Path)})
	}
	return out
}

// silence is one comment `# pare:allow code reason`.
type silence struct {
	comment syntax.Comment
	code    string
	file    bool // pare:allow-file: for the whole file
	line    int  // else: for the findings of this line
	used    bool
	refused bool // meant for an error
}

// Silence takes out of a report the warnings and notes that comments of the texts, or the configuration, allow with a
// reason, and returns them. Comments are `# pare:allow code reason` at the end of a line or on a line of its own above
// it, and `# pare:allow-file code reason` at the head of a file. It reports silences that are wrong or, as far as that
// is known, idle: complete says that the recipe was compiled against its model, so that every check was made.
func (l *Language) Silence(report *diag.List, texts []Text, c *Config, complete bool) (silenced diag.List) {
	var kept, about diag.List
	bySource := map[*diag.Source][]*silence{}
	paths := map[*diag.Source]string{}
	for _, t := range texts {
		bySource[t.Source] = l.silences(t.Source, *report, &about)
		paths[t.Source] = t.Path
	}
	hadErrors := report.HasErrors()
	for _, d := range *report {
		if silencedBy(d, bySource[d.Span.Source]) || c.allows(d, paths[d.Span.Source]) {
			silenced = append(silenced, d)
			continue
		}
		kept = append(kept, d)
	}
	for _, t := range texts {
		for _, s := range bySource[t.Source] {
			l.idle(s, hadErrors, complete, &about)
		}
	}
	*report = append(kept, about...)
	return silenced
}

// silencedBy tells whether one of the silences of a finding's text is for it.
func silencedBy(d diag.Diagnostic, list []*silence) bool {
	quiet := false
	for _, s := range list {
		if s.code != d.Code {
			continue
		}
		if line, _ := d.Span.Source.Position(d.Span.Start); !s.file && line != s.line {
			continue
		}
		if d.Severity == diag.Error {
			s.refused = true
			continue
		}
		s.used, quiet = true, true
	}
	return quiet
}

// idle reports a silence that nothing needs, or that stands for an error.
func (l *Language) idle(s *silence, hadErrors, complete bool, about *diag.List) {
	switch check := l.check(s.code); {
	case s.refused:
		about.Errorf(s.comment.Span, "bad-silence", "%s is an error here, and errors cannot be silenced: put it right and remove this comment", s.code)
	case s.used || hadErrors || !complete && (check == nil || check.Model):
	default:
		where := "in this line"
		if s.file {
			where = "in this file"
		}
		about.Add(diag.Diagnostic{Severity: diag.Warning, Code: "unused-silence", Span: s.comment.Span,
			Message: fmt.Sprintf("nothing %s gives %s, so there is nothing to silence; remove the comment", where, s.code),
			Fixes:   []diag.Fix{{Message: "remove the comment", Edits: []diag.Edit{{Span: whole(s.comment)}}}}})
	}
}

// whole is a comment with the blanks before it, or with its line if it stands alone.
func whole(c syntax.Comment) diag.Span {
	span, text := c.Span, c.Span.Source.Text
	for span.Start > 0 && (text[span.Start-1] == ' ' || text[span.Start-1] == '\t') {
		span.Start--
	}
	if c.Alone && span.End < len(text) && text[span.End] == '\r' {
		span.End++
	}
	if c.Alone && span.End < len(text) && text[span.End] == '\n' {
		span.End++
	}
	return span
}

// silences reads the comments of a text; those that are no good are reported and left out.
func (l *Language) silences(src *diag.Source, found diag.List, about *diag.List) []*silence {
	var out []*silence
	for _, c := range syntax.Comments(src) {
		if s := l.silence(c, found, about); s != nil {
			out = append(out, s)
		}
	}
	return out
}

const silenceForm = "write # pare:allow code reason"

func (l *Language) silence(c syntax.Comment, found diag.List, about *diag.List) *silence {
	text := strings.TrimLeft(c.Span.Text()[1:], " \t")
	if !strings.HasPrefix(text, "pare:") {
		return nil
	}
	words := strings.Fields(text)
	s := &silence{comment: c, file: words[0] == "pare:allow-file"}
	switch {
	case words[0] != "pare:allow" && !s.file:
		about.Errorf(c.Span, "bad-silence", "unknown comment %s%s", quote(words[0]), diag.Suggest(words[0], []string{"pare:allow", "pare:allow-file"}))
		return nil
	case len(words) == 1:
		about.Errorf(c.Span, "bad-silence", "the comment does not say what it allows; "+silenceForm)
		return nil
	}
	s.code = words[1]
	if why := l.silenceable(s.code, found); why != "" {
		about.Errorf(wordIn(c, s.code), "bad-silence", "%s", why)
		return nil
	}
	switch {
	case len(words) == 2:
		about.Errorf(c.Span, "bad-silence", "the comment gives no reason why %s is allowed; "+silenceForm, s.code)
		return nil
	case s.file && !c.Head:
		about.Errorf(c.Span, "bad-silence", "pare:allow-file stands at the head of the file, before its first key; here write pare:allow")
		return nil
	}
	s.line = lineOf(c)
	return s
}

// silenceable says why no silence may name a code, or returns "".
func (l *Language) silenceable(code string, found diag.List) string {
	check := l.check(code)
	switch {
	case check == nil && hasCode(found, code):
	case check == nil:
		return "there is no finding " + quote(code) + diag.Suggest(code, l.softCodes())
	case check.Severity == diag.Error && !check.Mixed:
		return code + " is an error, and errors cannot be silenced"
	case code == "unused-silence" || code == "bad-silence":
		return code + " is about silences and cannot be silenced"
	}
	return ""
}

func hasCode(list diag.List, code string) bool {
	return slices.ContainsFunc(list, func(d diag.Diagnostic) bool { return d.Code == code })
}

func wordIn(c syntax.Comment, word string) diag.Span {
	span := c.Span
	span.Start += strings.Index(span.Text(), word)
	span.End = span.Start + len(word)
	return span
}

// lineOf is the line that a comment is for: its own, or if it stands alone the next one that is not empty or a comment.
func lineOf(c syntax.Comment) int {
	line, _ := c.Span.Source.Position(c.Span.Start)
	if !c.Alone {
		return line
	}
	for _, next := range strings.Split(string(c.Span.Source.Text[c.Span.End:]), "\n") {
		if text := strings.TrimSpace(next); text != "" && text[0] != '#' {
			break
		}
		line++
	}
	return line
}
