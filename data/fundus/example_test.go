package fundus_test

import (
	"fmt"

	"contig-gpu/data/fundus"
)

func Example() {
	photo := fundus.NewRGB(300, 200) // or Decode of a file
	recipe, err := fundus.NamedRecipe("default")
	if err != nil {
		panic(err)
	}
	small := recipe.Fit.Square(photo, recipe.WorkSize(64))
	values := make([]float32, 3*64*64)
	fundus.NewAugmenter(recipe, 64).Apply(values, small, 42, 0, 0)
	fmt.Println(small.W, small.H, values[0] < 0)
	// Output: 80 80 true
}
