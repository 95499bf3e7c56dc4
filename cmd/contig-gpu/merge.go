package main

import (
	"fmt"
	"strings"

	"contig-gpu/cmd/internal/shard"
	"contig-gpu/data/folder"

	"github.com/urfave/cli/v2"
)

func mergeCommand() *cli.Command {
	return &cli.Command{
		Name: "merge", Usage: "join the shards that embed or explain made with --shard", ArgsUsage: "SHARD SHARD...",
		Description: "Makes of all shards what one command without --shard writes, byte for byte. They may be named in any order.\n" +
			"Of explain the shards are its persons: merge makes tables, tests, decoys, maps and the report, for which it reads the checkpoint and the data again, from where the shards found them.\n" +
			"contig-gpu merge --out emb shards/*   of shards/1 to shards/16, for example",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "out", Usage: "folder to make"},
			&cli.StringFlag{Name: "device", Value: "auto", Usage: "of an explanation: auto, cpu, cuda or cuda:N"},
			&cli.IntFlag{Name: "threads", Usage: "of an explanation: CPU threads; 0 takes all"},
			&cli.BoolFlag{Name: "overwrite", Usage: "replace what stands there, if it is of the kind that is made"},
		}, talkFlags()...),
		Action: merge,
	}
}

// merge joins shards.
func merge(c *cli.Context) error {
	dir, err := need(c, "out")
	if err != nil {
		return err
	}
	dirs := c.Args().Slice()
	if len(dirs) == 0 {
		return usagef("merge: name the shards; see contig-gpu merge --help")
	}
	if n := c.Int("threads"); n < 0 || n > mostThreads {
		return usagef("merge: --threads: want a whole number from 0 to %d, found %d", mostThreads, n)
	}
	parts, err := shard.Open(dirs)
	if err != nil {
		return err
	}
	if text := devices(parts); text != "" {
		if err := note(c, text); err != nil {
			return err
		}
	}
	if parts[0].Verb == "explain" {
		return mergeExplanation(c, parts)
	}
	target := folder.Target{Dir: dir, Kind: folder.Embedding, Overwrite: c.Bool("overwrite"), Inputs: dirs, Mode: privateFolder}
	if err := target.Check(); err != nil {
		return err
	}
	e, err := joinEmbedding(parts)
	if err != nil {
		return err
	}
	if err := c.Context.Err(); err != nil {
		return err
	}
	if err := target.Publish(e.write); err != nil {
		return err
	}
	return e.wrote(c, dir)
}

// devices is W740 where shards were computed by devices of which results have other last digits.
func devices(parts []*shard.Part) string {
	var names []string
	of := map[string][]string{}
	for _, p := range parts {
		if of[p.Device] == nil {
			names = append(names, p.Device)
		}
		of[p.Device] = append(of[p.Device], fmt.Sprint(p.I))
	}
	if len(names) < 2 {
		return ""
	}
	var each []string
	for _, n := range names {
		each = append(each, fmt.Sprintf("%s (shard %s)", n, strings.Join(of[n][:min(len(of[n]), 5)], ", ")+map[bool]string{true: ", ..."}[len(of[n]) > 5]))
	}
	return "W740: the shards were computed on different devices, so that last digits may be others than those of one: " + strings.Join(each, "; ")
}
