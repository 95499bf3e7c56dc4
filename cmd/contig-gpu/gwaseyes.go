package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"contig-gpu/data"
	rowsof "contig-gpu/data/embedded"
	"contig-gpu/data/folder"
	"contig-gpu/data/table"
	"contig-gpu/model/assoc"
)

// eyes tests the index variants in features of left and right eyes apart: an effect on what is measured has one sign in both, one of the camera or of chance need not.
func (g *gwas) eyes(ctx context.Context, dir string) error {
	if g.o.images == "" {
		return nil
	}
	eye, err := readEyes(g.o.images)
	if err != nil {
		return err
	}
	images, err := rowsof.Images(g.o.features)
	if err != nil {
		return err
	}
	var sides [2][]assoc.Result
	var counts [2]int
	variants := g.indexVariants()
	for side, letter := range []string{"L", "R"} {
		study, err := g.eyeStudy(images, eye, letter)
		if err != nil {
			return err
		}
		if counts[side] = len(study.Persons); counts[side] <= len(g.design)+2 {
			return &data.Problem{Code: codeEyes, File: g.o.images, What: "too few persons have features of a " + map[string]string{"L": "left", "R": "right"}[letter] + " eye", Expected: fmt.Sprintf("more than %d", len(g.design)+2),
				Found: fmt.Sprint(counts[side]), Cause: "a manifest without the column eye, or of other images", Fix: "give the manifest that embed was given, with L and R, or leave out --images"}
		}
		scan, err := assoc.NewScan(g.cpu, study, len(g.set.People), g.scanOptions())
		if err != nil {
			return err
		}
		err = scan.Run(ctx, g.set, variants, nil, func(b assoc.Block) error { sides[side] = append(sides[side], b.Results...); return nil })
		scan.Close()
		if err != nil {
			return err
		}
	}
	return folder.WriteFile(filepath.Join(dir, "eyes.tsv"), 0o644, func(w io.Writer) error { return writeFields(w, g.eyeTable(variants, sides)) })
}

func (g *gwas) indexVariants() []int {
	var out []int
	for _, c := range g.clumps {
		out = append(out, c.Index)
	}
	slices.Sort(out)
	return out
}

func (g *gwas) eyeTable(variants []int, sides [2][]assoc.Result) [][]string {
	lines := [][]string{{"id", "feature", "beta_left", "se_left", "neglog10p_left", "n_left", "beta_right", "se_right", "neglog10p_right", "n_right", "same_direction"}}
	for i, v := range variants {
		k := int(g.best[v])
		line := []string{g.uniqueID(v), g.traits[k]}
		for _, s := range sides {
			r := s[i*len(g.traits)+k]
			line = append(line, string(appendValue(nil, r.Beta)), string(appendValue(nil, r.SE)), string(appendValue(nil, r.NegLog10P)), strconv.Itoa(r.N))
		}
		same := "NA"
		if a, b := sides[0][i*len(g.traits)+k].Beta, sides[1][i*len(g.traits)+k].Beta; a*b == a*b {
			same = map[bool]string{true: "1", false: "0"}[a*b > 0]
		}
		lines = append(lines, append(line, same))
	}
	return lines
}

// readEyes returns the eye of each image of a manifest, by the image as it is written: L or R.
func readEyes(path string) (map[string]string, error) {
	l, err := table.OpenTable(path)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	out := map[string]string{}
	image, eye := -1, -1
	var f []string
	for l.Next() {
		if f = l.Fields(f); image < 0 {
			if image, eye = slices.Index(f, "image"), slices.Index(f, "eye"); image < 0 || eye < 0 {
				return nil, &data.Problem{Code: codeEyes, File: path, Line: l.Line(), What: "the manifest does not say which eye an image shows", Expected: "columns image and eye", Found: fmt.Sprintf("%.200s", strings.Join(f, " ")),
					Cause: "another manifest", Fix: "add the column eye, with L and R, or leave out --images"}
			}
			continue
		}
		if image >= len(f) || eye >= len(f) {
			return nil, l.Ragged(max(image, eye)+1, f)
		}
		switch strings.ToUpper(f[eye]) {
		case "L", "LEFT", "OS":
			out[strings.Clone(f[image])] = "L"
		case "R", "RIGHT", "OD":
			out[strings.Clone(f[image])] = "R"
		}
	}
	return out, l.Err()
}

// eyeStudy is the study of one eye: the mean features of a person's images of it, on the components of all.
func (g *gwas) eyeStudy(images *rowsof.Rows, eye map[string]string, letter string) (assoc.Study, error) {
	rows := map[string][]int{}
	for i, name := range images.Images {
		if eye[name] == letter {
			rows[images.IDs[i]] = append(rows[images.IDs[i]], i)
		}
	}
	m, err := images.Open(rowsof.Features)
	if err != nil {
		return assoc.Study{}, err
	}
	defer m.Close()
	var s assoc.Study
	var who []int
	for i, p := range g.persons {
		if len(rows[g.rows.IDs[p.features]]) > 0 {
			who, s.Persons = append(who, i), append(s.Persons, p.genotypes)
		}
	}
	for _, c := range g.design {
		var x []float64
		for _, i := range who {
			x = append(x, c[i])
		}
		s.Covariates = append(s.Covariates, x)
	}
	f := assoc.Features{N: len(who), D: m.Width, Read: func(lo, hi int, dst []float64) error {
		for k := lo; k < hi; k++ {
			if err := meanRow(m, rows[g.rows.IDs[g.persons[who[k]].features]], dst[(k-lo)*m.Width:(k-lo+1)*m.Width]); err != nil {
				return err
			}
		}
		return nil
	}}
	columns, err := g.eyeColumns(f)
	for _, c := range columns {
		s.Traits = append(s.Traits, g.transformedAmong(c, s.Covariates))
	}
	return s, err
}

// eyeColumns are the components of all eyes, or the features that are traits.
func (g *gwas) eyeColumns(f assoc.Features) ([][]float64, error) {
	var columns [][]float64
	var err error
	prefix := "PC"
	if g.pca != nil {
		columns, err = g.pca.Scores(f)
	} else {
		columns, prefix, err = g.columns(f)
	}
	var out [][]float64
	for k, c := range columns {
		if slices.Contains(g.traits, fmt.Sprintf("%s%d", prefix, k+1)) {
			out = append(out, c)
		}
	}
	return out, err
}

func meanRow(m *rowsof.Matrix, rows []int, dst []float64) error {
	buf := make([]float64, len(rows)*m.Width)
	if err := m.Some(rows, buf); err != nil {
		return err
	}
	for j := range dst {
		sum := 0.0
		for i := range rows {
			sum += buf[i*m.Width+j]
		}
		dst[j] = sum / float64(len(rows))
	}
	return nil
}

// transformedAmong is transformed for other persons, with their covariates.
func (g *gwas) transformedAmong(c []float64, design [][]float64) []float64 {
	values, who := completeOf(c, design)
	var columns [][]float64
	for _, x := range design {
		var some []float64
		for _, i := range who {
			some = append(some, x[i])
		}
		columns = append(columns, some)
	}
	switch g.o.transform {
	case intAdjusted:
		values = assoc.InverseNormal(assoc.NewSpan(len(who), columns).Residual(values))
	case intPlain:
		values = assoc.InverseNormal(values)
	}
	out := make([]float64, len(c))
	for i := range out {
		out[i] = math.NaN()
	}
	for k, i := range who {
		out[i] = values[k]
	}
	return out
}

// completeOf are the values of those who have them and all covariates, and who they are.
func completeOf(c []float64, design [][]float64) (values []float64, who []int) {
	for i, v := range c {
		if !math.IsNaN(v) && !slices.ContainsFunc(design, func(x []float64) bool { return math.IsNaN(x[i]) }) {
			values, who = append(values, v), append(who, i)
		}
	}
	return values, who
}
