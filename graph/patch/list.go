package patch

import "fmt"

// arrange says how a list of n elements became another: from gives for each element of the new list its place in the old
// one, or a number below 0 for one that was added. Of an element that stands twice the second counts as added; from is
// changed to say so.
func arrange(n int, from []int) (removed, before, order []int) {
	kept := make([]bool, n)
	last, sorted := -1, true
	for i, at := range from {
		if at < 0 {
			continue
		}
		if kept[at] {
			from[i] = -1
			continue
		}
		kept[at] = true
		sorted = sorted && at > last
		last = at
	}
	for at, k := range kept {
		if !k {
			removed = append(removed, at)
		}
	}
	if !sorted {
		added := 0
		for _, at := range from {
			if at < 0 {
				at = n + added
				added++
				before = append(before, n)
			}
			order = append(order, at)
		}
		return removed, before, order
	}
	next := n
	for i := len(from) - 1; i >= 0; i-- {
		if from[i] >= 0 {
			next = from[i]
		} else {
			before = append(before, next)
		}
	}
	for i, j := 0, len(before)-1; i < j; i, j = i+1, j-1 {
		before[i], before[j] = before[j], before[i]
	}
	return removed, before, nil
}

// slots is a list that patches are brought into, by places of the list as it was.
type slots[T any] struct {
	items []T
	gone  []bool
	added [][]T // before each item, and at the end
	count int   // of what was added
	order []int
	late  []T // what was added, where order says its place
}

func newSlots[T any](items []T) *slots[T] {
	return &slots[T]{items: items, gone: make([]bool, len(items)), added: make([][]T, len(items)+1)}
}

// conflict is the error of patches that do not go together, or not with the model.
func conflict(format string, args ...any) error {
	return fmt.Errorf("the patch does not fit: "+format, args...)
}

// edit brings one list's difference in. changeOne changes an element in place; same compares an element with one added by
// an earlier patch under the same name, and tells whether the two have a name in common.
func edit[T, W, E any](s *slots[T], l *list[W, E], make func(*W) (T, error), changeOne func(at int, cur *T, e *E) error, same func(a, b T) (named, equal bool)) error {
	n := len(s.items)
	for _, at := range l.removed {
		if at < 0 || at >= n {
			return conflict("element %d of %d goes", at, n)
		}
		s.gone[at] = true
	}
	for i := range l.changed {
		at := l.changed[i].at
		if at < 0 || at >= n || s.gone[at] {
			return conflict("element %d of %d changes", at, n)
		}
		if err := changeOne(at, &s.items[at], &l.changed[i].to); err != nil {
			return err
		}
	}
	if l.order != nil {
		return s.reorder(l.order, len(l.added), func(i int) (T, error) { return make(&l.added[i].item) })
	}
	if s.order != nil && len(l.added) > 0 {
		return conflict("another patch has put the list in another order")
	}
	earlier := s.count
	old := s.all(earlier)
	for i := range l.added {
		a := &l.added[i]
		if a.before < 0 || a.before > n {
			return conflict("an element is added at place %d of %d", a.before, n)
		}
		item, err := make(&a.item)
		if err != nil {
			return err
		}
		there := false
		for _, o := range old {
			named, equal := same(o, item)
			if named && !equal {
				return conflict("two patches add different things under one name")
			}
			there = there || named
		}
		if !there {
			s.added[a.before] = append(s.added[a.before], item)
			s.count++
		}
	}
	return nil
}

// all lists what earlier patches added; nil if that is nothing.
func (s *slots[T]) all(n int) []T {
	if n == 0 {
		return nil
	}
	out := make([]T, 0, n)
	for _, list := range s.added {
		out = append(out, list...)
	}
	return out
}

// reorder takes a whole new order, which only one patch can give.
func (s *slots[T]) reorder(order []int, added int, make func(int) (T, error)) error {
	if s.order != nil || s.count > 0 {
		return conflict("two patches put a list in another order")
	}
	seen := map[int]bool{}
	for _, at := range order {
		if at < 0 || at >= len(s.items)+added || seen[at] {
			return conflict("place %d of %d in a new order", at, len(s.items)+added)
		}
		seen[at] = true
	}
	s.order = order
	for i := range added {
		item, err := make(i)
		if err != nil {
			return err
		}
		s.late = append(s.late, item)
	}
	return nil
}

// list returns the new list.
func (s *slots[T]) list() []T {
	out := make([]T, 0, len(s.items)+s.count)
	if s.order != nil {
		for _, at := range s.order {
			switch n := len(s.items); {
			case at >= n:
				out = append(out, s.late[at-n])
			case !s.gone[at]:
				out = append(out, s.items[at])
			}
		}
		return out
	}
	for i, item := range s.items {
		out = append(out, s.added[i]...)
		if !s.gone[i] {
			out = append(out, item)
		}
	}
	return append(out, s.added[len(s.items)]...)
}
