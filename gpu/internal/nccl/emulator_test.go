//go:build linux && cgo

package nccl

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"contig-gpu/gpu/internal/cuda"
	"contig-gpu/gpu/internal/driver"
)

// Variables that make this test's program one rank, and say what it does.
const sceneEnv, idEnv, rankEnv, ranksEnv = "CONTIG_NCCL_SCENE", "CONTIG_NCCL_ID", "CONTIG_NCCL_RANK", "CONTIG_NCCL_RANKS"

func TestMain(m *testing.M) {
	scene := os.Getenv(sceneEnv)
	if scene == "" {
		os.Exit(m.Run())
	}
	if err := asRank(scene); err != nil {
		fmt.Println("FAILED:", err)
		os.Exit(1)
	}
	fmt.Println("DONE")
}

// A rank is one process with an emulated GPU.
type rank struct {
	*cuda.Context
	*Comm
	rank, ranks int
}

// asRank plays a scene.
func asRank(scene string) error {
	api, err := cuda.Load()
	if err != nil {
		return err
	}
	ctx, err := api.Open(0)
	if err != nil {
		return err
	}
	r := &rank{Context: ctx}
	if r.rank, err = strconv.Atoi(os.Getenv(rankEnv)); err != nil {
		return err
	}
	if r.ranks, err = strconv.Atoi(os.Getenv(ranksEnv)); err != nil {
		return err
	}
	return scenes()[scene](r)
}

// join joins the ranks, with shorter times.
func (r *rank) join() (err error) {
	id, err := hex.DecodeString(os.Getenv(idEnv))
	if err != nil {
		return err
	}
	wait, cancel := context.WithTimeoutCause(context.Background(), 2*time.Second, errors.New("some did not come"))
	defer cancel()
	r.Comm, err = join(wait, r.Context, driver.Place{ID: id, Rank: r.rank, Size: r.ranks}, 20*time.Millisecond, 300*time.Millisecond)
	return err
}

// end closes what the rank has; the ranks before the device.
func (r *rank) end(err error) error {
	return errors.Join(err, r.Context.Sync(), r.Comm.Close(), r.Context.Close())
}

// library is the emulator, which has NCCL, too.
func library(t *testing.T) string {
	t.Helper()
	so, err := filepath.Abs("../../../build/libsimt.so")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(so); err != nil {
		t.Skipf("no emulator (%v): run make emulator", err)
	}
	return so
}

// A play is a scene that some ranks play; those at home do not come.
type play struct {
	scene       string
	ranks, home int
	env         []string
}

// start has the ranks play and returns what each said and whether it ended well.
func (p play) start(t *testing.T) (said []string, ended []error) {
	t.Helper()
	so := library(t)
	said, ended = make([]string, p.ranks-p.home), make([]error, p.ranks-p.home)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	id := newID(t, so)
	done := make(chan bool)
	for r := range said {
		cmd := exec.CommandContext(ctx, os.Args[0])
		cmd.Env = append(append(os.Environ(), sceneEnv+"="+p.scene, idEnv+"="+id, rankEnv+"="+strconv.Itoa(r), ranksEnv+"="+strconv.Itoa(p.ranks),
			Env+"="+so, "CONTIG_LIBCUDA="+so), p.env...)
		go func() {
			out, err := cmd.CombinedOutput()
			said[r], ended[r] = string(out), err
			done <- true
		}()
	}
	for range said {
		<-done
	}
	return said, ended
}

// newID asks the fake for an id in a process of its own, since this one may open another library.
func newID(t *testing.T, so string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestNewID$", "-test.v")
	cmd.Env = append(os.Environ(), inner+"=TestNewID", Env+"="+so)
	out, err := cmd.CombinedOutput()
	_, id, ok := strings.Cut(string(out), "id=")
	if err != nil || !ok {
		t.Fatalf("%v\n%s", err, out)
	}
	return id[:256]
}

func TestNewID(t *testing.T) {
	isInner(t)
	api, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	id, err := api.UniqueID()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("id=%x\n", id)
}

// TestRanks: what ranks do together comes out right, at once and late.
func TestRanks(t *testing.T) {
	for _, scene := range []string{"sums", "gathers", "recorded"} {
		for _, p := range []play{{scene, 1, 0, nil}, {scene, 2, 0, nil}, {scene, 3, 0, nil}, {scene, 2, 0, []string{"SIMT_DEFER=1"}}, {scene, 3, 0, []string{"SIMT_DEFER=1"}}} {
			t.Run(fmt.Sprint(scene, p.ranks, p.env), func(t *testing.T) {
				said, ended := p.start(t)
				for r, s := range said {
					if ended[r] != nil || !strings.Contains(s, "DONE") {
						t.Errorf("rank %d: %v\n%s", r, ended[r], s)
					}
				}
			})
		}
	}
}

// TestMisuse: the fake finds what hangs or corrupts with the real library.
func TestMisuse(t *testing.T) {
	for scene, want := range map[string]string{
		"order":    "does all-reduce of 1000 (type 7), rank 1 all-gather of 4000 (type 1)",
		"count":    "does all-reduce of 1000 (type 7), rank 1 all-reduce of 999 (type 7)",
		"type":     "does all-reduce of 1000 (type 7), rank 1 all-reduce of 1000 (type 9)",
		"host":     "a buffer that is not device memory",
		"graph":    "ncclInvalidUsage (5): an error of the fake NCCL: 1 collectives are still queued or recorded",
		"other":    "ranks, others are of",
		"twice":    "rank 0 has come already",
		"stranger": "no id of ncclGetUniqueId",
	} {
		for _, env := range []string{"SIMT_DEFER=0", "SIMT_DEFER=1"} {
			t.Run(scene+env, func(t *testing.T) {
				said, ended := play{scene, 2, 0, []string{env}}.start(t)
				if all := strings.Join(said, ""); !strings.Contains(all, want) || ended[0] == nil && ended[1] == nil || strings.Contains(all, "panic") {
					t.Errorf("%v, want %q\n%s", ended, want, all)
				}
			})
		}
	}
}

// TestHasty: a call that is made while another is in progress is refused.
func TestHasty(t *testing.T) {
	said, ended := play{"hasty", 2, 0, []string{"SIMT_DEFER=0"}}.start(t)
	if want := "ncclCommFinalize: ncclInvalidUsage (5): an error of the fake NCCL: a call is made while another is in progress"; !strings.Contains(said[0], want) || ended[0] == nil {
		t.Errorf("%v, want %q\n%s", ended[0], want, said[0])
	}
}

// TestGone: a rank that does not come, dies, or is lost, is waited for no longer than somebody says.
func TestGone(t *testing.T) {
	for _, c := range []struct {
		play
		words []string
	}{
		{play{"sums", 3, 1, nil}, []string{driver.ErrGone.Error(), "ncclCommInitRankConfig", "some did not come"}},
		{play{"dead", 3, 0, nil}, []string{driver.ErrGone.Error(), "rank 2 was killed"}},
		{play{"dead", 2, 0, []string{"SIMT_DEFER=1"}}, []string{driver.ErrGone.Error(), "rank 1 was killed"}},
		{play{"dead recorded", 2, 0, nil}, []string{driver.ErrGone.Error(), "rank 1 was killed", "NCCL has ended"}},
		{play{"dead recorded", 2, 0, []string{"SIMT_DEFER=1"}}, []string{driver.ErrGone.Error(), "rank 1 was killed", "NCCL has ended"}},
		{play{"deserted", 2, 0, nil}, []string{driver.ErrGone.Error(), "rank 0 has had enough"}},
		{play{"deserted", 2, 0, []string{"SIMT_DEFER=1"}}, []string{driver.ErrGone.Error(), "rank 0 has had enough"}},
		{play{"lost", 2, 0, nil}, []string{"ncclRemoteError (6)", "a peer was told to be lost"}},
		{play{"lost", 2, 0, []string{"SIMT_DEFER=1"}}, []string{"NCCL, beside the calls: ncclRemoteError (6)", "a peer was told to be lost"}},
	} {
		t.Run(fmt.Sprint(c.scene, c.ranks, c.env), func(t *testing.T) {
			said, _ := c.start(t)
			for _, w := range c.words {
				if !strings.Contains(said[0], w) || strings.Contains(said[0], "DONE") {
					t.Errorf("rank 0 does not say %q:\n%s", w, said[0])
				}
			}
		})
	}
}

// TestCallsFail: whichever call fails, with whichever code, the error has the call, the code and NCCL's words.
func TestCallsFail(t *testing.T) {
	for n, call := range map[int]string{1: "ncclCommInitRankConfig", 2: "ncclAllReduce", 3: "ncclAllGather", 4: "ncclBroadcast", 5: "ncclCommFinalize", 6: "ncclCommDestroy"} {
		for code, name := range map[int]string{1: "ncclUnhandledCudaError", 2: "ncclSystemError", 3: "ncclInternalError", 4: "ncclInvalidArgument", 5: "ncclInvalidUsage", 6: "ncclRemoteError", 8: "ncclTimeout"} {
			t.Run(fmt.Sprint(call, code), func(t *testing.T) {
				said, ended := play{"each", 1, 0, []string{fmt.Sprintf("SIMT_NCCL_FAIL=%d:%d", n, code)}}.start(t)
				want := fmt.Sprintf("%s: %s (%d): an error of the fake NCCL: call %d was told to fail", call, name, code, n)
				if !strings.Contains(said[0], want) || !strings.Contains(said[0], "GONE") || ended[0] == nil {
					t.Errorf("%v, want %q\n%s", ended[0], want, said[0])
				}
			})
		}
	}
}
