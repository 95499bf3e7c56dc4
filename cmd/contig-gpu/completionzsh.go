package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// zshQuoted quotes text for zsh, in which nothing but the quote itself is special between single quotes.
func zshQuoted(s string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(s, "\n", " "), "'", `'\''`) + "'"
}

// zsh is a completion function by _describe and _arguments, with descriptions: to be sourced, or put into a folder of $fpath as _contig-gpu.
func zsh(commands []*cli.Command) string {
	var b strings.Builder
	b.WriteString("#compdef contig-gpu\n_contig_gpu() {\n  local -a commands\n")
	zshCommands(&b, "  ", commands)
	b.WriteString("  if (( CURRENT == 2 )); then _describe command commands; return; fi\n  shift words\n  (( CURRENT-- ))\n  case $words[1] in\n")
	for _, c := range commands {
		fmt.Fprintf(&b, "    %s)\n", c.Name)
		if len(c.Subcommands) > 0 {
			zshCommands(&b, "      ", c.Subcommands)
			b.WriteString("      if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then _describe command commands; return; fi\n      case $words[2] in\n")
			for _, s := range c.Subcommands {
				fmt.Fprintf(&b, "        %s)\n          shift words\n          (( CURRENT-- ))\n", s.Name)
				zshFlags(&b, "          ", s)
				b.WriteString("          return ;;\n")
			}
			b.WriteString("      esac\n")
		}
		zshFlags(&b, "      ", c)
		b.WriteString("      ;;\n")
	}
	b.WriteString("  esac\n}\nif [[ $zsh_eval_context[-1] == loadautofunc ]]; then _contig_gpu \"$@\"; else compdef _contig_gpu contig-gpu; fi\n")
	return b.String()
}

// zshCommands writes the array commands, each as name:description.
func zshCommands(b *strings.Builder, indent string, commands []*cli.Command) {
	fmt.Fprintf(b, "%scommands=(", indent)
	for _, c := range commands {
		fmt.Fprintf(b, "\n%s  %s", indent, zshQuoted(c.Name+":"+c.Usage))
	}
	fmt.Fprintf(b, "\n%s)\n", indent)
}

// zshFlags writes the call of _arguments for a command's flags, and for what may stand behind them.
func zshFlags(b *strings.Builder, indent string, c *cli.Command) {
	fmt.Fprintf(b, "%s_arguments", indent)
	special := strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, ":", `\:`)
	for _, f := range c.Flags {
		name, usage := f.Names()[0], ""
		if d, ok := f.(cli.DocGenerationFlag); ok {
			usage = d.GetUsage()
		}
		spec := fmt.Sprintf("--%s[%s]", name, special.Replace(usage))
		switch w := valueWords(name); {
		case !takesValue(f):
		case len(w) > 0:
			spec += fmt.Sprintf(":%s:(%s)", name, strings.Join(w, " "))
		case slices.Contains(folders(), name):
			spec += ":folder:_files -/"
		default:
			spec += fmt.Sprintf(":%s:_files", name)
		}
		fmt.Fprintf(b, " \\\n%s  %s", indent, zshQuoted(spec))
	}
	switch {
	case c.Name == "completion":
		fmt.Fprintf(b, " \\\n%s  '1:shell:(bash fish zsh)'", indent)
	case c.ArgsUsage != "":
		fmt.Fprintf(b, " \\\n%s  '*:folder:_files -/'", indent)
	}
	b.WriteString("\n")
}
