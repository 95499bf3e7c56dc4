package main

import (
	"context"
	"io"
	"math"
	"os"
	"path/filepath"

	"contig-gpu/cmd/internal/progress"
	"contig-gpu/data/folder"
	"contig-gpu/data/genome"
	"contig-gpu/model/assoc"
)

// study is what is scanned; the covariates' column of sex is the user's.
func (g *gwas) study() assoc.Study {
	s := assoc.Study{Traits: g.values, Covariates: g.design}
	for _, p := range g.persons {
		s.Persons = append(s.Persons, p.genotypes)
	}
	return s
}

// scanOptions say which chromosomes are there once.
func (g *gwas) scanOptions() assoc.Options {
	ploidy, male := make([]assoc.Ploidy, len(g.set.Sites)), make([]bool, len(g.set.People))
	for v, p := range placesOf(g.set.Sites) {
		ploidy[v] = p.Ploidy
	}
	for i, p := range g.set.People {
		male[i] = p.Sex == 1
	}
	return assoc.Options{ImputeMean: g.o.imputeMean}.Chromosomes(ploidy, male)
}

// A gwasFile is a table that grows with the scan.
type gwasFile struct {
	path string
	head string
	line func(dst []byte, v int, r []assoc.Result) []byte // one variant
	f    *os.File
}

// scanAll tests every variant and writes the tables.
func (g *gwas) scanAll(ctx context.Context, dir string) error {
	scan, err := assoc.NewScan(g.device, g.study(), len(g.set.People), g.scanOptions())
	if err != nil {
		return err
	}
	defer scan.Close()
	g.scan = scan
	if err := g.sayModel(); err != nil {
		return err
	}
	n := len(g.set.Sites)
	g.lead, g.best, g.raw = make([]float64, n), make([]int32, n), make([][]float32, len(g.traits))
	for k := range g.raw {
		g.raw[k] = make([]float32, n)
	}
	files := g.files(dir)
	for _, f := range files {
		if err := f.begin(); err != nil {
			return err
		}
		defer f.f.Close()
	}
	line := progress.New(g.c.App.ErrWriter)
	defer line.Done()
	g.packers = make([]gwasPacker, scan.Threads())
	lines := func(thread int, b *assoc.Block) error {
		g.note(b)
		return g.packers[thread].pack(files, b)
	}
	err = scan.Run(ctx, g.set, g.set.All(), lines, func(b assoc.Block) error {
		line.Count(b.First+b.Variants, n, "variants tested")
		for i, f := range files {
			if _, err := f.f.Write(b.Text[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := f.end(); err != nil {
			return err
		}
	}
	return nil
}

// sayModel says what the model is, and which covariates add nothing.
func (g *gwas) sayModel() error {
	n, rank := g.scan.Persons(0)
	g.summary.Persons, g.summary.Rank = n, rank
	if err := g.say("%d persons have all covariates; the model has %d covariates of rank %d with the constant", n, len(g.design), rank); err != nil {
		return err
	}
	for _, c := range g.scan.Spare(0) {
		if err := g.say("W953: covariate %s is constant, or a sum of those before it: it adds nothing.", g.names[c]); err != nil {
			return err
		}
	}
	return nil
}

func (f *gwasFile) begin() error {
	var err error
	if f.f, err = os.Create(f.path); err != nil {
		return err
	}
	var b bgzf
	text, err := b.append(nil, []byte(f.head+"\n"))
	if err == nil {
		_, err = f.f.Write(text)
	}
	return err
}

// end ends the file. Who publishes the folder puts it on the disk.
func (f *gwasFile) end() error {
	_, err := io.WriteString(f.f, bgzfEnd)
	return err
}

// note keeps what loci, inflation and figures are made of, of variants that no other thread has.
func (g *gwas) note(b *assoc.Block) {
	for i := range b.Variants {
		v, best, most := b.First+i, -1, math.Inf(-1)
		for k, r := range b.Results[i*b.Traits : (i+1)*b.Traits] {
			g.raw[k][v] = float32(r.NegLog10P)
			if r.NegLog10P > most {
				best, most = k, r.NegLog10P
			}
		}
		g.best[v], g.lead[v] = int32(best), math.NaN()
		if best >= 0 {
			g.lead[v] = max(0, most-math.Log10(float64(b.Traits)))
		}
	}
}

// A gwasPacker is what a thread makes lines with.
type gwasPacker struct {
	z    bgzf
	text []byte
}

// pack makes the lines of a block for each file, and compresses them.
func (w *gwasPacker) pack(files []*gwasFile, b *assoc.Block) error {
	const part = 64 // variants that are compressed together
	if b.Text == nil {
		b.Text = make([][]byte, len(files))
	}
	for i, f := range files {
		b.Text[i] = b.Text[i][:0]
		for lo := 0; lo < b.Variants; lo += part {
			w.text = w.text[:0]
			for v := lo; v < min(b.Variants, lo+part); v++ {
				w.text = f.line(w.text, b.First+v, b.Results[v*b.Traits:(v+1)*b.Traits])
			}
			var err error
			if b.Text[i], err = w.z.append(b.Text[i], w.text); err != nil {
				return err
			}
		}
	}
	return nil
}

// write fills the folder.
func (g *gwas) write(dir string) error {
	if err := g.scanAll(g.c.Context, dir); err != nil {
		return err
	}
	if err := g.loci(g.c.Context, dir); err != nil {
		return err
	}
	if err := g.eyes(g.c.Context, dir); err != nil {
		return err
	}
	if len(g.o.writeFor) > 0 {
		if err := g.writeFor(dir); err != nil {
			return err
		}
	}
	if err := g.writePrivate(dir); err != nil {
		return err
	}
	if err := g.writeSummary(dir); err != nil {
		return err
	}
	return folder.WriteFile(filepath.Join(dir, "report.html"), 0o644, g.writePage)
}

// chromosome is a variant's, as it is written: 1 to 22, X, Y, MT.
func (g *gwas) chromosome(v int) string { return genome.Chromosome(g.set.Sites[v].Chrom) }
