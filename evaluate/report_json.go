package evaluate

import (
	"encoding/json"
	"math"
)

// ReportVersion is the version of the JSON form. It is raised when a field changes its meaning or goes; new fields do
// not raise it. docs/report.schema.json describes the form.
const ReportVersion = 1

// JSON returns the report as a JSON document that ends with a newline. It holds no clock values. Numbers that JSON
// cannot hold (an infinite ratio, a mean of nothing) are null.
func (r *Report) JSON() ([]byte, error) {
	compact, err := json.Marshal(r.wire())
	if err != nil {
		return nil, err
	}
	return append(layout(nil, compact, 0), '\n'), nil
}

// The wire types are the document. Lists are never null.
type (
	wireReport struct {
		Version   int                              `json:"version"`
		Tool      wireTool                         `json:"tool"`
		Outcome   Outcome                          `json:"outcome"`
		Failure   string                           `json:"failure,omitempty"`
		Recipe    wireRecipe                       `json:"recipe"`
		Baseline  wireFile                         `json:"baseline"`
		Artifacts []wireFile                       `json:"artifacts"`
		Data      []wireData                       `json:"data"`
		Size      wireSize                         `json:"size"`
		Metrics   map[string]map[string]wireMetric `json:"metrics"`
		Gates     []wireGate                       `json:"gates"`
		Steps     []wireStep                       `json:"steps"`
		Layers    []wireLayer                      `json:"layers"`
		Findings  []wireFinding                    `json:"findings"`
		Notes     []string                         `json:"notes"`
	}
	wireTool struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	wireRecipe struct {
		Path        string            `json:"path"`
		Name        string            `json:"name"`
		Description string            `json:"description,omitempty"`
		SHA256      string            `json:"sha256"`
		Seed        uint64            `json:"seed"`
		Vars        map[string]string `json:"vars"`
	}
	wireFile struct {
		Path   string `json:"path"`
		Format string `json:"format"`
		SHA256 string `json:"sha256"`
		Bytes  int64  `json:"bytes"`
	}
	wireData struct {
		Name    string `json:"name"`
		Samples int    `json:"samples"`
		SHA256  string `json:"sha256,omitempty"`
	}
	wireSize struct {
		Before wireTotals `json:"before"`
		After  wireTotals `json:"after"`
	}
	wireTotals struct {
		Layers int   `json:"layers"`
		Params int64 `json:"params"`
		Zeros  int64 `json:"zeros"`
		Bytes  int64 `json:"bytes"`
	}
	wireMetric struct {
		Unit     Unit          `json:"unit"`
		Higher   bool          `json:"higher_is_better"`
		Kind     string        `json:"kind"`
		Samples  int           `json:"samples"`
		Value    number        `json:"value"`
		Interval *wireInterval `json:"interval"`
		Note     string        `json:"note,omitempty"`
		Baseline *wireValue    `json:"baseline"`
		Change   *wireChange   `json:"change"`
	}
	wireValue struct {
		Value    number        `json:"value"`
		Interval *wireInterval `json:"interval"`
		Note     string        `json:"note,omitempty"`
	}
	wireChange struct {
		Drop     number        `json:"drop"`
		Share    number        `json:"share"`
		Interval *wireInterval `json:"interval"`
		Losses   *int          `json:"losses,omitempty"`
		Gains    *int          `json:"gains,omitempty"`
		MidP     *number       `json:"mcnemar_mid_p,omitempty"`
	}
	wireInterval struct {
		Low        number `json:"low"`
		High       number `json:"high"`
		Confidence number `json:"confidence"`
		Method     string `json:"method"`
	}
	wireGate struct {
		Name       string        `json:"name"`
		Kind       Limit         `json:"kind"`
		Metric     string        `json:"metric,omitempty"`
		Data       string        `json:"data,omitempty"`
		At         string        `json:"at,omitempty"`
		Outcome    Outcome       `json:"outcome"`
		Value      number        `json:"value"`
		Limit      number        `json:"limit"`
		Interval   *wireInterval `json:"interval"`
		Confidence *number       `json:"confidence,omitempty"`
		OnFail     string        `json:"on_fail"`
		Needed     int           `json:"samples_needed,omitempty"`
		Message    string        `json:"message"`
		Used       []wireUsed    `json:"used,omitempty"`
	}
	wireUsed struct {
		Name  string `json:"name"`
		Value number `json:"value"`
		Unit  Unit   `json:"unit,omitempty"`
	}
	wireStep struct {
		ID      string `json:"id"`
		Pass    string `json:"pass"`
		Did     string `json:"did,omitempty"`
		LeftOut string `json:"left_out,omitempty"`
	}
	wireLayer struct {
		Name  string          `json:"name"`
		Type  string          `json:"type"`
		From  wireState       `json:"from"`
		To    *wireState      `json:"to"`
		SQNR  number          `json:"sqnr"`
		Moved *wireRounding   `json:"rounding,omitempty"`
		Steps []wireLayerStep `json:"steps"`
	}
	wireRounding struct {
		Cosine    number `json:"cosine"`
		MeanError number `json:"mean_error"`
		MaxError  number `json:"max_error"`
	}
	wireState struct {
		DType  string `json:"dtype"`
		Shape  []int  `json:"shape"`
		Params int    `json:"params"`
		Zeros  int    `json:"zeros"`
		Bytes  int64  `json:"bytes"`
	}
	wireLayerStep struct {
		Step string `json:"step"`
		Did  string `json:"did,omitempty"`
		Why  string `json:"why,omitempty"`
	}
	wireFinding struct {
		Severity string `json:"severity"`
		Code     string `json:"code"`
		Path     string `json:"path,omitempty"`
		Line     int    `json:"line,omitempty"`
		Column   int    `json:"column,omitempty"`
		Subject  string `json:"subject,omitempty"`
		Message  string `json:"message"`
	}
)

// number is a float64 that is null where JSON has no word for it.
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	if !shown(float64(n)) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

func (r *Report) wire() wireReport {
	w := wireReport{
		Version: ReportVersion,
		Tool:    wireTool(r.Tool),
		Outcome: r.Outcome(),
		Failure: r.Failure,
		Recipe: wireRecipe{
			Path: r.Recipe.Path, Name: r.Recipe.Name, Description: r.Recipe.Description,
			SHA256: r.Recipe.SHA256, Seed: r.Recipe.Seed, Vars: map[string]string{},
		},
		Baseline:  wireFile(r.Baseline),
		Artifacts: []wireFile{},
		Data:      []wireData{},
		Size:      wireSize{wireTotals(r.Before), wireTotals(r.After)},
		Metrics:   map[string]map[string]wireMetric{},
		Gates:     []wireGate{},
		Steps:     []wireStep{},
		Layers:    []wireLayer{},
		Findings:  []wireFinding{},
		Notes:     append([]string{}, r.Notes...),
	}
	for _, v := range r.Recipe.Vars {
		w.Recipe.Vars[v.Name] = v.Value
	}
	for _, f := range r.Artifacts {
		w.Artifacts = append(w.Artifacts, wireFile(f))
	}
	for _, d := range r.Data {
		w.Data = append(w.Data, wireData(d))
	}
	for i := range r.Metrics {
		w.addMetric(&r.Metrics[i])
	}
	for _, d := range r.gates() {
		w.Gates = append(w.Gates, d.wire())
	}
	for _, s := range r.Steps {
		w.Steps = append(w.Steps, wireStep(s))
	}
	for i := range r.Layers {
		w.Layers = append(w.Layers, r.Layers[i].wire())
	}
	for _, f := range r.Findings {
		w.Findings = append(w.Findings, wireFinding(f))
	}
	return w
}

// onArtifact stands in the place of a data set for metrics that need none.
const onArtifact = "artifact"

func (w *wireReport) addMetric(row *Row) {
	s := row.Score
	m := wireMetric{
		Unit: s.Metric.Unit, Higher: s.Metric.Higher, Kind: s.Metric.Kind.String(), Samples: s.N,
		Value: number(s.Value), Interval: s.Interval.wire(), Note: s.note(),
	}
	if b := row.Baseline; b != nil {
		m.Baseline = &wireValue{number(b.Value), b.Interval.wire(), b.note()}
	}
	if c := row.Change; c != nil {
		m.Change = &wireChange{Drop: number(c.Drop), Share: number(c.Share), Interval: row.Interval.wire()}
		if c.kind == Rate {
			p := number(c.MidP)
			m.Change.Losses, m.Change.Gains, m.Change.MidP = &c.Losses, &c.Gains, &p
		}
	}
	on := s.Data
	if on == "" {
		on = onArtifact
	}
	if w.Metrics[s.Metric.Name] == nil {
		w.Metrics[s.Metric.Name] = map[string]wireMetric{}
	}
	w.Metrics[s.Metric.Name][on] = m
}

// note says what a null value stands for.
func (s *Score) note() string {
	if s.Note == "" && math.IsInf(s.Value, 1) {
		return "infinite"
	}
	return s.Note
}

func (i *Interval) wire() *wireInterval {
	if i == nil {
		return nil
	}
	return &wireInterval{number(i.Low), number(i.High), number(i.Confidence), i.Method}
}

func (d *Decision) wire() wireGate {
	g := wireGate{
		Name: d.Gate.Name, Kind: d.Gate.Limit, Metric: d.Gate.Metric, Data: d.Gate.Data, At: d.Gate.At,
		Outcome: d.Outcome, Value: number(d.Value), Limit: number(d.Limit), Interval: d.Interval.wire(),
		OnFail: d.Gate.OnFail, Needed: d.Needed, Message: d.Message,
	}
	if g.OnFail == "" {
		g.OnFail = "error"
	}
	if c := number(d.Gate.Confidence); c > 0 {
		g.Confidence = &c
	}
	for _, u := range d.Used {
		g.Used = append(g.Used, wireUsed{u.Name, number(u.Value), u.Unit})
	}
	return g
}

func (l *LayerReport) wire() wireLayer {
	w := wireLayer{Name: l.Name, Type: l.Type, From: l.From.wire(), SQNR: number(math.NaN()), Steps: []wireLayerStep{}}
	if !l.noSQNR() {
		w.SQNR = number(l.SQNR)
	}
	if l.Rounded && !l.Gone && l.MeanError > 0 {
		w.Moved = &wireRounding{number(l.Cosine), number(l.MeanError), number(l.MaxError)}
	}
	if !l.Gone {
		to := l.To.wire()
		w.To = &to
	}
	for _, s := range l.Steps {
		w.Steps = append(w.Steps, wireLayerStep(s))
	}
	return w
}

func (s LayerState) wire() wireState {
	return wireState{s.DType, append([]int{}, s.Shape...), s.Params, s.Zeros, s.Bytes}
}
