package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"contig-gpu/data"

	"github.com/urfave/cli/v2"
)

// version is the release that is being worked towards.
const version = "0.1.0"

// run executes one verb and returns what finish reports. Tests call it directly.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	args = asked(args)
	app := application(stdout, stderr)
	if c := app.Command(first(args)); c != nil && c.ArgsUsage != "" {
		args = append(args[:1:1], argumentsLast(c, args[1:])...)
	}
	if done, err := helpFor(stdout, app, args); done || err != nil {
		return err
	}
	app.Metadata = map[string]any{commandKey: args}
	err := app.RunContext(ctx, append([]string{app.Name}, args...))
	var all ended
	var told toldExit
	var agreed settled
	if errors.As(err, &all) || errors.As(err, &told) || errors.As(err, &agreed) {
		return err
	}
	if cause := context.Cause(ctx); err != nil && cause != nil && ctx.Err() != nil {
		return cause
	}
	return err
}

// application is the program with all its commands.
func application(stdout, stderr io.Writer) *cli.App {
	app := &cli.App{
		Name:            "contig-gpu",
		Usage:           "train image encoders with genetics instead of labels",
		UsageText:       "contig-gpu COMMAND [flags]\n\n`contig-gpu train` alone makes a demo cohort and trains on it.",
		Writer:          stdout,
		ErrWriter:       stderr,
		HideVersion:     true,
		HideHelpCommand: true,
		Suggest:         false,
		ExitErrHandler:  func(*cli.Context, error) {},
		OnUsageError:    wrongUsage,
		Commands: []*cli.Command{
			trainCommand(), initCommand(), manifestCommand(), synthCommand(), checkCommand(), embedCommand(), explainCommand(), mergeCommand(), probeCommand(), finetuneCommand(), evalCommand(), segmentCommand(), exportCommand(), pgsCommand(), burdenCommand(), gwasCommand(),
			reportCommand(), runsCommand(), compareCommand(), configCommand(), planCommand(), benchCommand(), doctorCommand(), versionCommand(), completionCommand(), manCommand(),
		},
		Action: noCommand,
	}
	prepare(app.Commands)
	return app
}

// asked turns what other programs are asked for help and version by into our words.
func asked(args []string) []string {
	switch {
	case len(args) == 0:
	case args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	case args[0] == "--version" || args[0] == "-v":
		return append([]string{"version"}, args[1:]...)
	case args[0] == "doctor":
		return ranksAsLaunched(args)
	}
	return args
}

// first returns the first of some words, "" where there is none.
func first(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

// argumentsLast moves what is no flag behind the flags of a command, so that flags may follow.
func argumentsLast(c *cli.Command, args []string) []string {
	valued := valued([]*cli.Command{c})
	var flags, rest []string
	for i := 0; i < len(args); i++ {
		name, _, whole := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		switch {
		case args[i] == "--":
			rest = append(rest, args[i+1:]...)
			i = len(args)
		case !strings.HasPrefix(args[i], "-") || args[i] == "-":
			rest = append(rest, args[i])
		case !whole && slices.Contains(valued, name) && i+1 < len(args):
			flags = append(flags, args[i], args[i+1])
			i++
		default:
			flags = append(flags, args[i])
		}
	}
	if len(rest) > 0 && strings.HasPrefix(rest[0], "-") {
		flags = append(flags, "--")
	}
	return append(flags, rest...)
}

// prepare gives every command the same manners: usage errors are ours, and there are no arguments but flags.
func prepare(commands []*cli.Command) {
	for _, c := range commands {
		c.OnUsageError = wrongUsage
		c.HideHelpCommand = true
		if c.Action == nil {
			c.Action = noCommand
		} else if c.ArgsUsage == "" {
			c.Action = onlyFlags(c.Action)
		}
		prepare(c.Subcommands)
	}
}

func onlyFlags(action cli.ActionFunc) cli.ActionFunc {
	return func(c *cli.Context) error {
		if c.NArg() > 0 {
			if word := c.Args().First(); word == "true" || word == "false" || word == "yes" || word == "no" {
				return usagef("%s: unexpected argument %q: a flag that is true or false takes its value behind an equals sign, such as --deterministic=false", c.Command.Name, word)
			}
			return usagef("%s: unexpected argument %q; see contig-gpu %s --help", c.Command.Name, c.Args().First(), c.Command.Name)
		}
		return action(c)
	}
}

func noCommand(c *cli.Context) error {
	if c.NArg() == 0 {
		words := append(slices.Clone(commandOf(c)), "--help") // no flag stands before it: neither the program nor such a command has any
		_, err := helpFor(c.App.Writer, c.App, words)
		return err
	}
	commands := c.App.Commands
	if c.Command.Name != c.App.Name {
		commands = c.Command.Subcommands
	}
	var names []string
	for _, x := range commands {
		names = append(names, x.Name)
	}
	return usagef("no command %q%s; see contig-gpu --help", c.Args().First(), didYouMean(c.Args().First(), "", names))
}

// plainUsage turns what package flag says of a value into our words.
func plainUsage(text string) string {
	var value, name, why string
	if n, _ := fmt.Sscanf(text, "invalid value %q for flag -%s %s", &value, &name, &why); n < 2 {
		if n, _ = fmt.Sscanf(text, "invalid boolean value %q for -%s %s", &value, &name, &why); n >= 2 {
			return fmt.Sprintf("--%s: want true or false, behind an equals sign, found %q", strings.TrimSuffix(name, ":"), value)
		}
		return strings.NewReplacer("for flag -", "for flag --", "for -", "for --", "needed by -", "needed by --").Replace(text)
	}
	return fmt.Sprintf("--%s: want a number, found %q", strings.TrimSuffix(name, ":"), value)
}

// undefined is what package flag says of a flag that it does not know.
const undefined = "flag provided but not defined: -"

func wrongUsage(c *cli.Context, err error, _ bool) error {
	text, of, known := plainUsage(err.Error()), "", c.App.Flags
	if c.Command != nil && c.Command.Name != "" && c.Command.Name != c.App.Name {
		of, known = verb(c), c.Command.Flags
	}
	if name, ok := strings.CutPrefix(text, undefined); ok {
		var names []string
		for _, f := range known {
			names = append(names, f.Names()...)
		}
		text = "unknown flag --" + name + didYouMean(name, "--", names)
	}
	if of == "" {
		return usagef("%s; see contig-gpu --help", text)
	}
	return usagef("%s: %s; see contig-gpu %s --help", of, text, of)
}

// didYouMean proposes the known word that is nearest to a misspelt one, where one is near.
func didYouMean(word, dashes string, known []string) string {
	if near := data.Nearest(word, known); near != "" {
		return ", did you mean " + dashes + near + "?"
	}
	return ""
}

// need returns a text flag that must be given.
func need(c *cli.Context, flag string) (string, error) {
	if s := c.String(flag); s != "" {
		return s, nil
	}
	return "", usagef("%s: --%s is required; see contig-gpu %s --help", c.Command.Name, flag, c.Command.Name)
}

func versionCommand() *cli.Command {
	return &cli.Command{Name: "version", Usage: "print the version", Flags: []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print one JSON object"}}, Action: func(c *cli.Context) error {
		if c.Bool("json") {
			return json.NewEncoder(c.App.Writer).Encode(map[string]string{"version": version, "build": strings.TrimSpace(revision()), "system": runtime.GOOS + "/" + runtime.GOARCH})
		}
		_, err := fmt.Fprintln(c.App.Writer, "contig-gpu", version+revision())
		return err
	}}
}

// revision returns the commit that the program was built from, where the build knows it.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	text := ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			text = " " + s.Value[:min(12, len(s.Value))] + text
		case s.Key == "vcs.modified" && s.Value == "true":
			text += " with changes"
		}
	}
	return text + " " + info.GoVersion
}
