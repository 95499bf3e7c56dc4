package synth

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
)

// bedMagic begins a PLINK 1 .bed in variant-major order.
const bedMagic = "\x6c\x1b\x01"

// writeGenotypes writes PREFIX.bed, .bim and .fam with the persons of the given rows.
func writeGenotypes(prefix string, g genotypes, people []person, rows []int) error {
	var bed, bim, fam bytes.Buffer
	for _, i := range rows {
		p := people[i]
		fmt.Fprintf(&fam, "%s %s 0 0 %d -9\n", p.fid, p.iid, p.sex)
	}
	for _, s := range g.snps {
		fmt.Fprintf(&bim, "%s\t%s\t0\t%d\t%s\t%s\n", s.chrom, s.id, s.position, s.a1, s.a2)
	}
	bed.WriteString(bedMagic)
	packed := make([]byte, (len(rows)+3)/4)
	for _, calls := range g.calls {
		clear(packed)
		for at, i := range rows {
			packed[at>>2] |= toCode(calls[i]) << (2 * (at & 3))
		}
		bed.Write(packed)
	}
	return cmp.Or(os.WriteFile(prefix+".bed", bed.Bytes(), 0o644),
		os.WriteFile(prefix+".bim", bim.Bytes(), 0o644), os.WriteFile(prefix+".fam", fam.Bytes(), 0o644))
}
