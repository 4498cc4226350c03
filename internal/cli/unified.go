package cli

import (
	"bytes"
	"fmt"
)

// around is how many lines a difference shows before and after what changed.
const around = 3

// largestTable bounds the work of comparing: so many pairs of lines. Beyond it a difference is right, but not small.
const largestTable = 16 << 20

// change is a line of one text or of both: ' ' both, '-' the old one, '+' the new one.
type change struct {
	sign byte
	text []byte
}

// unified writes the difference of two texts as diff -u does; it is empty if they are equal.
func unified(oldName, newName string, old, text []byte) []byte {
	list := compare(splitAfter(old), splitAfter(text))
	var b bytes.Buffer
	oldLine, newLine := 1, 1
	for i := 0; i < len(list); {
		if list[i].sign == ' ' {
			oldLine, newLine, i = oldLine+1, newLine+1, i+1
			continue
		}
		if b.Len() == 0 {
			fmt.Fprintf(&b, "--- %s\n+++ %s\n", oldName, newName)
		}
		from := max(0, i-around)
		to := hunkEnd(list, i)
		oldLine, newLine = writeHunk(&b, list[from:to], oldLine-(i-from), newLine-(i-from))
		i = to
	}
	return b.Bytes()
}

// hunkEnd returns where the hunk that has the change at i ends: changes less than two contexts apart share one.
func hunkEnd(list []change, i int) int {
	last := i
	for ; i < len(list) && i-last <= 2*around+1; i++ {
		if list[i].sign != ' ' {
			last = i
		}
	}
	return min(len(list), last+1+around)
}

func writeHunk(b *bytes.Buffer, list []change, oldLine, newLine int) (oldEnd, newEnd int) {
	olds, news := 0, 0
	for _, c := range list {
		if c.sign != '+' {
			olds++
		}
		if c.sign != '-' {
			news++
		}
	}
	// A range without lines is told by the line before it.
	fmt.Fprintf(b, "@@ -%d,%d +%d,%d @@\n", oldLine-btoi(olds == 0), olds, newLine-btoi(news == 0), news)
	for _, c := range list {
		b.WriteByte(c.sign)
		b.Write(c.text)
		if !bytes.HasSuffix(c.text, []byte("\n")) {
			b.WriteString("\n\\ No newline at end of file\n")
		}
	}
	return oldLine + olds, newLine + news
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func splitAfter(text []byte) [][]byte {
	lines := bytes.SplitAfter(text, []byte("\n"))
	if len(lines[len(lines)-1]) == 0 {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// compare finds a longest common subsequence of lines between what the texts begin and end with in common.
func compare(a, b [][]byte) (list []change) {
	head, tail := 0, 0
	for head < min(len(a), len(b)) && bytes.Equal(a[head], b[head]) {
		head++
	}
	for tail < min(len(a), len(b))-head && bytes.Equal(a[len(a)-1-tail], b[len(b)-1-tail]) {
		tail++
	}
	for _, l := range a[:head] {
		list = append(list, change{' ', l})
	}
	list = append(list, subsequence(a[head:len(a)-tail], b[head:len(b)-tail])...)
	for _, l := range a[len(a)-tail:] {
		list = append(list, change{' ', l})
	}
	return list
}

func subsequence(a, b [][]byte) (list []change) {
	var longest [][]int32 // of a[i:] and b[j:]
	if (len(a)+1)*(len(b)+1) <= largestTable {
		longest = make([][]int32, len(a)+1)
		cells := make([]int32, (len(a)+1)*(len(b)+1))
		for i := range longest {
			longest[i] = cells[i*(len(b)+1) : (i+1)*(len(b)+1)]
		}
		for i := len(a) - 1; i >= 0; i-- {
			for j := len(b) - 1; j >= 0; j-- {
				if bytes.Equal(a[i], b[j]) {
					longest[i][j] = longest[i+1][j+1] + 1
				} else {
					longest[i][j] = max(longest[i+1][j], longest[i][j+1])
				}
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case longest != nil && i < len(a) && j < len(b) && bytes.Equal(a[i], b[j]):
			list = append(list, change{' ', a[i]})
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || longest == nil || longest[i+1][j] >= longest[i][j+1]):
			list = append(list, change{'-', a[i]})
			i++
		default:
			list = append(list, change{'+', b[j]})
			j++
		}
	}
	return list
}
