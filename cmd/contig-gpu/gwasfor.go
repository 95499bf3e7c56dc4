package main

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"contig-gpu/data/folder"
	"contig-gpu/data/genotype"
)

// writeFor writes features, covariates, who is analysed and a script for each program, into private/ since they hold ids. Ids are those of the genotypes; separators are single spaces, line
// ends LF; names of columns are letters, digits and _.
func (g *gwas) writeFor(dir string) error {
	dir = filepath.Join(dir, "private")
	if err := makePrivate(dir); err != nil {
		return err
	}
	for name, lines := range map[string][]string{"features.txt": g.featureLines(), "covar.txt": g.covariateLines(), "keep.txt": g.keepLines(), "saige.txt": g.saigeLines()} {
		if name == "covar.txt" && g.table == nil || name == "saige.txt" && !strings.Contains(strings.Join(g.o.writeFor, ","), "saige") {
			continue
		}
		if err := writePrivate(filepath.Join(dir, name), func(w io.Writer) error {
			_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
			return err
		}); err != nil {
			return err
		}
	}
	for _, program := range g.o.writeFor {
		path := filepath.Join(dir, "run_"+program+".sh")
		if err := folder.WriteFile(path, 0o700, func(w io.Writer) error { _, err := io.WriteString(w, g.script(program)); return err }); err != nil {
			return err
		}
	}
	return nil
}

// familyID is the FID that programs read of the genotypes: 0 where there is none.
func familyID(p genotype.Person) string { return orZero(p.FID) }

func (g *gwas) person(i int) genotype.Person { return g.set.People[g.persons[i].genotypes] }

func plainNumber(v float64) string {
	if math.IsNaN(v) {
		return "NA"
	}
	text := strconv.FormatFloat(v, 'g', 10, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0" // never -9, which plink takes for missing
	}
	return text
}

func (g *gwas) featureLines() []string {
	lines := []string{"FID IID " + strings.Join(g.traits, " ")}
	for i := range g.persons {
		line := familyID(g.person(i)) + " " + g.person(i).IID
		for _, y := range g.values {
			line += " " + plainNumber(y[i])
		}
		lines = append(lines, line)
	}
	return lines
}

// A writtenCovariate is a column as it is written: numbers standardised, categories 1 to k.
type writtenCovariate struct {
	name       string
	categories bool
	values     []float64
}

func (g *gwas) written() []writtenCovariate {
	if g.table == nil {
		return nil
	}
	var out []writtenCovariate
	for k, c := range g.table.Columns {
		w := writtenCovariate{name: plainName(c.Name, k), categories: c.Levels != nil}
		for _, p := range g.persons {
			w.values = append(w.values, c.Values[p.covariates])
		}
		if !w.categories {
			standardise(w.values)
		}
		out = append(out, w)
	}
	return out
}

// plainName is a name of letters, digits and _ that begins with a letter, as R and all programs keep it.
func plainName(name string, k int) string {
	text := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, name)
	if text == "" || text != name || text[0] >= '0' && text[0] <= '9' || text[0] == '_' {
		text = fmt.Sprintf("C%d_%s", k+1, text)
	}
	return text
}

func standardise(x []float64) {
	n, sum, sq := 0.0, 0.0, 0.0
	for _, v := range x {
		if !math.IsNaN(v) {
			n, sum = n+1, sum+v
		}
	}
	mean := sum / n
	for _, v := range x {
		if !math.IsNaN(v) {
			sq += (v - mean) * (v - mean)
		}
	}
	sd := math.Sqrt(sq / n)
	for i := range x {
		if x[i] -= mean; sd > 0 {
			x[i] /= sd
		}
	}
}

func (g *gwas) covariateLines() []string {
	columns := g.written()
	head := "FID IID"
	for _, c := range columns {
		head += " " + c.name
	}
	lines := []string{head}
	for i := range g.persons {
		line := familyID(g.person(i)) + " " + g.person(i).IID
		for _, c := range columns {
			line += " " + c.cell(i)
		}
		lines = append(lines, line)
	}
	return lines
}

// cell is a value: of categories a word, so that plink2 sees that it is none of numbers and regenie and SAIGE a level.
func (c writtenCovariate) cell(i int) string {
	if c.categories && !math.IsNaN(c.values[i]) {
		return "k" + strconv.Itoa(int(c.values[i]))
	}
	return plainNumber(c.values[i])
}

func (g *gwas) keepLines() []string {
	var lines []string
	for i := range g.persons {
		lines = append(lines, familyID(g.person(i))+" "+g.person(i).IID)
	}
	return lines
}

// saigeLines are one table of all, by IID.
func (g *gwas) saigeLines() []string {
	columns := g.written()
	head := "IID " + strings.Join(g.traits, " ")
	for _, c := range columns {
		head += " " + c.name
	}
	lines := []string{head}
	for i := range g.persons {
		line := g.person(i).IID
		for _, y := range g.values {
			line += " " + plainNumber(y[i])
		}
		for _, c := range columns {
			line += " " + c.cell(i)
		}
		lines = append(lines, line)
	}
	return lines
}

// writePrivate writes the traits of each person.
func (g *gwas) writePrivate(dir string) error {
	dir = filepath.Join(dir, "private")
	if err := makePrivate(dir); err != nil {
		return err
	}
	lines := [][]string{append([]string{"person_id"}, g.traits...)}
	for i, p := range g.persons {
		line := []string{g.rows.IDs[p.features]}
		for _, y := range g.values {
			line = append(line, plainNumber(y[i]))
		}
		lines = append(lines, line)
	}
	return writeLines(filepath.Join(dir, "traits.tsv"), lines)
}

// genotypePrefixes are the files, as absolute paths and without what their names end in.
func (g *gwas) genotypePrefixes() []string {
	var out []string
	about, _ := g.set.Files()
	for _, a := range about {
		path, err := filepath.Abs(a.Path)
		if err != nil {
			path = a.Path
		}
		out = append(out, strings.TrimSuffix(path, filepath.Ext(path)))
	}
	return out
}

// genotypeFormat is what the name of the first file ends in.
func (g *gwas) genotypeFormat() string {
	about, _ := g.set.Files()
	return strings.TrimPrefix(filepath.Ext(about[0].Path), ".")
}
