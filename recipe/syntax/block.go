package syntax

// blockHeader is what stands behind | or >.
type blockHeader struct {
	folded bool
	chomp  byte // '-', '+' or 0
	indent int  // indicator, 0: found from the text
	end    int  // offset behind the header
	body   int  // offset of the line after it
}

func readBlockHeader(text []byte, start int) blockHeader {
	h := blockHeader{folded: text[start] == '>'}
	i := start + 1
	for ; i < len(text); i++ {
		switch c := text[i]; {
		case c == '-' || c == '+':
			h.chomp = c
			continue
		case c >= '1' && c <= '9':
			h.indent = int(c - '0')
			continue
		}
		break
	}
	h.end = i
	for i < len(text) && !isBreak(text[i]) {
		i++
	}
	if i < len(text) {
		i = breakEnd(text, i)
	}
	h.body = i
	return h
}

// blockScalar reads a literal or folded scalar. An indentation indicator counts from the parent's indentation, which the
// text here does not tell, so the columns that it could mean are tried until the value fits.
func blockScalar(text []byte, start int, want string) (runs []run, end int, ok bool) {
	h := readBlockHeader(text, start)
	column := contentColumn(text, h.body)
	lowest := column
	if h.indent > 0 {
		lowest = h.indent
	}
	for tries := 0; column >= lowest && tries < 40; column, tries = column-1, tries+1 {
		var b builder
		end := b.block(text, h, column)
		if string(b.value) == want {
			return b.runs, end, true
		}
	}
	return nil, start, false
}

// contentColumn is the indentation of a block scalar that does not say it: the deepest of the empty lines at its start
// and of its first line.
func contentColumn(text []byte, body int) int {
	column := 1
	for i := body; i < len(text); {
		line := i
		for i < len(text) && text[i] == ' ' {
			i++
		}
		column = max(column, i-line)
		if i >= len(text) || !isBreak(text[i]) {
			break
		}
		i = breakEnd(text, i)
	}
	return column
}

// lineBreak is a break that is not yet put into the value.
type lineBreak struct{ start, end int }

// block reads the body of a block scalar whose lines are indented by column, and returns where it ends: after the last
// line that it takes in. It goes the library's way: the break after a line and the empty lines that follow wait until
// the next line says whether they fold.
func (b *builder) block(text []byte, h blockHeader, column int) (end int) {
	var after *lineBreak     // the break that ended the last line
	var empty []lineBreak    // empty lines since
	var wasBlank, first bool // the last line began with a blank: it and its neighbours do not fold
	first = true
	i := h.body
	end = h.end
	for {
		i = emptyLines(text, i, column, &empty)
		if i >= len(text) || lineColumn(text, i) != column {
			break
		}
		blank := isBlank(text[i])
		switch {
		case first:
		case h.folded && !wasBlank && !blank && len(empty) == 0:
			b.put(" ", after.start, after.end)
		case h.folded && !wasBlank && !blank:
		default:
			b.lineBreak(text, after.start, after.end)
		}
		b.breaks(text, empty)
		empty, first, wasBlank = empty[:0], false, blank
		for i < len(text) && !isBreak(text[i]) {
			b.copy(text, i)
			i++
		}
		end, after = i, nil
		if i < len(text) {
			after = &lineBreak{i, breakEnd(text, i)}
			i = after.end
		}
	}
	if h.chomp != '-' && after != nil {
		b.lineBreak(text, after.start, after.end)
		end = after.end
	}
	if h.chomp == '+' && len(empty) > 0 {
		b.breaks(text, empty)
		end = empty[len(empty)-1].end
	}
	return end
}

func (b *builder) breaks(text []byte, list []lineBreak) {
	for _, br := range list {
		b.lineBreak(text, br.start, br.end)
	}
}

// emptyLines skips indentation and the line breaks of empty lines from i on, and returns where the next content begins.
func emptyLines(text []byte, i, column int, empty *[]lineBreak) int {
	for {
		for n := lineColumn(text, i); n < column && i < len(text) && text[i] == ' '; n++ {
			i++
		}
		if i >= len(text) || !isBreak(text[i]) {
			return i
		}
		*empty = append(*empty, lineBreak{i, breakEnd(text, i)})
		i = breakEnd(text, i)
	}
}

// lineColumn is how many bytes into its line offset i is. Asked only within indentation.
func lineColumn(text []byte, i int) int {
	n := 0
	for i-n > 0 && !isBreak(text[i-n-1]) {
		n++
	}
	return n
}
