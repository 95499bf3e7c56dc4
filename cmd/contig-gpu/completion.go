package main

import (
	"fmt"
	"sort"
	"strings"

	"github.com/urfave/cli/v2"
)

func completionCommand() *cli.Command {
	return &cli.Command{
		Name: "completion", Usage: "print a completion script for bash, zsh or fish", ArgsUsage: "bash|zsh|fish",
		Description: "bash: source <(contig-gpu completion bash)\nzsh:  source <(contig-gpu completion zsh)\nfish: contig-gpu completion fish | source",
		Action: func(c *cli.Context) error {
			if c.NArg() > 1 {
				return usagef("completion: one shell, not %d", c.NArg())
			}
			script, err := completion(c.Args().First(), c.App.Commands)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(c.App.Writer, script)
			return err
		},
	}
}

func completion(shell string, commands []*cli.Command) (string, error) {
	switch shell {
	case "bash":
		return bash(commands), nil
	case "zsh":
		return "autoload -U +X bashcompinit && bashcompinit\n" + bash(commands), nil
	case "fish":
		return fish(commands), nil
	}
	return "", usagef("completion: %q is not a shell that is known; bash, zsh and fish are", shell)
}

// words returns what may follow a command: its subcommands and its flags.
func words(c *cli.Command) []string {
	var out []string
	for _, s := range c.Subcommands {
		out = append(out, s.Name)
		out = append(out, words(s)...)
	}
	for _, f := range c.Flags {
		out = append(out, "--"+f.Names()[0])
	}
	sort.Strings(out)
	return out
}

func bash(commands []*cli.Command) string {
	var b strings.Builder
	b.WriteString("_contig_gpu() {\n  local cur=${COMP_WORDS[COMP_CWORD]} words\n  case ${COMP_CWORD}:${COMP_WORDS[1]} in\n")
	names := make([]string, len(commands))
	for i, c := range commands {
		names[i] = c.Name
	}
	fmt.Fprintf(&b, "    1:*) words='%s' ;;\n", strings.Join(names, " "))
	for _, c := range commands {
		fmt.Fprintf(&b, "    *:%s) words='%s' ;;\n", c.Name, strings.Join(words(c), " "))
	}
	b.WriteString("  esac\n  COMPREPLY=( $(compgen -W \"$words\" -- \"$cur\") )\n}\ncomplete -o default -F _contig_gpu contig-gpu\n")
	return b.String()
}

func fish(commands []*cli.Command) string {
	var b strings.Builder
	for _, c := range commands {
		fmt.Fprintf(&b, "complete -c contig-gpu -n __fish_use_subcommand -f -a %s -d %q\n", c.Name, c.Usage)
		for _, w := range words(c) {
			if name, flag := strings.CutPrefix(w, "--"); flag {
				fmt.Fprintf(&b, "complete -c contig-gpu -n '__fish_seen_subcommand_from %s' -l %s\n", c.Name, name)
			} else {
				fmt.Fprintf(&b, "complete -c contig-gpu -n '__fish_seen_subcommand_from %s' -f -a %s\n", c.Name, w)
			}
		}
	}
	return b.String()
}
