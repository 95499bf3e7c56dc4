package ranks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"contig-gpu/data"
	"contig-gpu/gpu/world"
)

// Options of a run of several ranks.
type Options struct {
	Ranks       int                      // refuse any other number; 1 is alone whatever the launcher says; 0: as launched
	Listen      string                   // host and port at which rank 0 listens; "": where the others look for it
	SecretFile  string                   // "": CONTIG_SECRET
	Meet, Rank  time.Duration            // how long to wait for all ranks, and for one that is behind
	Beat        time.Duration            // a sign of life this often; four times as long without one is a lost rank
	Same        []Trait                  // what must be equal on all ranks
	Orderly     bool                     // what ends ctx after the meeting is the ranks' own affair: they end together, at a step
	Unit        string                   // what Crew.Done counts, in errors
	Machine     string                   // tells this machine from others that have its name; ranks of a host are those with both
	Environment func(name string) string // os.Getenv
}

// DefaultBeat is how often ranks give a sign of life.
const DefaultBeat = 5 * time.Second

// A Team is the ranks of a run once they have met.
type Team struct {
	Place
	*Crew
	World    *world.World // of MPI; where the launcher starts none, of words alone, which sum nothing: NoWorld says why
	Address  string       // where they met; "": one rank
	Warnings []string     // W730, W731

	noWorld error
}

// NoWorld returns why there is no World, E732; nil where there is one.
func (t *Team) NoWorld() error { return t.noWorld }

// Start finds this process's place and meets the other ranks. With one rank it opens neither a socket nor a library. The errors are E730 to
// E733, those of ranks that others are to report Silent. When ctx ends later, the run of all ranks does, unless it is Orderly.
func Start(ctx context.Context, o Options) (*Team, error) {
	place := Place{Launcher: "--ranks 1", Size: 1, Locals: 1}
	if o.Ranks != 1 {
		var err error
		if place, err = Find(o.Environment); err != nil {
			return nil, err
		}
	}
	if o.Ranks > 1 && place.Size != o.Ranks {
		return nil, spoken(place, place.Rank == 0, otherNumber(place, o.Ranks))
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	t := terms{me: Member{Rank: place.Rank, Size: place.Size, Host: host, Pid: os.Getpid(), Processors: runtime.NumCPU()},
		addresses: []string{place.Address}, same: o.Same, unit: o.Unit, meet: o.Meet, rank: o.Rank, beat: o.Beat}
	team := &Team{Place: place, World: world.Alone()}
	if place.Size == 1 {
		team.Crew = newCrew(t)
		return team, nil
	}
	if t.secret, err = secret(o); err == nil {
		err = team.meet(ctx, o, t)
	}
	if err != nil {
		return nil, team.Named(err)
	}
	if len(t.secret) == 0 && place.MPI == "" {
		team.Warnings = append(team.Warnings, "W731: no secret: whoever reaches rank 0 while the ranks meet can join them; set CONTIG_SECRET to one random text for all ranks")
	}
	return team, nil
}

// meet brings the ranks together, over MPI where the launcher starts one.
func (t *Team) meet(ctx context.Context, o Options, m terms) error {
	var l net.Listener
	var err error
	coming := ctx
	if t.MPI == "" {
		t.noWorld = t.withoutMPI()
		var cancel context.CancelFunc
		coming, cancel = context.WithTimeoutCause(ctx, o.Meet, errDeadline) // of what rank 0 waits for before it listens, too
		defer cancel()
		if m.me.Rank == 0 {
			l, err = hostNetwork().open(coming, o.Listen, t.Place.Address)
		}
	} else if err = t.begin(ctx, o, &m); err == nil {
		l, err = t.introduce(o, &m)
	}
	if err != nil {
		return err
	}
	if t.Address = m.addresses[0]; m.me.Rank == 0 {
		t.Crew, err = hostMeeting(coming, m, l)
	} else {
		t.Crew, err = joinMeeting(coming, m)
	}
	if err != nil {
		return err
	}
	if t.MPI == "" {
		t.World = world.New(world.Seat{Rank: t.Rank, Size: t.Size, Local: t.Local, LocalSize: t.Locals}, t.Crew.words)
	}
	if o.Orderly {
		ctx = context.WithoutCancel(ctx)
	}
	go t.attend(ctx)
	if t.MPI == "" {
		if err := t.findSeat(m.me.Host + " " + o.Machine); err != nil {
			return err
		}
	}
	for _, member := range t.Crew.Members() {
		if member.Processors == 1 {
			t.Warnings = append(t.Warnings, fmt.Sprintf("W730: %s has one processor: start with mpirun --bind-to none, or srun --cpus-per-task", member))
		}
	}
	return nil
}

// attend ends collectives that would wait for a rank that is lost, and the run of all ranks with ctx.
func (t *Team) attend(ctx context.Context) {
	why := func() error { return t.Crew.err }
	select {
	case <-t.Crew.closed:
		return
	case <-t.Crew.failed:
	case <-ctx.Done():
		why = func() error { return context.Cause(ctx) }
		t.Crew.Fail(why())
	}
	t.World.Abandon(why())
}

// begin opens the launcher's MPI and holds its number of ranks to the launcher's.
func (t *Team) begin(ctx context.Context, o Options, m *terms) error {
	ctx, cancel := context.WithTimeoutCause(ctx, o.Meet, errDeadline)
	defer cancel()
	named := o.Environment(world.LibraryEnv)
	w, err := world.OpenMPI(ctx, named, t.MPI == mpich)
	switch {
	case errors.Is(err, errDeadline):
		return &data.Problem{Code: codeMeeting, What: fmt.Sprintf("MPI has not begun on %s within %v", m.me, o.Meet), Cause: "a rank was not started, or ended at once; a network that MPI cannot use", Fix: "look at the output of the other ranks"}
	case world.Gone(err):
		return context.Cause(ctx)
	case err != nil:
		return spoken(t.Place, t.Local == 0, &data.Problem{Code: codeMPI, What: "no MPI: " + err.Error(), Expected: "the library of the MPI whose launcher started this: " + t.MPI,
			Cause: "it is not installed on this host, or not where the loader looks; a program without cgo opens none", Fix: t.orNone("load its module, set LD_LIBRARY_PATH, or name the file by " + world.LibraryEnv)})
	}
	if w.Size() != t.Size || w.Rank() != t.Rank {
		e, _ := w.Engine()
		return spoken(t.Place, t.Local == 0, &data.Problem{Code: codeMPI, What: fmt.Sprintf("%s says rank %d of %d, the MPI library rank %d of %d", t.Launcher, t.Rank, t.Size, w.Rank(), w.Size()),
			Expected: "the library of the MPI whose launcher started this: " + t.MPI, Found: fmt.Sprintf("%s (%s)", e.Path, e.Version),
			Cause: "another MPI's launcher, which begins as many worlds of one rank", Fix: t.orNone("start with the launcher of that library, or name the launcher's library by " + world.LibraryEnv)})
	}
	t.Local, t.Locals = w.Local()
	t.World = w
	e, _ := w.Engine()
	m.same = append(slices.Clone(m.same), Trait{"MPI library", e.Version})
	return nil
}

// orNone adds to what mends an MPI what ranks on GPUs do under srun, which starts one for them too where the cluster's MpiDefault says so.
func (t *Team) orNone(fix string) string {
	if t.Launcher == "srun" {
		fix += "; ranks on GPUs need no MPI: srun --mpi=none"
	}
	return fix
}

// withoutMPI is the error of sums between CPUs under a launcher that starts no MPI.
func (t *Team) withoutMPI() error {
	p := &data.Problem{Code: codeMPI, What: "no MPI was started, by which ranks on CPUs sum: these were started by " + t.Launcher, Cause: "the processes were not started by an MPI's launcher",
		Fix: fmt.Sprintf("mpirun -n %d --bind-to none contig-gpu ...", t.Size)}
	if t.Launcher == "srun" {
		p.Cause, p.Fix = "srun without --mpi", "srun --mpi=pmix (Open MPI) or --mpi=pmi2 (MPICH); srun --mpi=list shows what there is"
	}
	return p
}

// An invitation is what rank 0 broadcasts over MPI: where it listens, and a random secret; or why it does not.
type invitation struct {
	Addresses []string
	Secret    []byte
	Failure   string
}

// invitationBytes is the length of the broadcast.
const invitationBytes = 8 << 10

// introduce tells all ranks over MPI where they meet. The secret is a random one, unless the user has given one.
func (t *Team) introduce(o Options, m *terms) (l net.Listener, err error) {
	text := make([]byte, invitationBytes)
	if m.me.Rank == 0 {
		i := invitation{Secret: m.secret}
		if len(i.Secret) == 0 {
			i.Secret = append(nonce(), nonce()...)
		}
		if l, i.Addresses, err = listenAnywhere(o.Listen, t.Locals == t.Size); err != nil {
			i.Failure = err.Error()
		}
		line, err := json.Marshal(i)
		if err != nil || len(line) > len(text) {
			return nil, fmt.Errorf("an invitation of %d bytes: %v", len(line), err)
		}
		copy(text, line)
	}
	if err := t.World.Broadcast(text); err != nil {
		return nil, &data.Problem{Code: codeLost, What: "MPI's broadcast failed", Err: err, Cause: "a rank ended; the network failed", Fix: "look at the output of the other ranks"}
	}
	var i invitation
	if err := json.Unmarshal([]byte(strings.TrimRight(string(text), "\x00")), &i); err != nil {
		return nil, fmt.Errorf("the invitation of rank 0: %w", err)
	}
	if i.Failure != "" && m.me.Rank != 0 {
		return nil, Silent{errors.New(i.Failure)}
	}
	m.addresses, m.secret = i.Addresses, i.Secret
	return l, err
}

// otherNumber is E730 where so many ranks were asked for, and others are there.
func otherNumber(place Place, ranks int) *data.Problem {
	p := &data.Problem{Code: codeVariables, What: fmt.Sprintf("--ranks asks for %d ranks, and %s started %d", ranks, place.Launcher, place.Size),
		Expected: fmt.Sprint(ranks), Found: fmt.Sprint(place.Size), Cause: "the launcher was given another number", Fix: "give both the same number, or leave out --ranks"}
	if place.Size == 1 {
		p.What = fmt.Sprintf("--ranks asks for %d ranks, and this is the only one", ranks)
		p.Cause, p.Fix = "it was started without a launcher, or by one that set no variables", fmt.Sprintf("start it with mpirun -n %d, srun or torchrun: --ranks starts nothing by itself", ranks)
	}
	return p
}
