package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"contig-gpu/data/dataset"
	"contig-gpu/data/folder"
	"contig-gpu/model/setting"

	"github.com/urfave/cli/v2"
)

func completionCommand() *cli.Command {
	return &cli.Command{
		Name: "completion", Usage: "print a completion script for bash, zsh or fish", ArgsUsage: "bash|zsh|fish",
		Description: "bash: source <(contig-gpu completion bash)\nzsh:  source <(contig-gpu completion zsh)\nfish: contig-gpu completion fish | source",
		Flags:       []cli.Flag{&cli.BoolFlag{Name: "install", Usage: "write it where new shells of bash or fish look for it, instead of printing it"}},
		Action: func(c *cli.Context) error {
			if c.NArg() > 1 {
				return usagef("completion: one shell, not %d", c.NArg())
			}
			shell := c.Args().First()
			script, err := completion(shell, c.App.Commands)
			if err != nil {
				return err
			}
			if c.Bool("install") {
				return installCompletion(c.App.Writer, shell, script)
			}
			_, err = fmt.Fprint(c.App.Writer, script)
			return err
		},
	}
}

// installCompletion writes the script of a shell into the user's own folder of completions.
func installCompletion(w io.Writer, shell, script string) error {
	home, err := os.UserHomeDir()
	if err != nil {
		return err
	}
	base := func(variable, standard string) string {
		if dir := os.Getenv(variable); dir != "" {
			return dir
		}
		return filepath.Join(home, standard)
	}
	file := ""
	switch shell {
	case "bash":
		file = filepath.Join(base("XDG_DATA_HOME", ".local/share"), "bash-completion", "completions", "contig-gpu")
	case "fish":
		file = filepath.Join(base("XDG_CONFIG_HOME", ".config"), "fish", "completions", "contig-gpu.fish")
	case "zsh":
		return usagef("completion: zsh has no folder that all set-ups read: add `source <(contig-gpu completion zsh)` behind compinit to .zshrc, or write it as _contig-gpu into a folder of $fpath")
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if err := folder.WriteFile(file, 0o644, func(out io.Writer) error {
		_, err := io.WriteString(out, script)
		return err
	}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "wrote %s\n", file)
	return err
}

func completion(shell string, commands []*cli.Command) (string, error) {
	switch shell {
	case "bash":
		return bash(commands), nil
	case "zsh":
		return zsh(commands), nil
	case "fish":
		return fish(commands), nil
	}
	return "", usagef("completion: want bash, zsh or fish, found %.100q", shell)
}

// flagWords returns the flags of a command as they are written.
func flagWords(c *cli.Command) []string {
	out := []string{"--help"}
	for _, f := range c.Flags {
		out = append(out, "--"+f.Names()[0])
	}
	sort.Strings(out)
	return slices.Compact(out)
}

// names returns what commands are called.
func names(commands []*cli.Command) []string {
	var out []string
	for _, c := range commands {
		out = append(out, c.Name)
	}
	return out
}

// shells are those that there is a script for.
func shells() []string { return []string{"bash", "fish", "zsh"} }

// folders are the flags whose values are folders.
func folders() []string { return []string{"run", "rerun", "image-root"} }

// valueWords returns the words that a flag may be, where it may not be any text.
func valueWords(flag string) []string {
	switch flag {
	case "device":
		return []string{"auto", "cpu", "cuda", "cuda:0"}
	case "from":
		return dataset.Kinds()
	}
	for _, rows := range [][]setting.Row{newSettings(setting.Default).rows(), newPlanSettings().rows(), newExplainPlanSettings().rows()} {
		for _, r := range rows {
			if w := r.Words(); r.Name == flag && len(w) > 0 {
				return w
			}
		}
	}
	return nil
}

// takesValue reports whether a flag is followed by one.
func takesValue(f cli.Flag) bool {
	_, is := f.(*cli.BoolFlag)
	return !is
}

// valued returns the flags of all commands that take a value, each once.
func valued(commands []*cli.Command) []string {
	var out []string
	for _, c := range commands {
		out = append(out, valued(c.Subcommands)...)
		for _, f := range c.Flags {
			if takesValue(f) {
				out = append(out, f.Names()[0])
			}
		}
	}
	sort.Strings(out)
	return slices.Compact(out)
}

// fishQuoted quotes text for fish, in which only the backslash and the quote itself are special between single quotes.
func fishQuoted(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`, "\n", " ").Replace(s) + "'"
}

func fish(commands []*cli.Command) string {
	var b strings.Builder
	for _, c := range commands {
		fmt.Fprintf(&b, "complete -c contig-gpu -n __fish_use_subcommand -f -a %s -d %s\n", c.Name, fishQuoted(c.Usage))
		fishFlags(&b, c.Name, c)
		for _, s := range c.Subcommands {
			fmt.Fprintf(&b, "complete -c contig-gpu -n '__fish_seen_subcommand_from %s' -f -a %s -d %s\n", c.Name, s.Name, fishQuoted(s.Usage))
			fishFlags(&b, s.Name, s)
		}
	}
	b.WriteString("complete -c contig-gpu -n '__fish_seen_subcommand_from completion' -f -a 'bash fish zsh'\n")
	fmt.Fprintf(&b, "complete -c contig-gpu -n '__fish_seen_subcommand_from %s' -f -a '(__fish_complete_directories)'\n", strings.Join(takingFolders(commands), " "))
	return b.String()
}

// fishFlags writes the flags of a command, with their descriptions and values.
func fishFlags(b *strings.Builder, command string, c *cli.Command) {
	for _, f := range c.Flags {
		name, more := f.Names()[0], ""
		switch w := valueWords(name); {
		case len(w) > 0:
			more = " -x -a " + fishQuoted(strings.Join(w, " "))
		case slices.Contains(folders(), name):
			more = " -x -a '(__fish_complete_directories)'"
		case takesValue(f):
			more = " -r"
		}
		usage := ""
		if d, ok := f.(cli.DocGenerationFlag); ok {
			usage = d.GetUsage()
		}
		fmt.Fprintf(b, "complete -c contig-gpu -n '__fish_seen_subcommand_from %s' -l %s%s -d %s\n", command, name, more, fishQuoted(usage))
	}
}
