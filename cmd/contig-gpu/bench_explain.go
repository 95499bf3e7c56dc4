package main

import (
	"fmt"

	"contig-gpu/cmd/internal/bench"
	"contig-gpu/gpu"
	"contig-gpu/model/explain"
	"contig-gpu/model/setting"

	"github.com/urfave/cli/v2"
)

// benchExplained is what `bench explain --json` prints.
type benchExplained struct {
	benchWhere
	Method     string                `json:"method"`
	Steps      int                   `json:"steps"`
	Draws      int                   `json:"draws"`
	Reference  int                   `json:"reference"`
	Modalities []bench.ExplainResult `json:"modalities"`
	Seconds    float64               `json:"seconds_per_person"` // of all modalities
}

// explainTiming are the settings of bench explain.
type explainTiming struct {
	shapeSettings
	Method                                    string
	Steps, Draws, Reference, Persons, Windows int
}

func newExplainTiming() *explainTiming {
	s := &explainTiming{shapeSettings: *newShapeSettings(), Method: explain.Smooth.String(), Steps: 50, Draws: 5, Reference: 256, Persons: 64, Windows: 3}
	s.Features, s.Precision = "481,7854,18574", gpu.F32.String()
	return s
}

func (s *explainTiming) rows() []setting.Row {
	rows := setting.Of(s.settings.rows(), &s.Device, &s.Threads, &s.Precision)
	rows = append(rows, setting.Of(s.Model.Settings(), &s.Model.Genetics, &s.Model.Hidden, &s.Model.Embedding, &s.Model.Tau, &s.Model.Lambda)...)
	return setting.Group("", append(rows, setting.Of(s.shapeSettings.rows(), &s.Features)[0],
		setting.New("method", &s.Method, "", setting.OneOf(explain.MethodNames()...), "{}"),
		setting.New("steps", &s.Steps, 0, setting.Between(1, mostNodes), "Gauss-Legendre nodes of a path"),
		setting.New("draws", &s.Draws, 0, setting.Between(1, mostNodes), "paths of a person where inputs or baselines are drawn"),
		setting.New("reference", &s.Reference, 0, setting.Between(1, mostReference), "persons of the reference batch"),
		setting.New("persons", &s.Persons, 0, setting.Between(1, mostReference), "persons explained in a window"),
		setting.New("windows", &s.Windows, 0, setting.Size(1), "windows that are timed"))...)
}

func benchExplainCommand() *cli.Command {
	return benchVerb("explain", "speed and memory of explaining genetics, of random persons and towers", newExplainTiming, benchExplain,
		func(c *cli.Context, result any) error {
			r := result.(*benchExplained)
			fmt.Fprintf(c.App.Writer, "%s, %d steps, %d draws, reference of %d, %s\n", r.Method, r.Steps, r.Draws, r.Reference, r.Device)
			for _, x := range r.Modalities {
				fmt.Fprintf(c.App.Writer, "%7d features  %10s  %.4f s a person (%.4f to %.4f)\n", x.Features, bytesText(x.Bytes), x.Time.Median, x.Time.Min, x.Time.Max)
			}
			_, err := fmt.Fprintf(c.App.Writer, "%.4f s a person for all\n", r.Seconds)
			return err
		})
}

func benchExplain(c *cli.Context, s *explainTiming) (any, error) {
	cfg, err := s.model("bench explain")
	if err != nil {
		return nil, err
	}
	d, t, where, err := openBench(&s.settings)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	method, err := explain.ParseMethod(s.Method)
	if err != nil {
		return nil, err
	}
	for i := range cfg.Modalities {
		if err := fitsReference(cfg, i, gpu.Plus(s.Reference, s.Persons)); err != nil {
			return nil, err
		}
	}
	o := bench.ExplainOptions{Model: cfg, Settings: explain.Defaults(), Reference: s.Reference, Persons: s.Persons, Windows: s.Windows}
	o.Settings.Methods, o.Settings.Steps, o.Settings.Draws = []explain.Method{method}, s.Steps, s.Draws
	r := &benchExplained{benchWhere: where, Method: s.Method, Steps: s.Steps, Draws: s.Draws, Reference: s.Reference}
	if r.Modalities, err = bench.Explain(c.Context, d, t, o); err != nil {
		return nil, err
	}
	for _, x := range r.Modalities {
		r.Seconds += x.Time.Median
	}
	return r, nil
}
