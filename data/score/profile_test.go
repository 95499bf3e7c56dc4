package score

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

const profileHead = "  FID   IID  PHENO    CNT   CNT2 "

// TestProfile: the score of plink 1.9 is its only score, whatever phenotypes stand there.
func TestProfile(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "PGS7.chr1.profile", profileHead+"   SCORE\n   f1    p1     -9    404    194  0.0120792\n   f2    p2     -9    404    190 -1.5e-05\n")
	w, err := Read([]string{path}, "AVG", table.Selection{})
	if err != nil || len(w.Names) != 1 || w.Names[0] != "PGS7" || w.FID[1] != "f2" || w.IID[0] != "p1" || math.Abs(values(w, 2)[1]+1.5e-05) > 1e-10 {
		t.Fatalf("%+v %v", w, err)
	}
	var p *data.Problem
	if _, err := Read([]string{path}, "SUM", table.Selection{}); !errors.As(err, &p) || p.Code != 302 || !strings.Contains(p.Fix, "SUM") {
		t.Error(err)
	}
	path = write(t, dir, "s.profile", profileHead+"SCORESUM\n   f1    p1     -9    404    194  5.07328\n")
	if w, err = Read([]string{path}, "SUM", table.Selection{}); err != nil || math.Abs(values(w, 1)[0]-5.07328) > 1e-6 {
		t.Errorf("%+v %v", w, err)
	}
}

// TestPlink19: what plink 1.9 --score writes is what plink2 writes of the same score.
func TestPlink19(t *testing.T) {
	dir := t.TempDir()
	run := func(program string, args ...string) {
		path, err := exec.LookPath(program)
		if err != nil {
			t.Skip(program + " is not installed: apt-get install plink1.9 plink2")
		}
		cmd := exec.Command(path, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", program, err, out)
		}
	}
	run("plink2", "--dummy", "70", "40", "0.05", "acgt", "--seed", "4", "--make-bed", "--out", "d")
	bim, err := os.ReadFile(filepath.Join(dir, "d.bim"))
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for i, l := range strings.Split(strings.TrimSpace(string(bim)), "\n") {
		f := strings.Fields(l)
		text += fmt.Sprintf("%s %s 0.%d\n", f[1], f[4], 1+i%9)
	}
	write(t, dir, "w", text)
	for kind, modifier := range map[string]string{"AVG": "", "SUM": "sum"} {
		args := []string{"--bfile", "d", "--score", "w", "1", "2", "3", "--out", kind}
		if modifier != "" {
			args = append(args[:7], modifier, "--out", kind)
		}
		run("plink1.9", args...)
		run("plink2", "--bfile", "d", "--score", "w", "1", "2", "3", "cols=+scoresums", "--out", "two")
		a, err := Read([]string{filepath.Join(dir, kind+".profile")}, kind, table.Selection{})
		if err != nil {
			t.Fatal(err)
		}
		b, err := Read([]string{filepath.Join(dir, "two.sscore")}, kind, table.Selection{})
		if err != nil {
			t.Fatal(err)
		}
		x, y := values(a, 70), values(b, 70)
		for i := range x {
			if math.Abs(x[i]-y[i]) > 1e-5*max(1, math.Abs(y[i])) {
				t.Errorf("%s of person %d is %g, and %g", kind, i, x[i], y[i])
			}
		}
	}
}
