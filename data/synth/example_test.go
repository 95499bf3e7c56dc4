package synth_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"contig-gpu/data/synth"
)

func ExampleWrite() {
	parent, err := os.MkdirTemp("", "synth")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(parent)
	o := synth.DefaultDemo()
	o.Persons, o.ImageSize = 20, 32
	s, err := synth.Write(context.Background(), filepath.Join(parent, "cohort"), o)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Persons, "persons", s.Images, "images", filepath.Base(s.Manifest), filepath.Base(s.DataTOML))
	// Output: 20 persons 40 images images.tsv data.toml
}
