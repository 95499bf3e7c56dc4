package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// manCommand prints the manual page, made of the same table as --help.
func manCommand() *cli.Command {
	return &cli.Command{
		Name: "man", Usage: "print the manual page: contig-gpu man >contig-gpu.1",
		Action: func(c *cli.Context) error {
			_, err := fmt.Fprint(c.App.Writer, manual(c.App))
			return err
		},
	}
}

// manualDate is the day of the last change to what the page says beside the tables of flags.
const manualDate = "2026-11-29"

// roff escapes text for man(7): hyphens that are to be copied, and what a line may not begin with.
func roff(s string) string {
	lines := strings.Split(strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(strings.TrimSpace(s)), "\n")
	for i, l := range lines {
		l = strings.TrimSpace(l)
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			l = `\&` + l
		}
		lines[i] = l
	}
	return strings.ReplaceAll(strings.Join(lines, "\n.br\n"), "\n.br\n\n.br\n", "\n.PP\n")
}

// manual is the page in man(7).
func manual(app *cli.App) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH CONTIG\\-GPU 1 %s \"contig\\-gpu %s\" \"User Commands\"\n.SH NAME\ncontig\\-gpu \\- %s\n.SH SYNOPSIS\n.B contig\\-gpu\n.I COMMAND\n.RI [ flags ]\n", manualDate, version, roff(app.Usage))
	b.WriteString(".SH DESCRIPTION\nTrains image encoders by contrasting images with the genetics of the persons that they were taken from.\n" +
		"Flags are given as \\-\\-name value or \\-\\-name=value; true and false only behind an equals sign.\n.SH COMMANDS\n")
	for _, c := range app.Commands {
		manCommandText(&b, c.Name, c)
		for _, s := range c.Subcommands {
			manCommandText(&b, c.Name+" "+s.Name, s)
		}
	}
	b.WriteString(".SH EXIT STATUS\n.TP\n0\ndone\n.TP\n1\na numbered error, of what was read or of the system\n.TP\n2\nwrong usage\n.TP\n128+N\nstopped by signal N; a training has written a checkpoint\n" +
		".SH ENVIRONMENT\n.TP\nXDG_CACHE_HOME\nwhere the demo cohort, digests of images, and plans and kernels of a GPU are kept (default: ~/.cache)\n" +
		".SH EXAMPLES\n.nf\ncontig\\-gpu train\ncontig\\-gpu check \\-\\-images images.tsv \\-\\-data data.toml\ncontig\\-gpu train \\-\\-images images.tsv \\-\\-data data.toml \\-\\-run run1 \\-\\-dry\\-run\n" +
		"contig\\-gpu train \\-\\-run run1 \\-\\-resume\ncontig\\-gpu embed \\-\\-run run1 \\-\\-images images.tsv \\-\\-out emb\n.fi\n")
	return b.String()
}

// manCommandText writes a command with its description and flags.
func manCommandText(b *strings.Builder, name string, c *cli.Command) {
	fmt.Fprintf(b, ".SS %s\n%s.\n", roff(strings.TrimSpace(name+" "+c.ArgsUsage)), roff(c.Usage))
	if c.Description != "" {
		fmt.Fprintf(b, ".PP\n%s\n", roff(c.Description))
	}
	for _, f := range c.Flags {
		d, ok := f.(cli.DocGenerationFlag)
		if !ok || f.Names()[0] == "help" {
			continue
		}
		word, usage := "", d.GetUsage()
		if takesValue(f) {
			word = "value"
			if _, rest, found := strings.Cut(usage, "`"); found {
				word, _, _ = strings.Cut(rest, "`")
				usage = strings.ReplaceAll(usage, "`", "")
			}
			word = " \\fI" + roff(word) + "\\fR"
		}
		fmt.Fprintf(b, ".TP\n\\fB%s\\fR%s\n%s", roff("--"+f.Names()[0]), word, roff(usage))
		if text := strings.Trim(d.GetDefaultText(), `"`); text != "" && text != "false" {
			fmt.Fprintf(b, " (default: %s)", roff(text))
		}
		b.WriteString("\n")
	}
}
