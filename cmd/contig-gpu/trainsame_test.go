//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"contig-gpu/gpu/gputest/turn"
	"contig-gpu/gpu/world/mpitest"
	"contig-gpu/model/train/traintest"
)

// A sameCase is a training by ranks that equals one of one process.
type sameCase struct {
	ranks int
	norm  string
}

// alone is the training of one process that a case is to equal: with norms over shares one that takes the batch in chunks of a share.
func (s sameCase) alone() []string {
	if s.norm == "share" {
		return []string{"--chunk", fmt.Sprint(12 / s.ranks)}
	}
	return []string{"--norm", "global"}
}

// equals holds the run of ranks against that of one process. Chunks move running averages once each, ranks once for all, so that neither these nor
// what is validated with them compare with norms over shares.
func (s sameCase) equals(t *testing.T, run, alone string) {
	t.Helper()
	skip, kinds := func(string) bool { return false }, "step validation test"
	if s.norm == "share" {
		skip, kinds = func(name string) bool { return strings.Contains(name, "running_") }, "step"
	}
	traintest.SameTensors(t, run, alone, 1e-12, skip)
	traintest.SameLosses(t, run, alone, 1e-12, kinds)
}

// TestRanksTrainAsOneByMPI: ranks of every MPI train in float64 what one process trains: parameters, the optimiser's state, averages and losses to 1e-12, with
// batches in which many lack something, accumulation, clipping and moving averages; on one host and, where root may make them, on two. Where
// CONTIG_RANK_STEPS is set, as make campaign does, all of them by that many steps; else few by three.
func TestRanksTrainAsOneByMPI(t *testing.T) {
	persons, steps, cases := "40", "3", []sameCase{{2, "global"}, {3, "share"}}
	all := os.Getenv("CONTIG_RANK_STEPS")
	if all != "" {
		persons, steps, cases = "240", all, []sameCase{{2, "share"}, {3, "share"}, {4, "share"}, {2, "global"}, {3, "global"}, {4, "global"}}
	}
	cohort, dir := tiny(t, "--persons", persons, "--missing", "snps=0.4", "--missing", "pgs=0.4", "--missing", "burden=0.4", "--missing", "covariates=0.4"), t.TempDir()
	flags := func(run string, more ...string) []string {
		return ranked(cohort, run, append([]string{"--precision", "f64", "--batch", "12", "--accumulate", "2", "--ema", "0.9", "--max-steps", steps, "--threads", "1",
			"--image-size", "33", // the last norms have 2 x 2 pixels an image: of a share of 3 images with one pixel each they multiply rounding a thousandfold
			"--warmup", "0", "--lr", "1e-6"}, more...)...) // so low a rate that no step multiplies the rounding of those before
	}
	alone := func(s sameCase) string {
		run := filepath.Join(dir, strings.Join(s.alone(), ""))
		if _, err := os.Stat(run); err != nil {
			must(t, flags(run, s.alone()...)...)
		}
		return run
	}
	train := func(t *testing.T, mpi mpitest.MPI, s sameCase, on mpitest.Launch, hosts string) {
		turn.Share(t)
		run := filepath.Join(t.TempDir(), "run")
		on.Ranks, on.Limit = s.ranks, 20*time.Minute
		on.Env = []string{mainArgs + "=" + strings.Join(flags(run, "--norm", s.norm), "\n")}
		if on.Program == "" {
			on.Program = os.Args[0]
		}
		out, errs, err := mpi.Run(t, on)
		if err != nil || !strings.Contains(out, fmt.Sprintf("%d ranks on %s (", s.ranks, hosts)) {
			t.Fatalf("%v\n%s%s", err, out, errs)
		}
		s.equals(t, run, alone(s))
	}
	for i, mpi := range mpitest.All(t) {
		for j, s := range cases {
			if all == "" && i%len(cases) != j {
				continue
			}
			t.Run(fmt.Sprintf("%v, %d ranks, norms by %s", mpi, s.ranks, s.norm), func(t *testing.T) { train(t, mpi, s, mpitest.Launch{}, "1 host") })
		}
	}
	t.Run("two hosts", func(t *testing.T) {
		on, ssh := twoHosts(t)
		for _, mpi := range mpitest.Debian() {
			t.Run(mpi.String(), func(t *testing.T) {
				train(t, mpi, sameCase{3, "share"}, mpitest.Launch{Before: []string{on, "1"}, Words: overSSH(mpi, ssh)}, "2 hosts")
			})
		}
	})
}
