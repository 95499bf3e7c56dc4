package data

// A Place is where a feature lies on the genome. The zero Place is nowhere.
type Place struct {
	Chromosome string // as the file writes it
	Position   int    // base pairs, from 1; 0: not known
}

// Placed is a Table whose features lie on the genome, such as genotypes.
type Placed interface {
	// Places returns one place for each feature, in the order of Stats().Names; nil where they have none.
	Places() []Place
}

// PlacesOf returns the places of a table's features, nil where they have none.
func PlacesOf(t Table) []Place {
	if p, ok := t.(Placed); ok {
		return p.Places()
	}
	return nil
}
