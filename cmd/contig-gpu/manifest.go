package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"contig-gpu/data/dataset"
	"contig-gpu/data/folder"

	"github.com/urfave/cli/v2"
)

// manifestCommand writes the tables of published data sets.
func manifestCommand() *cli.Command {
	return &cli.Command{
		Name: "manifest", Usage: "write images.tsv, labels.tsv and masks.tsv for a published data set, from its folder as people have it", ArgsUsage: "DIR",
		Description: "DIR is read only. The tables name the images where they are, so that nothing is copied: check reads images.tsv, embed and probe go on from it.\n" +
			"docs/datasets.md says of each set which layouts are known and what is made of them.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "from", Usage: strings.Join(dataset.Kinds(), ", ") + "; folders: a folder for each class, in train, val and test or not"},
			&cli.StringFlag{Name: "out", Usage: "folder to make"},
			&cli.BoolFlag{Name: "overwrite", Usage: "replace what manifest made"},
		}, talkFlags()...),
		Action: manifestAction,
	}
}

func manifestAction(c *cli.Context) error {
	kind, err := need(c, "from")
	if err != nil {
		return err
	}
	out, err := need(c, "out")
	if err != nil {
		return err
	}
	switch {
	case !slices.Contains(dataset.Kinds(), kind):
		return usagef("manifest: --from: want %s, found %.200q", strings.Join(dataset.Kinds(), ", "), kind)
	case c.NArg() != 1:
		return usagef("manifest: name one folder: contig-gpu manifest --from %s DIR --out DIR2", kind)
	}
	dir := c.Args().First()
	target := folder.Target{Dir: out, Kind: folder.Manifest, Overwrite: c.Bool("overwrite"), Mode: privateFolder, Inputs: []string{dir}}
	if err := target.Check(); err != nil {
		return err
	}
	set, err := dataset.Read(kind, dir)
	if err != nil {
		return err
	}
	tables, err := manifestTables(set, out)
	if err != nil {
		return err
	}
	err = target.Publish(func(temp string) error {
		for _, t := range tables {
			if err := writeTable(filepath.Join(temp, t.name), t); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return manifestSaid(c, set, out, tables)
}

// A namedTable is a table of lines, and what stands before its header.
type namedTable struct {
	name, before string
	lines        [][]string
}

func writeTable(path string, t namedTable) error {
	return writePrivate(path, func(w io.Writer) error {
		if _, err := io.WriteString(w, t.before); err != nil {
			return err
		}
		return writeFields(w, t.lines)
	})
}

// manifestTables returns the tables of a set, with paths as files in the folder out name them.
func manifestTables(set *dataset.Set, out string) ([]namedTable, error) {
	hasSplit := slices.ContainsFunc(set.Images, func(im dataset.Image) bool { return im.Split != "" })
	images, labels := [][]string{{"person_id", "image", "eye", "visit"}}, [][]string{{"image"}}
	if hasSplit {
		images[0], labels[0] = append(images[0], "split"), append(labels[0], "split")
	}
	labels[0] = append(labels[0], set.Names...)
	for _, im := range set.Images {
		path, err := seenFrom(out, im.Path)
		if err != nil {
			return nil, err
		}
		image, label := []string{im.Person, path, im.Eye, im.Visit}, []string{path}
		if hasSplit {
			image, label = append(image, im.Split), append(label, im.Split)
		}
		images, labels = append(images, image), append(labels, append(label, im.Labels...))
	}
	tables := []namedTable{{name: "images.tsv", lines: images}}
	if len(set.Names) > 0 {
		tables = append(tables, namedTable{name: "labels.tsv", lines: labels})
	}
	if len(set.Masks) == 0 {
		return tables, nil
	}
	masks := [][]string{{"image", "class", "mask"}}
	for _, m := range set.Masks {
		image, err := seenFrom(out, m.Image)
		path := "empty"
		if err == nil && m.Path != "" {
			path, err = seenFrom(out, m.Path)
		}
		if err != nil {
			return nil, err
		}
		masks = append(masks, []string{image, m.Class, path})
	}
	return append(tables, namedTable{name: "masks.tsv", before: "# foreground = " + set.Foreground + "\n", lines: masks}), nil
}

// seenFrom returns a path as files in the folder out name it: relative, or absolute where one of the two is, or out is reached by links, behind which .. leads elsewhere.
func seenFrom(out, path string) (string, error) {
	parent, err := filepath.Abs(filepath.Dir(out))
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(parent)
	linked := err == nil && real != parent
	if st, err := os.Lstat(out); linked || filepath.IsAbs(out) != filepath.IsAbs(path) || err == nil && st.Mode()&os.ModeSymlink != 0 {
		return filepath.Abs(path)
	}
	rel, err := filepath.Rel(out, path)
	return filepath.ToSlash(rel), err
}

// manifestSaid says what was written and left out.
func manifestSaid(c *cli.Context, set *dataset.Set, out string, tables []namedTable) error {
	for _, n := range set.Notes {
		if err := note(c, n); err != nil {
			return err
		}
	}
	persons := map[string]bool{}
	for _, im := range set.Images {
		persons[im.Person] = true
	}
	names := make([]string, len(tables))
	for i, t := range tables {
		names[i] = t.name
	}
	next := []string{"embed", "--images", filepath.Join(out, "images.tsv")}
	said := fmt.Sprintf("wrote %s into %s: %d images of %d participants, %d labels, %d masks\n", strings.Join(names, ", "), out, len(set.Images), len(persons), len(set.Names), len(set.Masks))
	said += "look at the tables; then embed their images, and probe the features:\n  contig-gpu " + shellWords(next) + " --run RUN --out FEATURES\n"
	return result(c, said, map[string]any{"out": out, "files": names, "images": len(set.Images), "persons": len(persons), "labels": set.Names, "masks": len(set.Masks), "notes": set.Notes})
}
