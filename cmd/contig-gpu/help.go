package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"contig-gpu/cmd/internal/progress"

	"github.com/urfave/cli/v2"
)

// Widths of help, in columns.
const (
	helpWidth  = 100 // where w is no terminal, and at most: longer lines are hard to read
	helpNarrow = 70  // below it what a flag means stands under it
	helpFlag   = 26  // the most that a flag takes before what it means
)

// helpWords are what help is asked for by. A value of a flag is never meant by them.
func helpWords() []string { return []string{"--help", "-h", "-help", "--help-all"} }

// helpFor prints help where the arguments ask for it, wherever the word stands: of the command that they begin with, or of the program. It reports whether they did;
// a word that is no command is left to what says so.
func helpFor(w io.Writer, app *cli.App, args []string) (bool, error) {
	if i := slices.Index(args, "--"); i >= 0 {
		args = args[:i]
	}
	if !slices.ContainsFunc(args, func(a string) bool { return slices.Contains(helpWords(), a) }) {
		return false, nil
	}
	h := helpText{columns: helpWidth, all: slices.Contains(args, "--help-all"), name: app.Name}
	if n := progress.Columns(w); n > 0 {
		h.columns = max(20, min(n-1, helpWidth))
	}
	if slices.Contains(helpWords(), args[0]) {
		h.program(app)
	} else {
		c := app.Command(args[0])
		if c == nil {
			return false, nil
		}
		h.name += " " + c.Name
		for _, s := range c.Subcommands {
			if len(args) > 1 && s.Name == args[1] {
				c, h.name = s, h.name+" "+s.Name
				break
			}
		}
		h.command(c)
	}
	_, err := io.WriteString(w, h.String())
	return true, err
}

// A helpText is help that is being written.
type helpText struct {
	strings.Builder
	columns int
	all     bool   // every flag, however many there are
	name    string // with the program's
}

func (h *helpText) program(app *cli.App) {
	h.section("NAME", h.name+" - "+app.Usage)
	h.section("USAGE", app.UsageText)
	h.commands(app.Commands)
	h.section("MORE", "contig-gpu COMMAND --help shows the flags of a command, contig-gpu man the manual page.")
}

func (h *helpText) commands(commands []*cli.Command) {
	var rows [][2]string
	for _, c := range commands {
		rows = append(rows, [2]string{c.Name, c.Usage})
	}
	h.table("COMMANDS", rows)
}

func (h *helpText) command(c *cli.Command) {
	h.section("NAME", h.name+" - "+c.Usage)
	usage := h.name
	if len(c.Subcommands) > 0 {
		usage += " COMMAND"
	}
	h.section("USAGE", strings.TrimSpace(usage+" [flags] "+c.ArgsUsage))
	if c.Description != "" {
		h.section("DESCRIPTION", c.Description)
	}
	if len(c.Subcommands) > 0 {
		h.commands(c.Subcommands)
	}
	h.flags(c)
}

// flags writes those that are used most first, where a command has such, and behind them the others only if they are asked for.
func (h *helpText) flags(c *cli.Command) {
	first, groups, order := usedMost(c.Name), map[string][][2]string{}, []string{}
	var most [][2]string
	add := func(group string, row [2]string) {
		if groups[group] == nil {
			order = append(order, group)
		}
		groups[group] = append(groups[group], row)
	}
	for _, f := range c.Flags {
		name, text := flagHelp(f)
		if name == "" {
			continue
		}
		if slices.Contains(first, f.Names()[0]) {
			most = append(most, [2]string{name, text})
			continue
		}
		group := ""
		if x, ok := f.(cli.CategorizableFlag); ok {
			group = x.GetCategory()
		}
		add(group, [2]string{name, text})
	}
	if len(first) > 0 {
		slices.SortFunc(most, func(a, b [2]string) int { return place(first, a[0]) - place(first, b[0]) })
		h.table("MOST USED", most)
		if rest := len(c.Flags) - len(most); !h.all {
			h.section("MORE", fmt.Sprintf("%s --help-all has all flags, %d more.", h.name, rest))
			return
		}
	}
	for _, group := range order {
		title := "OPTIONS"
		if group != "" {
			title = strings.ToUpper(group)
		}
		h.table(title, groups[group])
	}
	h.table("HELP", [][2]string{{"--help, -h", "show help"}, {"--help-all", "show help with all flags"}})
}

// usedMost are the flags that come first in the help of a command that has many, in their order; without --help-all it has no others.
func usedMost(command string) []string {
	if command == "train" {
		return []string{"images", "data", "run", "resume", "dry-run", "encoder", "image-size", "batch", "epochs", "recipe", "config", "init", "seed", "device", "overwrite"}
	}
	return nil
}

// place is where a flag, as help has it, stands among names.
func place(names []string, flag string) int {
	name, _, _ := strings.Cut(strings.TrimPrefix(flag, "--"), " ")
	return slices.Index(names, strings.TrimSuffix(name, ","))
}

// flagHelp returns how a flag is written and what it means, with its default; "" for help itself, which has its own words.
func flagHelp(f cli.Flag) (name, text string) {
	d, ok := f.(cli.DocGenerationFlag)
	if !ok || f.Names()[0] == "help" {
		return "", ""
	}
	name, text = "--"+f.Names()[0], d.GetUsage()
	if takesValue(f) {
		word := "value"
		if _, rest, found := strings.Cut(text, "`"); found {
			word, _, _ = strings.Cut(rest, "`")
		}
		name += " " + word
	}
	text = strings.ReplaceAll(text, "`", "")
	if standard := strings.Trim(d.GetDefaultText(), `"`); standard != "" && standard != "false" {
		text += " (default: " + standard + ")"
	}
	return name, text
}

// section writes a heading and a text. A line of the text that is too long is wrapped; an example has a line of its own, and what it does the next.
func (h *helpText) section(title, text string) {
	fmt.Fprintf(h, "%s:\n", title)
	for _, l := range strings.Split(strings.TrimSpace(text), "\n") {
		if example, what, is := strings.Cut(l, "   "); is && strings.HasPrefix(l, "contig-gpu ") {
			fmt.Fprintf(h, "   %s\n", example) // whole, to be copied
			h.wrapped("      ", "      ", strings.TrimSpace(what))
			continue
		}
		h.wrapped("   ", "   ", l)
	}
	h.WriteString("\n")
}

// table writes a heading and rows of a word and its meaning.
func (h *helpText) table(title string, rows [][2]string) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(h, "%s:\n", title)
	wide := 0
	for _, r := range rows {
		wide = max(wide, min(helpFlag, utf8.RuneCountInString(r[0])))
	}
	for _, r := range rows {
		if h.columns < helpNarrow || utf8.RuneCountInString(r[0]) > wide {
			indent := strings.Repeat(" ", 3+wide+2)
			if h.columns < helpNarrow {
				indent = "      "
			}
			fmt.Fprintf(h, "   %s\n", r[0])
			h.wrapped(indent, indent, r[1])
			continue
		}
		h.wrapped(fmt.Sprintf("   %-*s  ", wide, r[0]), strings.Repeat(" ", 3+wide+2), r[1])
	}
	h.WriteString("\n")
}

// wrapped writes a text behind first, broken between words, its other lines behind next.
func (h *helpText) wrapped(first, next, text string) {
	if line := first + text; utf8.RuneCountInString(line) <= h.columns {
		h.WriteString(strings.TrimRight(line, " ") + "\n")
		return
	}
	line, empty := first, true
	for _, w := range strings.Fields(text) {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(w) > h.columns {
			h.WriteString(line + "\n")
			line, empty = next, true
		}
		if !empty {
			line += " "
		}
		line, empty = line+w, false
	}
	h.WriteString(line + "\n")
}
