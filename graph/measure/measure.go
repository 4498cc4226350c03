// Package measure holds what passes ask the engine to find out about a model by running it on data: importance from
// gradients, activation sparsity, ranges of activations. A pass names what it needs; the engine makes each measurement
// once for each state of the model and shares it.
package measure

// Version is raised when a measurement would give other numbers.
const Version = 1

// Need names a measurement. Equal needs on the same model state are one measurement.
type Need struct {
	Kind     string // taylor, activation, range
	Data     string // name of the data set
	Samples  int    // how many of its samples, from the first; 0: all
	Batch    int    // samples a forward pass
	Observer        // Kind range
}

// Observer says how the range of an activation is chosen.
type Observer struct {
	Kind       string  // minmax, ema_minmax, percentile, mse, entropy
	Percentile float64 // percentile: share of values inside, in percent: 99.99
	Symmetric  bool
	Bits       int
}

// Result of a measurement, by the name of a layer or a value.
type Result struct {
	Samples int

	// Taylor holds for each parameter the mean over batches of (g·w)², element by element, in the parameter's layout
	// (Molchanov et al. 2019, "Importance Estimation for Neural Network Pruning", eq. 8, without the outer sum).
	Taylor map[string][]float64

	// Channels holds for each layer what its output channels do after the activation function that follows it.
	Channels map[string]Channels

	// Ranges holds for each float value that flows between nodes the range that the observer chose.
	Ranges map[string]Range
}

// Channels of one layer's output.
type Channels struct {
	APoZ []float64 // share of zeros in each channel (Hu et al. 2016, "Network Trimming")
	Mean []float64 // mean absolute value of each channel
}

// Range of a value. Lo <= 0 <= Hi.
type Range struct{ Lo, Hi float64 }
