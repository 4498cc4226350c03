package graph

// keptBytes is the size of a step's layers, as it finds them, up to which all that passes give is kept in the store.
const keptBytes = 64 << 20

// sweepMemory is about what a sweep holds, however large the model: the pieces that wait to be written (format.Stream), those
// that workers are at, the model's header, and what the collector has not yet taken of all these.
const sweepMemory = 256 << 20

// sweep tells whether what a step gives is not kept in the store but computed on its way to the file, each time: its pass
// computes it when it is written, at a rate for which it is not worth the disk, and the layers are large.
func (s *Step) sweep(find *finder) bool {
	acting := s.acting()
	if len(acting) == 0 || !s.Pass.Streams(find.params(acting)) {
		return false
	}
	var size int64
	for _, t := range acting {
		size += t.Layer.Bytes
	}
	return size > keptBytes
}

// Sweeps tells whether a build of the plan asks the store for nothing, so that no digest of an input is needed before
// the work: every step sweeps, and nothing is measured.
func (p *Plan) Sweeps() bool {
	if len(p.Reads()) > 0 || len(p.Tests()) > 0 {
		return false
	}
	for _, s := range p.Steps {
		if s.Skipped == "" && (s.AtRun != "" || !s.sweeps && len(s.Units) > 0) {
			return false
		}
	}
	return true
}
