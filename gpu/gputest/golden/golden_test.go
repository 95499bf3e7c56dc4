package golden

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

func TestGoldenFill(t *testing.T) {
	for _, f := range Folders(t, "about") {
		t.Run(f.Name, func(t *testing.T) {
			var about struct {
				Check struct {
					Name   string    `json:"name"`
					First8 []float64 `json:"first8"`
					Fill   []float64 `json:"fill_minus2_3"`
				} `json:"fill_check"`
			}
			f.JSON(t, "about", &about)
			for i, v := range Uniform(about.Check.Name, len(about.Check.First8)) {
				if v != about.Check.First8[i] {
					t.Errorf("Uniform[%d] = %v, want %v", i, v, about.Check.First8[i])
				}
			}
			for i, v := range Fill(about.Check.Name, len(about.Check.Fill), -2, 3) {
				if v != about.Check.Fill[i] {
					t.Errorf("Fill[%d] = %v, want %v", i, v, about.Check.Fill[i])
				}
			}
		})
	}
}

// TestRepositoryIsComplete holds the repository's own folder to what the tests named Golden read, with nothing beside the module.
func TestRepositoryIsComplete(t *testing.T) {
	folders, err := open("", t.TempDir())
	if err != nil || len(folders) != 1 {
		t.Fatalf("%d folders (%v), want the repository's own alone", len(folders), err)
	}
	own := folders[0]
	for _, file := range []string{"loss", "multimodal", "layers", "resnet", "contig", "images", "ssl", "ssl_steps"} {
		if len(own.cases(t, file)) == 0 {
			t.Errorf("%s.json lists no cases", file)
		}
	}
	var nets map[string]any
	if own.JSON(t, "torchvision_names", &nets); len(nets) == 0 || own.Seed(t) == "" {
		t.Errorf("%d networks in torchvision_names.json, seed %q", len(nets), own.Seed(t))
	}
}

// TestFurtherFolder reads the cases of the repository and those of a folder beside it, which may lack files.
func TestFurtherFolder(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	header := `{"only/x":{"dtype":"I64","shape":[2],"data_offsets":[0,16]}}`
	length := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	write("loss.json", `{"cases": [{"name": "only", "tau": 0.5, "betas": null}]}`)
	write("loss.safetensors", string(length)+header+"\x01\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff")
	t.Setenv("CONTIG_GOLDEN", dir)
	cases := Cases(t, "loss")
	c := cases[len(cases)-1]
	var tau float64
	c.Attr(t, "tau", &tau)
	if x := c.Tensor(t, "x").Data; c.Label() != filepath.Base(dir)+":only" || tau != 0.5 || c.Has("betas") || len(x) != 2 || x[0] != 1 || x[1] != -1 {
		t.Errorf("%s: tau %g, betas %t, x %v", c.Label(), tau, c.Has("betas"), x)
	}
	if len(cases) < 2 || cases[0].Folder.Name != "testdata" {
		t.Errorf("the repository's own cases are missing before it: %d cases", len(cases))
	}
	folders, err := open(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]int{"loss": 2, "layers": 1, "in_no_folder": 0} {
		if got, err := having(folders, file); err != nil || len(got) != want {
			t.Errorf("%s.json is in %v (%v), want %d folders", file, got, err, want)
		}
	}
	if _, err := open(filepath.Join(dir, "absent"), ""); err == nil {
		t.Error("$CONTIG_GOLDEN named no folder, and nobody said so")
	}
}

func TestDigest(t *testing.T) {
	x := Fill("x", 1000, -1, 1)
	d := DigestOf("x", x)
	if e := d.Error("x", x); e != 0 {
		t.Errorf("error of the tensor itself is %g, want 0", e)
	}
	y := append([]float64(nil), x...)
	for i := range y {
		y[i] *= 1.01
	}
	if e := d.Error("x", y); e < 0.001 || e > 0.1 {
		t.Errorf("error of 1 %% is estimated as %g", e)
	}
	if (Digest{N: 2}).Error("z", []float64{0, 1}) == 0 {
		t.Error("a tensor that should be zero and is not has error 0")
	}
}

func TestSafetensorsRefused(t *testing.T) {
	file := func(header string, data ...byte) []byte {
		return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...), data...)
	}
	for _, b := range [][]byte{nil, []byte("short"), {255, 0, 0, 0, 0, 0, 0, 0, '{'}, {2, 0, 0, 0, 0, 0, 0, 0, '{', 'x'},
		file(`{"x":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}`, 1, 2),
		file(`{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,2]}}`, 1, 2),
		file(`{"x":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}}`, 1, 2, 3, 4, 5, 6, 7, 8)} {
		if _, err := readTensors(b); err == nil {
			t.Errorf("%q was read without an error", b)
		}
	}
	x, err := readTensors(file(`{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, 1, 2))
	if err != nil || len(x["x"].Data) != 2 || x["x"].Data[1] != 2 {
		t.Errorf("a whole file: %v (%v)", x, err)
	}
}

func TestChannels(t *testing.T) {
	x, dims := Fill("channels", 2*3*4*5, -1, 1), []int{2, 3, 4, 5}
	y := Tensor{dims, x}.NHWC()
	for i, v := range ChannelsFirst(y.Data, y.Dims) {
		if v != x[i] {
			t.Fatalf("element %d does not come back", i)
		}
	}
}
