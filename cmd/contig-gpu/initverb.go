package main

import (
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"contig-gpu/data/folder"

	"github.com/urfave/cli/v2"
)

// initCommand writes the two files that a training begins with, as far as names of files tell.
func initCommand() *cli.Command {
	return &cli.Command{
		Name: "init", Usage: "write images.tsv and a data.toml to begin with, from folders of images and genetics",
		Description: "Of each image the participant is what stands before the first _ of its name, or before its ending. UK Biobank's names (1000040_21015_0_0.png) give eye and visit too.\n" +
			"Look at both files before you go on: check then reads everything that they name.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "images", Usage: "folder of JPEG and PNG files, with all below it"},
			&cli.StringFlag{Name: "genotypes", Usage: "genotype files or their prefix, such as geno/chr{1..22}"},
			&cli.StringFlag{Name: "scores", Usage: "scores of plink2, such as pgs/*.sscore"},
			&cli.StringFlag{Name: "burden", Usage: "table of burdens, a column per gene"},
			&cli.StringFlag{Name: "out", Value: ".", Usage: "folder for images.tsv and data.toml"},
			&cli.BoolFlag{Name: "overwrite", Usage: "replace files that init wrote"},
		}, talkFlags()...),
		Action: initAction,
	}
}

// initHead begins data.toml, by which one of ours is known.
const initHead = "# Written by contig-gpu init. Every section is optional, at least one is needed; docs/file-formats.md has all keys.\n"

func initAction(c *cli.Context) error {
	photos, err := need(c, "images")
	if err != nil {
		return err
	}
	if c.String("genotypes")+c.String("scores")+c.String("burden") == "" {
		return usagef("init: --genotypes, --scores or --burden is required: there is nothing to contrast images with")
	}
	dir := c.String("out")
	manifest, toml := folder.File{Path: filepath.Join(dir, "images.tsv"), Overwrite: c.Bool("overwrite"), Ours: beginsWith("person_id\timage\teye\tvisit\n")},
		folder.File{Path: filepath.Join(dir, "data.toml"), Overwrite: c.Bool("overwrite"), Ours: beginsWith(initHead)}
	for _, f := range []folder.File{manifest, toml} {
		if err := f.Check(); err != nil {
			return err
		}
	}
	rows, strange, err := photographs(photos, dir)
	if err != nil {
		return err
	}
	if len(rows) == 1 {
		return usagef("init: --images %s: there is no JPEG or PNG file below it", photos)
	}
	undo, err := manifest.Parents()
	if err != nil {
		return err
	}
	text, err := firstTOML(c, dir)
	if err == nil {
		err = writeLines(manifest.Path, rows)
	}
	if err == nil {
		err = writePrivate(toml.Path, func(w io.Writer) error { _, err := io.WriteString(w, text); return err })
	}
	if err != nil {
		undo()
		return err
	}
	said := fmt.Sprintf("wrote %s (%d images) and %s\n", manifest.Path, len(rows)-1, toml.Path)
	if strange > 0 {
		said += fmt.Sprintf("left out, by their names neither JPEG nor PNG: %d\n", strange)
	}
	next := []string{"check", "--images", manifest.Path, "--data", toml.Path}
	said += "look at both, then:\n  contig-gpu " + shellWords(next) + "\n"
	return result(c, said, map[string]any{"images": manifest.Path, "data": toml.Path, "rows": len(rows) - 1, "left_out": strange, "next": next})
}

// beginsWith returns what reports whether a file begins with a text.
func beginsWith(text string) func(io.Reader) bool {
	return func(r io.Reader) bool {
		b := make([]byte, len(text))
		_, err := io.ReadFull(r, b)
		return err == nil && string(b) == text
	}
}

// biobank is a name of UK Biobank: participant, field (21015 is the left eye, 21016 the right), visit, number.
var biobank = regexp.MustCompile(`^([^_]+)_(2101[56])_(\d+)_\d+$`)

// photographs returns the lines of images.tsv for the images below a folder, by paths from dir, and how many other files there are.
func photographs(photos, dir string) (rows [][]string, strange int, err error) {
	rows = [][]string{{"person_id", "image", "eye", "visit"}}
	err = filepath.WalkDir(photos, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		ext := filepath.Ext(path)
		switch strings.ToLower(ext) {
		case ".jpg", ".jpeg", ".png":
		default:
			strange++
			return nil
		}
		from, err := from(dir, path)
		if err != nil {
			return err
		}
		stem := strings.TrimSuffix(e.Name(), ext)
		id, _, _ := strings.Cut(stem, "_")
		row := []string{id, from, "", ""}
		if m := biobank.FindStringSubmatch(stem); m != nil {
			row[2], row[3] = map[string]string{"21015": "L", "21016": "R"}[m[2]], m[3]
		}
		rows = append(rows, row)
		return nil
	})
	return rows, strange, err
}

// from returns a path as a file in dir names it.
func from(dir, path string) (string, error) {
	if filepath.IsAbs(path) {
		return path, nil
	}
	rel, err := filepath.Rel(dir, path)
	return filepath.ToSlash(rel), err
}

// firstTOML is a data.toml with what is given, and remarks.
func firstTOML(c *cli.Context, dir string) (string, error) {
	text := initHead
	for _, s := range []struct{ flag, section, key, remark string }{
		{"genotypes", "snps", "files", "# .bed, .pgen, .bgen, .vcf.gz or .bcf, or their prefix; {1..22} expands\n"},
		{"scores", "pgs", "sscore", "# one file or column is one score\n"},
		{"burden", "burden", "table", "# person_id and a column per gene; text, Parquet, .npy or HDF5\n"},
	} {
		path := c.String(s.flag)
		if path == "" {
			continue
		}
		path, err := from(dir, path)
		if err != nil {
			return "", err
		}
		text += fmt.Sprintf("\n[%s]\n%s%s = %s\n", s.section, s.remark, s.key, strconv.Quote(path))
		if s.flag == "genotypes" {
			text += "# select = {every = 100, restart = \"file\"}   every hundredth variant: a million are too many for a first try\n"
		}
	}
	return text + "\n[split]                     # of participants; a column group in images.tsv keeps relatives together\ntrain = 0.7\nval = 0.1\ntest = 0.2\nseed = 42\n", nil
}
