package ranks

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"contig-gpu/data"
	"contig-gpu/gpu/world"
)

// TestAlone: one rank meets nobody, and --ranks 1 does not even look at the launcher's variables.
func TestAlone(t *testing.T) {
	for _, o := range []Options{{Environment: env("")}, {Ranks: 1, Environment: env("RANK=1 WORLD_SIZE=2")}, {Ranks: 1, Environment: env("OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2")}} {
		team, err := Start(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		if team.Rank != 0 || team.Size != 1 || team.Address != "" || len(team.Members()) != 1 || team.NoWorld() != nil {
			t.Errorf("%+v", team)
		}
		if err := team.End(nil); err != nil {
			t.Error(err)
		}
	}
}

// TestOtherNumber: --ranks refuses another number than the launcher's; rank 0 says so.
func TestOtherNumber(t *testing.T) {
	for rank, silent := range map[string]bool{"0": false, "1": true} {
		_, err := Start(context.Background(), Options{Ranks: 3, Environment: env("WORLD_SIZE=2 MASTER_ADDR=a RANK=" + rank)})
		var p *data.Problem
		var s Silent
		if !errors.As(err, &p) || p.Code != codeVariables || !strings.Contains(p.What, "3 ranks") || errors.As(err, &s) != silent {
			t.Errorf("rank %s: %v", rank, err)
		}
	}
}

// TestNoLibraryUnderSrun: where srun starts an MPI that is not there, E732 says how ranks on GPUs do without.
func TestNoLibraryUnderSrun(t *testing.T) {
	none := " " + world.LibraryEnv + "=" + filepath.Join(t.TempDir(), "libmpi.so")
	for variables, srun := range map[string]bool{slurmStep + "PMIX_RANK=2" + none: true, slurmStep + "PMI_RANK=2 PMI_SIZE=4" + none: true, strings.ReplaceAll(openStep, "LOCAL_RANK=1", "LOCAL_RANK=0") + none: false} {
		_, err := Start(t.Context(), Options{Meet: time.Minute, Environment: env(variables)})
		if err == nil || !strings.Contains(err.Error(), "E732: no MPI: ") || strings.Contains(err.Error(), "ranks on GPUs need no MPI: srun --mpi=none") != srun {
			t.Errorf("%s: %v", variables, err)
		}
	}
}

func TestSecretFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	for _, c := range []struct {
		text string
		mode os.FileMode
		want string // secret, or what the error says
		bad  bool
	}{{" word\n", 0o600, "word", false}, {"word", 0o640, "word", false}, {"word", 0o644, "read by everybody", true}, {" \n", 0o600, "is empty", true}} {
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, c.mode); err != nil {
			t.Fatal(err)
		}
		got, err := secret(Options{SecretFile: file, Environment: env("CONTIG_SECRET=other")})
		if c.bad && (err == nil || !strings.Contains(err.Error(), "E731") || !strings.Contains(err.Error(), c.want)) || !c.bad && (err != nil || string(got) != c.want) {
			t.Errorf("%q %v: %q, %v", c.text, c.mode, got, err)
		}
	}
	if _, err := secret(Options{SecretFile: filepath.Join(t.TempDir(), "none")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// TestLaggard: who is behind is found only where all others wait for it.
func TestLaggard(t *testing.T) {
	now := time.Now()
	at := func(step int, ago time.Duration) progress { return progress{step: step, since: now.Add(-ago)} }
	gone := progress{step: 1, since: now.Add(-time.Hour), left: true}
	for _, c := range []struct {
		all  []progress
		want bool
	}{
		{[]progress{at(8, time.Hour), at(7, time.Hour)}, true},
		{[]progress{at(7, time.Hour), at(8, time.Hour), at(8, time.Hour)}, true},
		{[]progress{at(8, time.Hour), at(8, time.Hour)}, false},               // an evaluation
		{[]progress{at(8, time.Second), at(7, time.Hour)}, false},             // it has not been waited for yet
		{[]progress{at(8, time.Hour), at(7, time.Second)}, false},             // it goes on
		{[]progress{at(8, time.Hour), gone}, false},                           // it is done
		{[]progress{gone, at(8, time.Hour), at(7, time.Hour)}, true},          // another is not
		{[]progress{at(8, time.Hour), gone, at(8, 2*time.Hour), gone}, false}, // all that are there are equal
	} {
		if late, ahead, ok := laggard(c.all, now, time.Minute); ok != c.want || ok && (late.step != 7 || ahead != 8) {
			t.Errorf("%+v: %+v %d %v", c.all, late, ahead, ok)
		}
	}
}

// TestHang: a step that lasts for longer than it may is found where all ranks are in it; not the first, not what comes between steps, and not a step
// that is hardly longer than those before.
func TestHang(t *testing.T) {
	now := time.Now()
	after := func(seconds int) time.Time { return now.Add(time.Duration(seconds) * time.Second) }
	var p pace
	hangs := func(at int) bool { return p.hangs(after(at), p.bound(time.Minute)) }
	p.begin(1, now)
	if hangs(3600) {
		t.Error("the first step hangs")
	}
	p.begin(2, after(10))
	if hangs(70) || !hangs(71) {
		t.Error("a step of a minute hangs, or one of more does not")
	}
	p.pause(after(50))
	if hangs(3600) {
		t.Error("an evaluation hangs")
	}
	p.begin(3, after(3600)) // the longest took 40 seconds
	if hangs(3600+120) || !hangs(3600+121) {
		t.Error("a step of three times the longest hangs, or one of more does not")
	}
	at := func(step int) progress { return progress{step: step} }
	if !abreast([]progress{at(3), at(3), at(3)}) || abreast([]progress{at(3), at(4)}) || abreast([]progress{at(3), {step: 3, left: true}}) {
		t.Error("who is abreast is not found")
	}
}

// TestListen: rank 0 listens at the one address that the others are told, and where it is to be reached by MPI on one host, on that host alone.
func TestListen(t *testing.T) {
	for _, c := range []struct{ asked, told, host string }{{"", "127.0.0.1:0", "127.0.0.1"}, {"", "localhost:0", "127.0.0.1"}, {"127.0.0.1:0", "nowhere.invalid:1", "127.0.0.1"}} {
		l, err := hostNetwork().open(t.Context(), c.asked, c.told)
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		if ip := l.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() {
			t.Errorf("%+v: listens at %v", c, ip)
		}
		l.Close()
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errDeadline)
	defer cancel()
	if _, err := hostNetwork().open(ctx, "", "nowhere.invalid:1"); err == nil || !strings.Contains(err.Error(), "E731") || !strings.Contains(err.Error(), "tried for 1s") {
		t.Errorf("a name that is nobody's: %v", err)
	}
	l, addresses, err := listenAnywhere("", true)
	if err != nil || len(addresses) != 1 || !l.Addr().(*net.TCPAddr).IP.IsLoopback() {
		t.Errorf("on one host: %v, %v", addresses, err)
	} else {
		l.Close()
	}
	if l, addresses, err = listenAnywhere("", false); err != nil {
		t.Skipf("this host has no address towards others: %v", err)
	}
	defer l.Close()
	for _, a := range addresses {
		c, err := net.Dial("tcp", a)
		if err != nil {
			t.Errorf("others are told %s, where nobody listens: %v", a, err)
			continue
		}
		if host, _, _ := net.SplitHostPort(a); net.ParseIP(host).IsLoopback() {
			t.Errorf("others are told %s", a)
		}
		c.Close()
	}
}

// TestSpoken: an error is reported once: by rank 0 what it knows, by another rank its own.
func TestSpoken(t *testing.T) {
	p := &data.Problem{Code: 733, What: "x"}
	for _, c := range []struct {
		rank           int
		err            error
		silent, itself bool
	}{{0, p, false, false}, {0, Shared{p}, false, false}, {1, p, false, true}, {1, Shared{p}, true, false}, {1, heard{p}, true, false}, {1, Silent{p}, true, false}} {
		err := (&Team{Place: Place{Rank: c.rank}}).Named(c.err)
		var s Silent
		var o Own
		var found *data.Problem
		if errors.As(err, &s) != c.silent || errors.As(err, &o) != c.itself || !errors.As(err, &found) {
			t.Errorf("rank %d, %T: %T", c.rank, c.err, err)
		}
	}
	if err := (&Team{}).Named(nil); err != nil {
		t.Error(err)
	}
}

// TestLostIsOfCollectives: what MPI and NCCL fail with is E733; what a rank fails with by itself stays that, alone and joined with more.
func TestLostIsOfCollectives(t *testing.T) {
	var p *data.Problem
	if err := (&Team{}).Lost(fmt.Errorf("world: %w", &world.Error{Call: "MPI_Allreduce", Code: 16}), "a sum"); !errors.As(err, &p) || p.Code != codeLost {
		t.Errorf("%v", err)
	}
	own := world.Lost(errors.New("ncclInternalError (3)"))
	alone := &Team{Crew: newCrew(terms{me: Member{Size: 1}})}
	if err := alone.Lost(own, "a sum"); !errors.As(err, &p) || p.Code != codeLost || !strings.Contains(err.Error(), "ncclInternalError") {
		t.Errorf("what NCCL itself fails with: %v", err)
	}
	alone.Crew.end(&data.Problem{Code: codeLost, What: "rank 1 ended"}, nil)
	if err := alone.Lost(own, "a sum"); err != own || !strings.Contains(alone.Named(err).Error(), "rank 1 ended") {
		t.Errorf("what breaks off because of another: %v", err)
	}
	full := &os.PathError{Op: "write", Path: "run/last.safetensors", Err: syscall.ENOSPC}
	for _, err := range []error{nil, full, errors.Join(errors.New("the log"), full), &os.LinkError{Op: "rename", Old: "a", New: "b", Err: syscall.EACCES},
		errors.New("no such device: libcublasLt.so.13"), fmt.Errorf("out of memory")} {
		if got := (&Team{}).Lost(err, "a sum"); got != err {
			t.Errorf("%v became %v", err, got)
		}
	}
}
