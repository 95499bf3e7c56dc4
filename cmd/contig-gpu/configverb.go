package main

import (
	"fmt"

	"contig-gpu/cmd/internal/config"
	"contig-gpu/model/setting"

	"github.com/urfave/cli/v2"
)

// configCommand prints settings without training.
func configCommand() *cli.Command {
	own := []cli.Flag{
		&cli.StringFlag{Name: "config", Usage: "TOML file of these flags; flags win over it"},
		&cli.BoolFlag{Name: "diff", Usage: "print only what is not the default"},
	}
	return &cli.Command{
		Name: "config", Usage: "print all settings that train would use, as TOML, with where each comes from; reads no data",
		Description: "What it prints is a file for --config. --recipe paper shows the published settings. The demo's, of train without data, are not shown: --help has them.",
		Flags:       append(own, flags(newSettings(setting.Default).rows())...),
		Action: func(c *cli.Context) error {
			var file config.File
			var err error
			if path := c.String("config"); path != "" {
				if file, err = config.Load(path); err != nil {
					return err
				}
			}
			s, recipe, err := laid(c, file)
			if err != nil {
				return err
			}
			cfg := s.training()
			if err := cfg.Validate(); err != nil {
				return misused("config", err)
			}
			return printSettings(c, s.rows(), newSettings(setting.Default).rows(), file, recipe)
		},
	}
}

// laid lays flags over a file over the recipe that they ask for.
func laid(c *cli.Context, file config.File) (s *settings, recipe string, err error) {
	recipe = setting.Default
	for range 2 { // the first round tells the recipe
		s = newSettings(recipe)
		if err := file.Into(s.rows()); err != nil {
			return nil, "", err
		}
		if err := everyTime(c); err != nil {
			return nil, "", err
		}
		if err := parse(c, s.rows()); err != nil {
			return nil, "", err
		}
		recipe = s.Recipe
	}
	return s, recipe, nil
}

// printSettings prints rows under their headings, each with what it comes from.
func printSettings(c *cli.Context, rows, defaults []setting.Row, file config.File, recipe string) error {
	group := ""
	for i, r := range rows {
		origin := "default"
		switch {
		case c.IsSet(r.Name):
			origin = "flag"
		case file.Has(r.Name):
			origin = "file"
		case r.Text() != defaults[i].Text():
			origin = "recipe " + recipe
		}
		if c.Bool("diff") && r.Text() == defaults[i].Text() {
			continue
		}
		if r.Group != group {
			group = r.Group
			fmt.Fprintf(c.App.Writer, "# %s\n", group)
		}
		if _, err := fmt.Fprintf(c.App.Writer, "%-40s # %s\n", r.Name+" = "+r.Literal(), origin); err != nil {
			return err
		}
	}
	return nil
}
