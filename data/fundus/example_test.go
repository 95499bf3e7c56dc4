package fundus_test

import (
	"fmt"

	"contig-gpu/data"
	"contig-gpu/data/fundus"
)

func Example() {
	photo := fundus.NewRGB(300, 200) // or Decode of a file
	how := data.Augmentation{CropScale: 0.5, Rotation: 20}
	small := fundus.Square(photo, fundus.WorkSize(how, 64), data.FitPad)
	values := make([]float32, 3*64*64)
	fundus.NewAugmenter(how, 64).Apply(values, small, 42, 0, 0)
	fmt.Println(small.W, small.H, values[0] < 0)
	// Output: 80 80 true
}
