package main

import (
	"encoding/json"

	"contig-gpu/gpu"
	"contig-gpu/model/setting"

	"github.com/urfave/cli/v2"
)

// A benchWhere says what was measured on: part of every result of `bench`.
type benchWhere struct {
	Version   string    `json:"version"`
	Device    string    `json:"device"`
	GPU       *gpu.Info `json:"gpu,omitempty"` // with the versions of its libraries
	Threads   int       `json:"threads"`
	Precision string    `json:"precision"`
	SameBytes bool      `json:"deterministic"`
}

func benchCommand() *cli.Command {
	return &cli.Command{Name: "bench", Usage: "measure speed", Subcommands: []*cli.Command{benchStepCommand(), benchLossCommand(), benchKernelsCommand(), benchFloorCommand(), benchProfileCommand(), benchExplainCommand()}}
}

// benchVerb is a subcommand with --json: measure returns what is printed as one object, or printed by text.
func benchVerb[S interface{ rows() []setting.Row }](name, usage string, fresh func() S, measure func(c *cli.Context, s S) (any, error), text func(c *cli.Context, result any) error) *cli.Command {
	return &cli.Command{
		Name: name, Usage: usage, Flags: append(flags(fresh().rows()), &cli.BoolFlag{Name: "json", Usage: "print one JSON object"}),
		Action: func(c *cli.Context) error {
			s := fresh()
			if err := parse(c, s.rows()); err != nil {
				return err
			}
			r, err := measure(c, s)
			switch {
			case err != nil:
				return err
			case r == nil:
				return nil
			case c.Bool("json"):
				return json.NewEncoder(c.App.Writer).Encode(r)
			}
			return text(c, r)
		},
	}
}

// timing says how long is measured.
type timing struct {
	Windows int
	Seconds float64
}

// rows are those of every subcommand that measures on the device of s.
func (t *timing) rows(s *settings) []setting.Row {
	rows := setting.Of(s.rows(), &s.Device, &s.Threads, &s.Deterministic)
	return setting.Group("", append(rows,
		setting.New("windows", &t.Windows, 0, setting.Size(1), "windows that are timed"),
		setting.New("seconds", &t.Seconds, 0, setting.Between(0, 1e6), "length of a window"))...)
}

// missing is the setting of the subcommands whose persons lack modalities.
func missing(share *float64) setting.Row {
	return setting.New("missing", share, 0, setting.Below(0, 1), "share of the persons that lack a modality, for each modality by itself")
}

// openBench opens the device and sets its precision. The device is closed where that fails.
func openBench(s *settings) (*gpu.Device, gpu.DType, benchWhere, error) {
	d, err := gpu.Open(s.Device, gpu.Options{Threads: s.Threads, NonDeterministic: !s.Deterministic})
	if err != nil {
		return nil, 0, benchWhere{}, err
	}
	t, precision, err := dtype(s, d)
	if err != nil {
		d.Close()
		return nil, 0, benchWhere{}, err
	}
	return d, t, benchWhere{version + revision(), d.Name(), d.GPU(), d.Threads(), precision, s.Deterministic}, nil
}
