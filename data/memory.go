package data

// TableBytes returns the memory that the values of the tables take: of those that say so by a method Bytes.
func (c *Cohort) TableBytes() int {
	n := 0
	for _, t := range c.Tables {
		if b, ok := t.(interface{ Bytes() int }); ok {
			n += b.Bytes()
		}
	}
	return n
}
