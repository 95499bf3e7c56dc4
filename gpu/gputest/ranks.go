package gputest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"contig-gpu/gpu"
	"contig-gpu/gpu/world"
	"contig-gpu/gpu/world/worldtest"
)

// Variables of a process that AsRanks starts: the test that it is for, its place, and the folder that all have.
const rankOfEnv, rankEnv, ranksEnv, rankFolderEnv = "CONTIG_TEST_RANK_OF", "CONTIG_TEST_RANK", "CONTIG_TEST_RANKS", "CONTIG_TEST_RANK_FOLDER"

// EmulatedRanks runs f as each of n ranks, processes of this test's program in which the test comes to this call again, each with
// an emulated GPU that has joined the others, and env more in the environment. It skips the test where the emulator is not
// built. What comes behind it in the test runs in none of them.
func EmulatedRanks(t *testing.T, n int, env []string, f func(d *gpu.Device, w *world.World) error) {
	t.Helper()
	UseEmulator(t)
	if os.Getenv(rankOfEnv) == t.Name() {
		if err := asRank(t, f); err != nil {
			t.Fatal(err)
		}
		RankIsDone(t)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	folder, failed := t.TempDir(), make(chan string)
	for r := range n {
		cmd := exec.CommandContext(ctx, os.Args[0], "-test.v", "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$")
		cmd.Env = append(append(os.Environ(), rankOfEnv+"="+t.Name(), rankEnv+"="+strconv.Itoa(r), ranksEnv+"="+strconv.Itoa(n), rankFolderEnv+"="+folder), env...)
		go func() {
			out, err := cmd.CombinedOutput()
			if err == nil && strings.Contains(string(out), rankIsDone) {
				failed <- ""
				return
			}
			failed <- "rank " + strconv.Itoa(r) + ": " + errors.Join(err, errors.New(string(out))).Error()
		}()
	}
	for range n {
		if said := <-failed; said != "" {
			t.Error(said)
		}
	}
}

const rankIsDone = "this rank is done"

// RankIsDone ends the test in a process of EmulatedRanks as one that did what it should, whatever became of its device.
func RankIsDone(t *testing.T) { t.Skip(rankIsDone) }

// asRank runs f as one rank. Its error ends the others.
func asRank(t *testing.T, f func(d *gpu.Device, w *world.World) error) error {
	rank, err := strconv.Atoi(os.Getenv(rankEnv))
	if err != nil {
		return err
	}
	ranks, err := strconv.Atoi(os.Getenv(ranksEnv))
	if err != nil {
		return err
	}
	w := worldtest.Processes(os.Getenv(rankFolderEnv), rank, ranks)
	d, err := gpu.Open("cuda:0", gpu.Options{})
	if err == nil {
		err = d.Join(w)
	}
	if err == nil {
		err = errors.Join(f(d, w), d.Sync(), d.Close())
	}
	if err != nil {
		w.Abandon(err)
	}
	return err
}
