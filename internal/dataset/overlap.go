package dataset

// Overlap counts the samples of a whose input is also in b, and returns the first of them with its first place in b;
// both are -1 if there is none. A model that was calibrated or trained on test samples measures itself.
func Overlap(a, b Set) (count int, firstA, firstB int) {
	in := make(map[[32]byte]int, b.Len())
	for i := range b.Len() {
		d := b.Sample(i)
		if _, seen := in[d]; !seen {
			in[d] = i
		}
	}
	firstA, firstB = -1, -1
	for i := range a.Len() {
		j, found := in[a.Sample(i)]
		if !found {
			continue
		}
		if count++; count == 1 {
			firstA, firstB = i, j
		}
	}
	return count, firstA, firstB
}
