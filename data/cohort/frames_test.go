package cohort

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/synth"
)

// framed makes a cohort whose only table is an array of two features, in which a person's number and its double stand; keys are appended to its section.
func framed(t *testing.T, keys string) Options {
	t.Helper()
	d := synth.DefaultDemo()
	d.Persons, d.ImageSize, d.SNPs, d.Scores, d.Genes, d.Covariates = 24, 16, 0, 3, 0, 0
	dir := filepath.Join(t.TempDir(), "cohort")
	s, err := synth.Write(t.Context(), dir, d)
	if err != nil {
		t.Fatal(err)
	}
	ids := "IID\n"
	head := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, 2), }", d.Persons)
	head += strings.Repeat(" ", 63-(10+len(head))%64) + "\n"
	b := append(binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(head))), head...)
	for i := range d.Persons {
		ids += fmt.Sprintf("S%06d\n", i+1)
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(i+1)))
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(2*i+2)))
	}
	for name, text := range map[string]string{"a.npy": string(b), "a_iid.txt": ids, "a_colnames.txt": "one\ntwo\n", "frame.toml": "[labs]\ntable = \"a.npy\"\nstandardize = \"none\"\n" + keys + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Options{Manifest: s.Manifest, DataTOML: filepath.Join(dir, "frame.toml")}
}

// TestArrayOfSection: an array with its lists is a table like any other; what is wrong with keys and shape is said by its number.
func TestArrayOfSection(t *testing.T) {
	const lists = "ids = \"a_iid.txt\"\nnames = \"a_colnames.txt\"\n"
	c, err := Open(framed(t, lists))
	if err != nil {
		t.Fatal(err)
	}
	row := make([]float32, 2)
	for p, person := range c.Persons {
		var n int
		fmt.Sscanf(person.ID, "S%d", &n)
		if c.Tables[0].Row(p, row); row[0] != float32(n) || row[1] != float32(2*n) {
			t.Errorf("%s: %v", person.ID, row)
		}
	}
	c, err = Open(framed(t, lists+"columns = [\"t*\", \"three\"]"))
	if err != nil || len(c.Tables[0].Stats().Names) != 1 || c.Tables[0].Stats().Names[0] != "two" {
		t.Errorf("%v", err)
	}
	for keys, code := range map[string]int{"": 411, lists + "orient = \"genes\"": 114, lists + "orient = \"features\"": 411, "ids = \"a_iid.txt\"\nnames = \"a_iid.txt\"\n": 411, "ids = \"nobody.txt\"\nnames = \"a_colnames.txt\"\n": 104} {
		_, err := Open(framed(t, keys))
		var p *data.Problem
		if !errors.As(err, &p) || p.Code != code {
			t.Errorf("%q: %v, want E%d", keys, err, code)
		}
	}
}
