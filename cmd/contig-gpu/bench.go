package main

import (
	"encoding/json"

	"contig-gpu/cmd/internal/config"
	"contig-gpu/gpu"

	"github.com/urfave/cli/v2"
)

// A benchWhere says what was measured on: part of every result of `bench`.
type benchWhere struct {
	Version   string    `json:"version"`
	Device    string    `json:"device"`
	Card      *gpu.Card `json:"card,omitempty"` // with the versions of its libraries
	Threads   int       `json:"threads"`
	Precision string    `json:"precision"`
	SameBytes bool      `json:"deterministic"`
}

func benchCommand() *cli.Command {
	return &cli.Command{Name: "bench", Usage: "measure speed", Subcommands: []*cli.Command{benchStepCommand(), benchLossCommand(), benchKernelsCommand(), benchFloorCommand()}}
}

// benchVerb is a subcommand with --json: measure returns what is printed as one object, or printed by text.
func benchVerb(name, usage string, settings []config.Setting, measure func(c *cli.Context, v config.Values) (any, error), text func(c *cli.Context, result any) error) *cli.Command {
	return &cli.Command{
		Name: name, Usage: usage, Flags: append(flags("", settings), &cli.BoolFlag{Name: "json", Usage: "print one JSON object"}),
		Action: func(c *cli.Context) error {
			r, err := measure(c, config.Resolve(settings, nil, given(c, settings)))
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

// benchSettings are those of every subcommand.
func benchSettings(windows int, seconds float64) []config.Setting {
	return []config.Setting{
		{Name: "device", Default: "auto", Usage: "auto, cpu, cuda or cuda:N"},
		{Name: "threads", Default: 0, Usage: "CPU threads; 0 takes all"},
		deterministicSetting(),
		{Name: "windows", Default: windows, Usage: "windows that are timed"},
		{Name: "seconds", Default: seconds, Usage: "length of a window"},
	}
}

// openBench opens the device and sets its precision. The device is closed where that fails.
func openBench(v config.Values) (*gpu.Device, gpu.DType, benchWhere, error) {
	if v.Int("windows") < 1 || v.Number("seconds") < 0 || v.Int("threads") < 0 {
		return nil, 0, benchWhere{}, usagef("bench: --windows must be at least 1, --seconds and --threads at least 0")
	}
	d, err := gpu.Open(v.Text("device"), gpu.Options{Threads: v.Int("threads"), NonDeterministic: !v.Is("deterministic")})
	if err != nil {
		return nil, 0, benchWhere{}, err
	}
	t, precision, err := dtype(v, d)
	if err != nil {
		d.Close()
		return nil, 0, benchWhere{}, err
	}
	return d, t, benchWhere{version + revision(), d.Name(), d.Card(), d.Threads(), precision, v.Is("deterministic")}, nil
}
