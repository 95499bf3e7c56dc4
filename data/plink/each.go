package plink

// runBytes is how much of a .bed is read at a time.
const runBytes = 1 << 17

// Each visits the rows of variants in the order given, as they lie in the .bed: two bits a person of Samples. A row is overwritten by later ones. Rows that lie behind each other are read together.
func (s *Set) Each(variants []int, visit func(k int, row []byte) error) error {
	rows := &rowReader{set: s}
	defer rows.close()
	row := rowBytes(len(s.Samples))
	most := max(1, runBytes/max(1, row))
	buf := make([]byte, min(most, max(1, len(variants)))*row)
	for k := 0; k < len(variants); {
		n := s.run(variants[k:], most)
		if err := rows.read(variants[k], row, buf[:n*row]); err != nil {
			return err
		}
		for i := range n {
			if err := visit(k+i, buf[i*row:(i+1)*row]); err != nil {
				return err
			}
		}
		k += n
	}
	return nil
}

// run is how many of the variants lie behind each other in one file, most at most.
func (s *Set) run(variants []int, most int) int {
	p, n := s.part(variants[0]), 1
	for n < min(most, len(variants)) && variants[n] == variants[0]+n && variants[n] < p.first+p.n {
		n++
	}
	return n
}
