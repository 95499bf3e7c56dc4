package plink

// Each visits the rows of variants in the order given, as they lie in the .bed: two bits a person of Samples. A row is overwritten by the next.
func (s *Set) Each(variants []int, visit func(k int, row []byte) error) error {
	rows := &rowReader{set: s}
	defer rows.close()
	buf := make([]byte, rowBytes(len(s.Samples)))
	for k, v := range variants {
		if err := rows.read(v, buf); err != nil {
			return err
		}
		if err := visit(k, buf); err != nil {
			return err
		}
	}
	return nil
}
