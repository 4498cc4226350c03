package diag

import (
	"strings"
	"unicode"
)

// listed is how many names Suggest and Names show before they cut the list short.
const listed = 12

// longestWord bounds the work of Near: no name of the language is longer, and the word may be hostile.
const longestWord = 64

// Near returns the known name that word was probably meant to be, or "". It forgives case, the choice of - and _, a
// name cut short, and a few slips of the finger (restricted Damerau-Levenshtein distance: insert, drop, replace, swap
// neighbours) in proportion to the length. Of two equally near names the one that comes first in known wins.
func Near(word string, known []string) string {
	if word == "" || len(word) > longestWord {
		return ""
	}
	best, bestCost := "", 1<<30
	for _, name := range known {
		if name == word || len(name) > longestWord {
			continue
		}
		if cost, ok := nearness(word, name); ok && cost < bestCost {
			best, bestCost = name, cost
		}
	}
	return best
}

// NearOnly returns the known name that word can only have been meant to be, or "": the near name if no other is near,
// or if it differs in case and in - and _ alone and no other does. It is what an edit without a question may rest on.
func NearOnly(word string, known []string) string {
	best := Near(word, known)
	if best == "" {
		return ""
	}
	bestCost, _ := nearness(word, best)
	for _, name := range known {
		if name == best || name == word || len(name) > longestWord {
			continue
		}
		if cost, ok := nearness(word, name); ok && (bestCost > 0 || cost == 0) {
			return ""
		}
	}
	return best
}

// nearness grades a candidate: 0 is the best. Costs are doubled distances, so that a cut name ranks between one slip
// and two.
func nearness(word, name string) (cost int, ok bool) {
	w, n := plainWord(word), plainWord(name)
	if string(w) == string(n) {
		return 0, true
	}
	if d := distance(w, n); d <= slips(min(len(w), len(n))) {
		return 2 * d, true
	}
	if len(w) >= 3 && strings.HasPrefix(string(n), string(w)) || len(n) >= 3 && strings.HasPrefix(string(w), string(n)) {
		return 3, true
	}
	return 0, false
}

// slips is how many slips of the finger a word of this length is forgiven.
func slips(length int) int {
	switch {
	case length <= 1:
		return 0
	case length <= 4:
		return 1
	case length <= 8:
		return 2
	}
	return 3
}

// plainWord folds case and drops the separators people mix up.
func plainWord(s string) []rune {
	out := make([]rune, 0, len(s))
	for _, r := range s {
		if r != '-' && r != '_' && r != ' ' {
			out = append(out, unicode.ToLower(r))
		}
	}
	return out
}

// distance is the optimal string alignment distance: Levenshtein's plus swaps of neighbours, no part edited twice.
func distance(a, b []rune) int {
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}

// Suggest returns the end of a message about a word that is not known: `; did you mean "gptq"?`, else what there is:
// `; there are awq, gptq, nearest`. It is empty if nothing is known.
func Suggest(word string, known []string) string {
	if near := Near(word, known); near != "" {
		return `; did you mean "` + near + `"?`
	}
	switch len(known) {
	case 0:
		return ""
	case 1:
		return "; there is only " + known[0]
	}
	return "; there are " + Names(known)
}

// Names lists names for a message: "a, b, c", cut short with … after a dozen.
func Names(names []string) string {
	if len(names) > listed {
		return strings.Join(names[:listed], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}
