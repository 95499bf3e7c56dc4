package main

import (
	"bytes"
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/model/explain/saliency"
)

// energyRatio returns the mean energy, the squared value, of a map inside a mask over that of the pixels that the photograph shows, which is what a
// random mask of the same size among them has on average. Where the map is 0 it is 0.
func energyRatio(m []float64, mask, shown []bool) float64 {
	inside, all, n, of := 0.0, 0.0, 0, 0
	for i, v := range m {
		if mask[i] {
			inside, n = inside+v*v, n+1
		}
		if shown[i] {
			all, of = all+v*v, of+1
		}
	}
	if all == 0 || n == 0 {
		return 0
	}
	return inside / float64(n) / (all / float64(of))
}

// pixelsOf decodes an image of the side that maps have, and says of which pixels is holds.
func pixelsOf(t *testing.T, path string, side int, is func(r, g, b uint32) bool) []bool {
	t.Helper()
	img, _, err := image.Decode(bytes.NewReader(read(t, path)))
	if err != nil || img.Bounds().Dx() != side || img.Bounds().Dy() != side {
		t.Fatalf("%s: %v, want %d x %d pixels", path, err, side, side)
	}
	out := make([]bool, side*side)
	for i := range out {
		r, g, b, _ := img.At(i%side, i/side).RGBA()
		out[i] = is(r, g, b)
	}
	return out
}

// TestMapEnergy holds the maps of a run of explain to masks that synth wrote: scripts/explain_maps.sh runs it. CONTIG_MAPS has a line for each matrix: its path
// without .npy, masks.tsv, the class, and what the mean ratio over persons must be at least.
func TestMapEnergy(t *testing.T) {
	lines := strings.Fields(strings.ReplaceAll(os.Getenv("CONTIG_MAPS"), "\n", " "))
	if len(lines) == 0 {
		t.Skip("scripts/explain_maps.sh trains, explains, and names the maps in CONTIG_MAPS")
	}
	if len(lines)%4 != 0 {
		t.Fatalf("CONTIG_MAPS: %q, want four fields a line", lines)
	}
	for ; len(lines) > 0; lines = lines[4:] {
		path, table, class := lines[0], lines[1], lines[2]
		least := toFloat(t, lines[3])
		masks := map[string]string{}
		_, rows := tsv(t, table)
		for _, r := range rows {
			if r[1] == class {
				masks[filepath.Join(filepath.Dir(table), r[0])] = filepath.Join(filepath.Dir(table), r[2])
			}
		}
		_, who := tsv(t, path+".tsv")
		values := floatsOf(t, path+".npy")
		side := 1
		for side*side*len(who) < len(values) {
			side++
		}
		sum, fewest := 0.0, 1e300
		for k, r := range who {
			mask := pixelsOf(t, masks[r[2]], side, func(r, _, _ uint32) bool { return r > 0 })
			shown := pixelsOf(t, r[2], side, func(r, g, b uint32) bool { return r+g+b > 0x2000 })
			ratio := energyRatio(values[k*side*side:(k+1)*side*side], mask, shown)
			sum, fewest = sum+ratio, min(fewest, ratio)
		}
		mean := sum / float64(len(who))
		t.Logf("%s: energy inside of the %s %.1f times a random mask's, of %d images, the least %.1f", filepath.Base(path), class, mean, len(who), fewest)
		if !(mean >= least) {
			t.Errorf("%s, %s: %.2f, want at least %g", filepath.Base(path), class, mean, least)
		}
	}
}

// TestEnergyRatio: of a map that is a mask it is one over the mask's share, of noise about 1, and nothing outside of the photograph counts.
func TestEnergyRatio(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	n := 4000
	mask, shown, inside, noise := make([]bool, n), make([]bool, n), make([]float64, n), make([]float64, n)
	for i := range n {
		mask[i], shown[i], noise[i] = i < 400, i < 2000, r.NormFloat64()
		if mask[i] {
			inside[i] = -2
		}
	}
	if got := energyRatio(inside, mask, shown); got != 5 {
		t.Errorf("a map of the mask alone: %v, want 5", got)
	}
	if got := energyRatio(noise, mask, shown); got < 0.8 || got > 1.25 {
		t.Errorf("noise: %v, want about 1", got)
	}
	if got := energyRatio(make([]float64, n), mask, shown); got != 0 {
		t.Errorf("nothing: %v, want 0", got)
	}
}

// TestOverlay: with a sign what raises f is red and what lowers it blue; without one both are amber. What does nothing is the photograph in grey, half the heat half the
// colour, and a map of one pixel is seen.
func TestOverlay(t *testing.T) {
	h := heat{base: make([]float32, 300), Map: saliency.NewMap(10, 10)}
	h.V[11], h.V[22], h.V[33] = 3, -3, 1.5
	at := func(i int, signed bool) (r, g, b int) {
		x, y, z, _ := overlay(h, 10, signed).At(i%10, i/10).RGBA()
		return int(x >> 8), int(y >> 8), int(z >> 8)
	}
	if r, g, b := at(50, true); r != g || g != b || r == 0 {
		t.Errorf("no heat: %d %d %d", r, g, b)
	}
	if r, _, b := at(11, true); r < 150 || r < 2*b {
		t.Errorf("above 0: red %d, blue %d", r, b)
	}
	if r, _, b := at(22, true); b < 150 || b < 2*r {
		t.Errorf("below 0: red %d, blue %d", r, b)
	}
	strong, _, _ := at(11, true)
	if weak, _, b := at(33, true); !(weak < strong && weak > b) {
		t.Errorf("half as much: red %d, blue %d, the strongest %d", weak, b, strong)
	}
	r0, g0, b0 := at(11, false)
	if r, g, b := at(22, false); r != r0 || g != g0 || b != b0 || g < 2*b {
		t.Errorf("magnitudes: %d %d %d and %d %d %d", r0, g0, b0, r, g, b)
	}
	h.V[22], h.V[33] = 0, 0
	if r, _, b := at(11, true); r < 2*b {
		t.Errorf("one pixel: red %d, blue %d", r, b)
	}
}
