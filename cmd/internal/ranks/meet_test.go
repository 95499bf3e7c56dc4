//go:build unix

package ranks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"contig-gpu/data"
	"contig-gpu/gpu/world"
)

// testMode names the environment variable that makes this test's program one rank, and says what it is to do once all have met.
const testMode = "CONTIG_RANKS_TEST"

func TestMain(m *testing.M) {
	mode := os.Getenv(testMode)
	if mode == "" {
		os.Exit(m.Run())
	}
	err := asRank(mode)
	var silent Silent
	switch {
	case errors.As(err, &silent):
		fmt.Println("silent")
		os.Exit(1)
	case err != nil:
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("went well")
}

// duration reads one of the test's own settings.
func duration(name string, otherwise time.Duration) time.Duration {
	if d, err := time.ParseDuration(os.Getenv(name)); err == nil {
		return d
	}
	return otherwise
}

// asRank is the program of a rank.
func asRank(mode string) error {
	if word, who, _ := strings.Cut(mode, " "); word == "early" && who == os.Getenv("RANK") {
		return syscall.Kill(os.Getpid(), syscall.SIGKILL) // before it has met the others
	}
	o := Options{Meet: duration("MEET", 30*time.Second), Rank: duration("BEHIND", time.Minute), Beat: duration("BEAT", 5*time.Second), Unit: "step", Environment: os.Getenv,
		Same: []Trait{{"version", os.Getenv("VERSION")}, {"cohort", os.Getenv("COHORT")}}, Listen: os.Getenv("LISTEN"), SecretFile: os.Getenv("SECRET_FILE"), Machine: os.Getenv("MACHINE")}
	t, err := Start(context.Background(), o)
	if err != nil {
		return err
	}
	fmt.Printf("%d met %d at %s %v\n", t.Rank, len(t.Members()), t.Address, t.Warnings)
	word, who, _ := strings.Cut(mode, " ")
	if word == "end" {
		fmt.Printf("%d of %d on its host\n", t.Local, t.Locals)
		return t.End(nil)
	}
	if word == "warn" {
		return t.End(warn(t))
	}
	if word == "words" {
		return t.End(exchange(t))
	}
	t.Done(7)
	time.Sleep(2 * o.Beat) // so that rank 0 has heard of the step
	if who == strconv.Itoa(t.Rank) {
		switch word {
		case "fail":
			return t.End(&data.Problem{Code: 412, What: "an image cannot be decoded"})
		case "die":
			err = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		case "stop":
			err = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		case "late":
			time.Sleep(time.Hour)
		}
		if err != nil {
			return err
		}
	}
	if word == "late" {
		t.Done(8)
	}
	<-t.Failed()
	return t.End(t.Err())
}

// exchange has the ranks tell each other some words, small and large.
func exchange(t *Team) error {
	for round := range 3 {
		who, err := t.World.Verdict(t.Rank == round)
		if err != nil || (round < t.Size) != slices.Equal(who, []int{round}) {
			return fmt.Errorf("verdict %v, %v", who, err)
		}
		all, err := t.World.Gather(float64(10*round + t.Rank))
		if err != nil || len(all) != t.Size || all[t.Size-1] != float64(10*round+t.Size-1) {
			return fmt.Errorf("gathered %v, %v", all, err)
		}
		long := bytes.Repeat([]byte{byte(t.Rank + 7)}, 3*mostWords+11)
		if err := t.World.Broadcast(long); err != nil || !bytes.Equal(long, bytes.Repeat([]byte{7}, len(long))) {
			return fmt.Errorf("the broadcast is another: %v", err)
		}
	}
	if err := t.Alike("settings", "the same", ""); err != nil {
		return err
	}
	var p *data.Problem
	if err := t.Alike("settings", fmt.Sprint(t.Rank == 1), ""); t.Size > 1 && (!errors.As(err, &p) || p.Code != data.CodeRanksDiffer || !strings.Contains(p.What, "rank 1: other settings")) {
		return fmt.Errorf("ranks that are not alike: %v", err)
	}
	if err := world.Sum(t.World, make([]float32, 3)); t.Size > 1 && err == nil {
		return errors.New("words were summed")
	}
	return nil
}

// A said rank is what a process printed, and how it ended.
type said struct {
	rank int
	out  string
	err  error
}

// port is one that was free a moment ago.
func port(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// crew starts n ranks by hand, each with more of the environment, but not those of which the environment is nil. It returns what they said
// by rank; one that is stopped is killed once the others have ended.
func crew(t *testing.T, n int, mode, port string, more func(rank int) []string) []said {
	t.Helper()
	all, heard := make([]said, n), make(chan said)
	var started []*exec.Cmd
	for r := range n {
		extra := []string{}
		if more != nil {
			if extra = more(r); extra == nil {
				continue
			}
		}
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(append(os.Environ(), testMode+"="+mode, "RANK="+strconv.Itoa(r), "WORLD_SIZE="+strconv.Itoa(n), "MASTER_ADDR=127.0.0.1", "MASTER_PORT="+port, "CONTIG_SECRET=open sesame"), extra...)
		var out strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		started = append(started, cmd)
		go func() {
			err := cmd.Wait()
			heard <- said{r, out.String(), err}
		}()
	}
	left := len(started)
	if strings.HasPrefix(mode, "stop") || strings.HasPrefix(mode, "late") {
		left--
	}
	patience := time.After(time.Minute)
	for i := 0; i < len(started); i++ {
		if i == left {
			for _, cmd := range started {
				_ = cmd.Process.Kill() // those that have ended do not mind
			}
		}
		select {
		case s := <-heard:
			all[s.rank] = s
		case <-patience:
			for _, cmd := range started {
				_ = cmd.Process.Kill()
			}
			t.Fatalf("a rank still runs after a minute; the others said %+v", all)
		}
	}
	return all
}

func TestMeeting(t *testing.T) {
	for _, s := range crew(t, 4, "end", port(t), nil) {
		want := fmt.Sprintf("%d met 2 at 127.0.0.1:", s.rank)
		if s.rank == 0 {
			want = "0 met 4 at 127.0.0.1:"
		}
		if s.err != nil || !strings.HasPrefix(s.out, want) || !strings.HasSuffix(s.out, fmt.Sprintf("[]\n%d of 4 on its host\nwent well\n", s.rank)) {
			t.Errorf("rank %d: %v %s", s.rank, s.err, s.out)
		}
	}
}

// TestSeats: ranks find their places on their hosts where the launcher does not tell them, and are told otherwise.
func TestSeats(t *testing.T) {
	for name, c := range map[string]struct {
		more []string // of each rank
		want []string
	}{
		"two machines of one name": {[]string{"MACHINE=a", "MACHINE=b", "MACHINE=a"}, []string{"0 of 2", "0 of 1", "1 of 2"}},
		"the launcher's places":    {[]string{"LOCAL_RANK=2", "LOCAL_RANK=0", "LOCAL_RANK=1"}, []string{"2 of 3", "0 of 3", "1 of 3"}},
		"the launcher's numbers":   {[]string{"LOCAL_WORLD_SIZE=1", "LOCAL_WORLD_SIZE=1", "LOCAL_WORLD_SIZE=1"}, []string{"0 of 1", "0 of 1", "0 of 1"}},
	} {
		for _, s := range crew(t, 3, "end", port(t), func(rank int) []string { return c.more[rank : rank+1] }) {
			if s.err != nil || !strings.Contains(s.out, c.want[s.rank]+" on its host\n") {
				t.Errorf("%s: rank %d: %v %s", name, s.rank, s.err, s.out)
			}
		}
	}
}

// TestNoSecret: without a secret the ranks meet, and are warned.
func TestNoSecret(t *testing.T) {
	for _, s := range crew(t, 2, "end", port(t), func(int) []string { return []string{"CONTIG_SECRET="} }) {
		if s.err != nil || !strings.Contains(s.out, "W731") {
			t.Errorf("rank %d: %v %s", s.rank, s.err, s.out)
		}
	}
}

// TestMissing: who does not come is named on rank 0, and ends the others.
func TestMissing(t *testing.T) {
	all := crew(t, 4, "end", port(t), func(r int) []string {
		if r == 2 {
			return nil
		}
		return []string{"MEET=3s"}
	})
	for _, want := range []string{"E731: 1 of 4 ranks did not come to 127.0.0.1:", "within 3s: 2\n", "expected:     ranks 0 to 3", "found:        0 (", "1 (", "3 ("} {
		if !strings.Contains(all[0].out, want) {
			t.Errorf("rank 0 does not say %q: %s", want, all[0].out)
		}
	}
	for _, r := range []int{1, 3} {
		if all[r].out != "silent\n" || all[r].err == nil {
			t.Errorf("rank %d: %v %s", r, all[r].err, all[r].out)
		}
	}
}

// TestNoRank0: the others say what they could not reach.
func TestNoRank0(t *testing.T) {
	all := crew(t, 2, "end", port(t), func(r int) []string {
		if r == 0 {
			return nil
		}
		return []string{"MEET=1s"}
	})
	if !strings.Contains(all[1].out, "rank 1 (") || !strings.Contains(all[1].out, "E731: ") || !strings.Contains(all[1].out, "did not reach rank 0 at 127.0.0.1:") || !strings.Contains(all[1].out, "refused") {
		t.Errorf("rank 1: %s", all[1].out)
	}
}

// TestRefused: a rank that is not of this run learns why, and rank 0 waits for the right one; it names who was refused.
func TestRefused(t *testing.T) {
	for word, want := range map[string]string{
		"VERSION=2":           "its version is 2, that of rank 0 is ",
		"COHORT=b":            "its cohort is b, that of rank 0 is ",
		"WORLD_SIZE=3":        "it is rank 1 of 3, and rank 0 is one of 2",
		"CONTIG_SECRET=other": "it has another secret",
	} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			all := crew(t, 2, "end", port(t), func(r int) []string {
				if r == 1 {
					return []string{word}
				}
				return []string{"MEET=4s"}
			})
			if all[1].err == nil || !strings.Contains(all[1].out, "E731: rank 0 refuses rank 1 (") || !strings.Contains(all[1].out, want) {
				t.Errorf("rank 1: %s", all[1].out)
			}
			if all[0].err == nil || !strings.Contains(all[0].out, "E731: 1 of 2 ranks") || !strings.Contains(all[0].out, "refused: ") || !strings.Contains(all[0].out, want) {
				t.Errorf("rank 0: %s", all[0].out)
			}
		})
	}
}

// TestStrangers: who says nothing, says garbage, or more than a rank would, harms nobody.
func TestStrangers(t *testing.T) {
	at := port(t)
	stop := make(chan struct{})
	calls := make(chan int)
	go func() { // one of each kind, as soon as somebody listens
		n := 0
		defer func() { calls <- n }()
		for _, words := range []string{"", "GET / HTTP/1.1\r\n\r\n", `{"Kind":"hello","Member":{"rank":1},"Size":3}` + "\n", strings.Repeat("[", 1<<17)} {
			for {
				c, err := net.Dial("tcp", "127.0.0.1:"+at)
				if err == nil {
					defer c.Close()
					_, _ = c.Write([]byte(words)) // it may be refused before
					n++
					break
				}
				select {
				case <-stop:
					return
				case <-time.After(5 * time.Millisecond):
				}
			}
		}
	}()
	all := crew(t, 3, "end", at, func(r int) []string {
		if r == 2 {
			time.Sleep(time.Second) // the strangers come before the last
		}
		return []string{}
	})
	close(stop)
	if n := <-calls; n != 4 {
		t.Errorf("%d strangers came, want 4", n)
	}
	for _, s := range all {
		if s.err != nil || !strings.HasSuffix(s.out, "went well\n") {
			t.Errorf("rank %d: %v %s", s.rank, s.err, s.out)
		}
	}
}

// TestWrongPlace: an address at which rank 0 cannot listen, and a port that is taken by another program.
func TestWrongPlace(t *testing.T) {
	all := crew(t, 2, "end", port(t), func(r int) []string { return []string{"MASTER_ADDR=192.0.2.77", "MEET=1s"} })
	if !strings.Contains(all[0].out, "E731: rank 0 cannot listen at 192.0.2.77:") || all[1].err == nil {
		t.Errorf("said %+v", all)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprintln(c, "220 mail.example.org ready")
			c.Close()
		}
	}()
	_, taken, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	all = crew(t, 2, "end", taken, nil)
	if !strings.Contains(all[0].out, "E731: rank 0 cannot listen") || !strings.Contains(all[1].out, "E731: rank 1 (") || !strings.Contains(all[1].out, "was not let in") {
		t.Errorf("said %+v", all)
	}
}

// TestLost: each way in which a rank can be lost ends all the others, and the error names rank, host, step and cause.
func TestLost(t *testing.T) {
	for _, c := range []struct {
		mode string
		env  []string
		want string // in what rank 0 says; of rank 0's own end, all the others
	}{
		{"fail 2", nil, "E733: rank 2 ("},
		{"fail 2", nil, "gave up at step 7\n  likely cause: E412: an image cannot be decoded"},
		{"die 2", nil, "ended without a word at step 7"},
		{"die 0", nil, "ended without a word at step 7"},
		{"stop 1", []string{"BEAT=700ms"}, "has not been heard of for 2.8s at step 7"},
		{"late 1", []string{"BEAT=300ms", "BEHIND=2s"}, "has been at step 7 for 2s, and others wait at 8"},
	} {
		t.Run(c.mode, func(t *testing.T) {
			host, err := os.Hostname()
			if err != nil {
				t.Fatal(err)
			}
			_, who, _ := strings.Cut(c.mode, " ")
			for _, s := range crew(t, 4, c.mode, port(t), func(int) []string { return append([]string{"BEAT=1s"}, c.env...) }) {
				culprit := strconv.Itoa(s.rank) == who
				names := strings.Contains(s.out, c.want) && strings.Contains(s.out, "E733: rank "+who+" ("+host+", process ")
				switch {
				case s.err == nil:
					t.Errorf("rank %d ended well: %s", s.rank, s.out)
				case culprit && strings.HasPrefix(c.mode, "fail"):
					if !strings.Contains(s.out, "E412") {
						t.Errorf("rank %s does not say its own error: %s", who, s.out)
					}
				case !culprit && (s.rank == 0 || who == "0"):
					if !names {
						t.Errorf("rank %d said %q", s.rank, s.out)
					}
				case !culprit && !strings.HasSuffix(s.out, "silent\n"):
					t.Errorf("rank %d said %q, rank 0 says it", s.rank, s.out)
				}
			}
		})
	}
}

// TestWords: without MPI ranks still tell each other verdicts, digests and identities.
func TestWords(t *testing.T) {
	for n := 1; n <= 4; n++ {
		for _, s := range crew(t, n, "words", port(t), nil) {
			if s.err != nil || !strings.Contains(s.out, "went well") {
				t.Errorf("rank %d of %d: %v %s", s.rank, n, s.err, s.out)
			}
		}
	}
}
