package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"contig-gpu/cmd/internal/ranks"
	"contig-gpu/gpu/world"

	"github.com/urfave/cli/v2"
)

// asLaunched is the value of --ranks without a number.
const asLaunched = "launched"

// ranksFlags are those of a verb that runs as several ranks; usage says what --ranks does.
func ranksFlags(usage string) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "ranks", Usage: usage},
		&cli.DurationFlag{Name: "meet-timeout", Value: 5 * time.Minute, Usage: "how long ranks wait for each other to begin"},
		&cli.DurationFlag{Name: "rank-timeout", Value: 10 * time.Minute, Usage: "how long a rank may be behind the others, or all in one step"},
		&cli.StringFlag{Name: "listen", Usage: "`HOST:PORT` at which rank 0 listens, where that is not what the others are told"},
		&cli.StringFlag{Name: "secret-file", Usage: "`FILE` with the secret of the run, in the place of CONTIG_SECRET"},
	}
}

// inGroup puts flags under one heading of the help.
func inGroup(name string, all []cli.Flag) []cli.Flag {
	for _, f := range all {
		switch f := f.(type) {
		case *cli.StringFlag:
			f.Category = name
		case *cli.DurationFlag:
			f.Category = name
		}
	}
	return all
}

// ranksAsLaunched lets --ranks stand without a number.
func ranksAsLaunched(args []string) []string {
	args = slices.Clone(args)
	for i, a := range args {
		if (a == "--ranks" || a == "-ranks") && (i+1 == len(args) || strings.HasPrefix(args[i+1], "-")) {
			args[i] = "--ranks=" + asLaunched
		}
	}
	return args
}

// ranksOptions reads the flags.
func ranksOptions(c *cli.Context) (ranks.Options, error) {
	o := ranks.Options{Listen: c.String("listen"), SecretFile: c.String("secret-file"), Meet: c.Duration("meet-timeout"), Rank: c.Duration("rank-timeout"),
		Beat: ranks.DefaultBeat, Unit: "check", Machine: machine(), Environment: os.Getenv,
		Same: []ranks.Trait{{Name: "version", Value: version + revision()}, {Name: "system", Value: runtime.GOOS + "/" + runtime.GOARCH}}}
	if text := c.String("ranks"); text != asLaunched && c.IsSet("ranks") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return o, usagef("--ranks: want a number of ranks of at least 1, or none, found %q", text)
		}
		o.Ranks = n
	}
	if o.Meet <= 0 || o.Rank <= 0 {
		return o, usagef("--meet-timeout, --rank-timeout: want a time such as 5m")
	}
	return o, nil
}

// meeting is what `doctor --ranks --json` prints.
type meeting struct {
	Launcher string         `json:"launcher"`
	Ranks    int            `json:"ranks"`
	Members  []ranks.Member `json:"members"`
	Address  string         `json:"address,omitempty"`
	MPI      *world.Engine  `json:"mpi,omitempty"`
	Sums     []sumCheck     `json:"sums"`
	GPUSums  []sumCheck     `json:"gpu_sums,omitempty"`    // by NCCL, where every rank has a GPU
	Copies   []float64      `json:"copy_bytes_per_second"` // of each rank: a slow one holds up all
	Slow     []int          `json:"slow_ranks"`
	Warnings []string       `json:"warnings"`
}

func doctorRanks(c *cli.Context) error {
	o, err := ranksOptions(c)
	if err != nil {
		return err
	}
	team, err := ranks.Start(c.Context, o)
	if err != nil {
		return err
	}
	m := &meeting{Launcher: team.Launcher, Ranks: team.Size, Members: team.Members(), Address: team.Address, Warnings: team.Warnings}
	if team.Size > 1 {
		err = m.check(team)
	}
	var shared ranks.Shared
	if team.Rank == 0 && (err == nil || errors.As(err, &shared)) {
		if said := m.say(c.App.Writer, c.Bool("json")); err == nil {
			err = said
		}
	}
	return team.End(err)
}

// check sums over the ranks: by MPI, where there is one, and by NCCL, where every rank has a GPU. One of both is enough.
func (m *meeting) check(team *ranks.Team) error {
	gpus, err := haveGPUs(team)
	if err != nil {
		return err
	}
	alone := team.NoWorld()
	switch {
	case alone == nil:
		err = m.checkSums(team)
	case !gpus:
		err = ranks.Shared{Err: alone}
	}
	if err != nil || !gpus {
		return err
	}
	return m.checkGPUs(team)
}

func (m *meeting) say(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(m)
	}
	return m.print(w)
}

func (m *meeting) print(w io.Writer) error {
	if m.Ranks == 1 {
		_, err := fmt.Fprintf(w, "1 rank, alone (%s): no library and no socket is opened\nto try several: mpirun -n 2 --bind-to none contig-gpu doctor --ranks\n", m.Launcher)
		return err
	}
	names, counts := ranks.Hosts(m.Members)
	var on []string
	for _, n := range names {
		on = append(on, fmt.Sprintf("%s %d", n, counts[n]))
	}
	plural := "s"
	if len(names) == 1 {
		plural = ""
	}
	fmt.Fprintf(w, "%d ranks on %d host%s (%s), started by %s\nmet       at %s\n", m.Ranks, len(names), plural, strings.Join(on, ", "), m.Launcher, m.Address)
	if m.MPI != nil {
		fmt.Fprintf(w, "MPI       %s\n          %s, interface %s\n", m.MPI.Version, m.MPI.Path, m.MPI.Interface)
	}
	printSums(w, "check", m.Sums)
	printSums(w, "GPUs ", m.GPUSums)
	if len(m.Copies) > 0 {
		fmt.Fprintf(w, "copies    %.3g to %.3g GB/s by rank\n", slices.Min(m.Copies)/1e9, slices.Max(m.Copies)/1e9)
	}
	for _, r := range m.Slow {
		fmt.Fprintf(w, "slow      %s copies memory at less than half the speed of the others: something else runs there\n", m.Members[r])
	}
	for _, text := range m.Warnings {
		fmt.Fprintln(w, text)
	}
	return nil
}

func printSums(w io.Writer, what string, all []sumCheck) {
	for i, s := range all {
		word := "right on all ranks"
		if len(s.Wrong) > 0 {
			word = fmt.Sprintf("WRONG on ranks %v", s.Wrong)
		}
		fmt.Fprintf(w, "%s %-3d sum of %s, %6s: %s, %.3g GB/s\n", what, i+1, s.Type, sumSize(s.Bytes), word, s.Rate/1e9)
	}
}

// sumSize writes 1,000 bytes as 1 KB.
func sumSize(bytes int) string {
	switch {
	case bytes >= 1e6:
		return fmt.Sprintf("%d MB", bytes/1e6)
	case bytes >= 1e3:
		return fmt.Sprintf("%d KB", bytes/1e3)
	}
	return fmt.Sprintf("%d B", bytes)
}
