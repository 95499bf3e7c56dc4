package main

import (
	"context"
	"fmt"

	"contig-gpu/cmd/internal/bench"
	"contig-gpu/cmd/internal/ranks"
	"contig-gpu/gpu"

	"github.com/urfave/cli/v2"
)

// rankSpeed is how fast several ranks are together. All take each step at the same time.
type rankSpeed struct {
	Ranks   int          `json:"ranks"`
	PerRank bench.Spread `json:"images_per_second_of_a_rank"`
	Without bench.Spread `json:"milliseconds_per_step_without_sums"` // over ranks, of the gradient
	Exposed float64      `json:"exposed_communication"`              // share of a step that these sums add, where the backward pass does not hide them
}

func (s *rankSpeed) String() string {
	return fmt.Sprintf("%d ranks, %.2f images per second each; without the sums of the gradient %.2f ms a step: exposed communication %.1f %%", s.Ranks, s.PerRank.Median, s.Without.Median, 100*s.Exposed)
}

// asRank measures as one of the ranks that a launcher started, or alone. Rank 0 has the result.
func (v *stepSettings) asRank(c *cli.Context) (*benchResult, error) {
	o, err := ranksOptions(c)
	if err != nil {
		return nil, err
	}
	o.Unit = "window"
	team, err := ranks.Start(c.Context, o)
	if err != nil {
		return nil, err
	}
	r, err := v.measured(c, team)
	if err = team.End(team.Lost(err, "a sum over all ranks")); err != nil || team.Rank > 0 {
		return nil, err
	}
	return r, nil
}

// share fits the settings to the ranks, and refuses what several cannot do.
func (v *stepSettings) share(team *ranks.Team) error {
	if team.Size == 1 {
		return nil
	}
	if v.Dump != "" || v.Interactive {
		return usagef("bench step: --dump and --interactive are for one process: --ranks 1")
	}
	if v.Threads == 0 {
		v.Threads = processorsOf(team)
	}
	var err error
	if v.Device, err = gpuOfRank("bench step", v.Device, team); err != nil {
		return err
	}
	return sharesBatch("bench step", v.Batch, team.Size)
}

// measureRanks measures steps with the sums of the gradient and then without. All ranks take as many: those that rank 0 takes in the time asked for.
func (r *benchResult) measureRanks(ctx context.Context, s *bench.Step, d *gpu.Device, team *ranks.Team, t timing) error {
	if err := r.warm(ctx, s, d); err != nil {
		return err
	}
	first, err := s.Steps(ctx, 2)
	if err != nil {
		return err
	}
	seconds, err := team.World.Gather(first.Seconds / float64(first.Runs))
	if err != nil {
		return err
	}
	steps, done := max(1, int(t.Seconds/seconds[0])), 0
	next := func() (bench.Window, error) {
		w, err := s.Steps(ctx, steps)
		done++
		team.Done(done)
		return w, err
	}
	if err := r.windows(t.Windows, next); err != nil {
		return err
	}
	s.OmitSums()
	if _, err := s.Steps(ctx, s.WarmUp()); err != nil {
		return err
	}
	var without benchResult
	without.Batch = r.Batch
	if err := without.windows(t.Windows, next); err != nil {
		return err
	}
	n := float64(team.Size)
	r.rankSpeed = &rankSpeed{Ranks: team.Size, PerRank: bench.Spread{Median: r.Rate.Median / n, Min: r.Rate.Min / n, Max: r.Rate.Max / n},
		Without: without.Time, Exposed: 1 - without.Time.Median/r.Time.Median}
	return nil
}
