package genotype

import "context"

// Rows is what a File and a Set have alike: what sums over variants, such as scores and burdens, need of them.
type Rows interface {
	Persons() []Person
	Variants() []Variant
	Each(ctx context.Context, variants []int, visit Visit) error
}
