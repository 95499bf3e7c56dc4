package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// takingFolders are the commands whose arguments are folders, not flags.
func takingFolders(commands []*cli.Command) []string {
	var out []string
	for _, c := range commands {
		if c.ArgsUsage != "" && c.Name != "completion" {
			out = append(out, c.Name)
		}
	}
	return out
}

// bash is a function for complete -F. A value stands behind its flag or an equals sign, which bash takes for a word of its own. Names of files may have spaces.
func bash(commands []*cli.Command) string {
	var b strings.Builder
	b.WriteString(`_contig_gpu() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words
  if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi
  _contig_gpu_paths() { local IFS=$'\n'; compopt -o filenames 2>/dev/null; COMPREPLY=( $(compgen "$1" -- "$cur") ); }
  case $prev in
`)
	for _, name := range valued(commands) {
		switch w := valueWords(name); {
		case len(w) > 0:
			fmt.Fprintf(&b, "    --%s) COMPREPLY=( $(compgen -W '%s' -- \"$cur\") ); return ;;\n", name, strings.Join(w, " "))
		case slices.Contains(folders(), name):
			fmt.Fprintf(&b, "    --%s) _contig_gpu_paths -d; return ;;\n", name)
		default:
			fmt.Fprintf(&b, "    --%s) _contig_gpu_paths -f; return ;;\n", name)
		}
	}
	fmt.Fprintf(&b, "  esac\n  if [[ $COMP_CWORD == 1 ]]; then COMPREPLY=( $(compgen -W '%s help' -- \"$cur\") ); return; fi\n", strings.Join(names(commands), " "))
	b.WriteString("  case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n")
	for _, c := range commands {
		for _, s := range c.Subcommands {
			fmt.Fprintf(&b, "    '%s %s') [[ $COMP_CWORD == 2 ]] && words=%s || words='%s' ;;\n", c.Name, s.Name, s.Name, strings.Join(flagWords(s), " "))
		}
	}
	fmt.Fprintf(&b, "    'help '*) words='%s' ;;\n    'completion '*) words='%s' ;;\n", strings.Join(names(commands), " "), strings.Join(append(shells(), "--install", "--help"), " "))
	for _, c := range commands {
		switch {
		case c.Name == "completion":
		case len(c.Subcommands) > 0 && len(c.Flags) == 0:
			fmt.Fprintf(&b, "    '%s '*) words='%s' ;;\n", c.Name, strings.Join(names(c.Subcommands), " "))
		case len(c.Subcommands) > 0:
			fmt.Fprintf(&b, "    '%s '*) [[ $COMP_CWORD == 2 && $cur != -* ]] && words='%s' || words='%s' ;;\n", c.Name, strings.Join(names(c.Subcommands), " "), strings.Join(flagWords(c), " "))
		case c.ArgsUsage != "":
			fmt.Fprintf(&b, "    '%s '*) if [[ $cur != -* ]]; then _contig_gpu_paths -d; return; fi; words='%s' ;;\n", c.Name, strings.Join(flagWords(c), " "))
		default:
			fmt.Fprintf(&b, "    '%s '*) words='%s' ;;\n", c.Name, strings.Join(flagWords(c), " "))
		}
	}
	b.WriteString("  esac\n  COMPREPLY=( $(compgen -W \"$words\" -- \"$cur\") )\n}\ncomplete -o default -F _contig_gpu contig-gpu\n")
	return b.String()
}
