package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	osexec "os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"contig-gpu/cmd/internal/ranks"
	"contig-gpu/data"
	"contig-gpu/gpu/gputest/turn"
	"contig-gpu/gpu/world"
	"contig-gpu/gpu/world/mpitest"
)

// mainArgs names the environment variable that makes this test's program the program itself, main and its exit, and holds its arguments.
const mainArgs = "CONTIG_GPU_TEST_MAIN"

func TestMain(m *testing.M) {
	if args := os.Getenv(mainArgs); args != "" {
		os.Args = append(os.Args[:1], strings.Split(args, "\n")...)
		main()
	}
	os.Exit(m.Run())
}

// launched runs the program as n ranks of an MPI's launcher, and returns what was printed. It skips where the launcher is not there.
func launched(t *testing.T, m mpitest.MPI, n int, env []string, args ...string) (string, string, error) {
	t.Helper()
	return m.Run(t, mpitest.Launch{Ranks: n, Program: os.Args[0], Env: append([]string{mainArgs + "=" + strings.Join(args, "\n")}, env...)})
}

// TestDoctorRanks: the ranks meet, their sums are right, and rank 0 alone says so.
func TestDoctorRanks(t *testing.T) {
	for _, mpi := range mpitest.All(t) {
		t.Run(mpi.String(), func(t *testing.T) {
			turn.Share(t)
			out, errs, err := launched(t, mpi, 3, nil, "doctor", "--ranks", "3", "--json")
			var m meeting
			if err != nil || json.Unmarshal([]byte(out), &m) != nil {
				t.Fatalf("%v\n%s\n%s", err, out, errs)
			}
			if m.Launcher != "mpirun of "+mpi.Name || m.Ranks != 3 || len(m.Members) != 3 || m.MPI == nil || m.MPI.Interface != mpi.Interface || len(m.Copies) != 3 {
				t.Errorf("%+v", m)
			}
			if len(m.Sums) != 6 {
				t.Errorf("%d sums, want 6", len(m.Sums))
			}
			for _, s := range m.Sums {
				if len(s.Wrong) > 0 || s.Rate <= 0 {
					t.Errorf("%+v", s)
				}
			}
			out, errs, err = launched(t, mpi, 2, nil, "doctor", "--ranks")
			if err != nil || !strings.HasPrefix(out, "2 ranks on 1 host (") || strings.Count(out, "right on all ranks") != 6 {
				t.Errorf("%v\n%s\n%s", err, out, errs)
			}
		})
	}
}

// TestDoctorRanksErrors: what does not fit is said once.
func TestDoctorRanksErrors(t *testing.T) {
	const otherMPI = "another MPI's library"
	for _, mpi := range mpitest.All(t) {
		for _, c := range []struct {
			env  string
			args []string
			want string
		}{
			{"", []string{"doctor", "--ranks", "3"}, "E730: --ranks asks for 3 ranks, and mpirun of " + mpi.Name + " started 2"},
			{"CONTIG_LIBMPI=/nowhere/libmpi.so", []string{"doctor", "--ranks"}, "E732: no MPI: "},
			{"CONTIG_LIBMPI=libm.so.6", []string{"doctor", "--ranks"}, "E732: no MPI: "},
			{otherMPI, []string{"doctor", "--ranks"}, "E732: mpirun of " + mpi.Name + " says rank "},
		} {
			t.Run(mpi.String()+" "+c.env, func(t *testing.T) {
				env := c.env
				if env == otherMPI {
					env = world.LibraryEnv + "=" + mpi.Other(t)
				}
				out, errs, err := launched(t, mpi, 2, []string{env}, c.args...)
				if err == nil || strings.Count(out+errs, "contig-gpu: E") != 1 || !strings.Contains(errs, c.want) {
					t.Errorf("%v\n%s\n%s", err, out, errs)
				}
			})
		}
	}
}

// byHand runs the program as n ranks that RANK and WORLD_SIZE tell, and returns what each printed.
func byHand(t *testing.T, n int, args ...string) (outs, errs []string, codes []int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	mustDo(t, err)
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	l.Close()
	out, e := make([]strings.Builder, n), make([]strings.Builder, n)
	var cmds []*osexec.Cmd
	for r := range n {
		cmd := osexec.Command(os.Args[0])
		cmd.Stdout, cmd.Stderr = &out[r], &e[r]
		cmd.Env = append(os.Environ(), mainArgs+"="+strings.Join(args, "\n"), fmt.Sprint("RANK=", r), fmt.Sprint("WORLD_SIZE=", n), "MASTER_ADDR=127.0.0.1", "MASTER_PORT="+port)
		mustDo(t, cmd.Start())
		t.Cleanup(func() { _ = cmd.Process.Kill() })
		cmds = append(cmds, cmd)
	}
	for r, cmd := range cmds {
		if err := cmd.Wait(); err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		outs, errs, codes = append(outs, out[r].String()), append(errs, e[r].String()), append(codes, cmd.ProcessState.ExitCode())
	}
	return outs, errs, codes
}

// byItself runs the program as a process of its own that no launcher has started.
func byItself(t *testing.T, args ...string) (out, errs string, code int) {
	t.Helper()
	var o, e strings.Builder
	cmd := osexec.CommandContext(t.Context(), os.Args[0])
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), mainArgs+"="+strings.Join(args, "\n")), &o, &e
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return o.String(), e.String(), cmd.ProcessState.ExitCode()
}

// TestDoctorRanksWithoutMPI: under a launcher that starts no MPI the ranks meet; rank 0 says who is there, and with what sums would be had.
func TestDoctorRanksWithoutMPI(t *testing.T) {
	outs, errs, codes := byHand(t, 3, "doctor", "--ranks", "3")
	if !strings.HasPrefix(outs[0], "3 ranks on 1 host (") || !strings.Contains(outs[0], "W731") || !strings.Contains(errs[0], "E732: no MPI was started, by which ranks on CPUs sum: these were started by RANK and WORLD_SIZE") ||
		!strings.Contains(errs[0], "mpirun -n 3") {
		t.Errorf("rank 0 said %s\n%s", outs[0], errs[0])
	}
	if !slices.Equal(codes, []int{1, 1, 1}) || strings.Contains(errs[1]+errs[2], "contig-gpu") {
		t.Errorf("codes %v; ranks 1 and 2 said %s\n%s", codes, errs[1], errs[2])
	}
}

// TestDoctorOneRank: one rank says that it is one, and what is no number of ranks is wrong usage.
func TestDoctorOneRank(t *testing.T) {
	for _, args := range [][]string{{"doctor", "--ranks"}, {"doctor", "--ranks", "1"}, {"doctor", "--ranks", "--json"}} {
		if out := must(t, args...); !strings.Contains(out, "no launcher") && !strings.Contains(out, "--ranks 1") {
			t.Errorf("%v: %s", args, out)
		}
	}
	for _, args := range [][]string{{"doctor", "--ranks", "many"}, {"doctor", "--ranks", "0"}, {"doctor", "--ranks", "--meet-timeout", "0s"}} {
		if code, _, errs := exec(t, args...); code != 2 {
			t.Errorf("%v: code %d, %s", args, code, errs)
		}
	}
}

// TestSlowRanks: a rank is slow beside the median one.
func TestSlowRanks(t *testing.T) {
	for _, c := range []struct {
		rates []float64
		want  []int
	}{{[]float64{5, 5}, nil}, {[]float64{5, 2, 5}, []int{1}}, {[]float64{2, 5}, []int{0}}, {[]float64{3, 5, 4, 1}, []int{3}}} {
		if got := slow(c.rates); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.rates, got, c.want)
		}
	}
}

// TestOneRankOpensNothing: neither a training nor anything else of one rank opens a socket or an MPI library, whatever variables are set. doctor opens
// libraries to ask them what they are, and no socket.
func TestOneRankOpensNothing(t *testing.T) {
	strace, err := osexec.LookPath("strace")
	if err != nil {
		t.Skipf("%v (Debian: apt-get install strace)", err)
	}
	if err := osexec.Command(strace, "-f", "-o", os.DevNull, "true").Run(); err != nil {
		t.Skipf("strace may not trace here: %v", err)
	}
	cohort, dir := tiny(t), t.TempDir()
	for _, args := range [][]string{{"doctor"}, {"doctor", "--ranks", "1"}, small(cohort, dir+"/run", "--max-steps", "2", "--device", "cpu")} {
		log := dir + "/trace"
		cmd := osexec.Command(strace, "-f", "-qq", "-e", "trace=openat,socket", "-o", log, os.Args[0])
		cmd.Env = append(os.Environ(), mainArgs+"="+strings.Join(args, "\n"), "OMPI_COMM_WORLD_RANK=0", "OMPI_COMM_WORLD_SIZE=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		trace := string(read(t, log))
		if !strings.Contains(trace, "openat(") {
			t.Errorf("%v: nothing was traced", args)
		}
		for _, line := range strings.Split(trace, "\n") {
			if strings.Contains(line, "AF_INET") || strings.Contains(line, "libmpi") && len(args) > 1 {
				t.Errorf("%v: %s", args, line)
			}
		}
	}
}

// TestWhoSpeaks: which error a rank prints, and that one prints nothing.
func TestWhoSpeaks(t *testing.T) {
	p := &data.Problem{Code: 733, What: "a rank ended"}
	for _, c := range []struct {
		err  error
		want string
	}{{p, "contig-gpu: E733: a rank ended\n"}, {ranks.Own{Who: "rank 5 (n2)", Err: p}, "contig-gpu: rank 5 (n2): E733: a rank ended\n"}, {ranks.Silent{Err: p}, ""}} {
		var errs strings.Builder
		if code := finish(c.err, &errs); code != 1 || errs.String() != c.want {
			t.Errorf("%T: code %d, %q", c.err, code, errs.String())
		}
	}
}
