package genome

import (
	"bufio"
	"compress/gzip"
	"embed"
	"fmt"
	"strconv"
	"strings"
)

//go:embed genes/grch38.tsv.gz
var tables embed.FS

// BuiltinVersion says what the table of Builtin is.
const BuiltinVersion = "Ensembl 110 (GRCh38), by ideogram 1.53.0 (CC0)"

// Builtin returns the genes that the program brings along: 32,057 of GRCh38, in the order of the genome. Those without a name have Ensembl's id. scripts/genes_table.sh made
// the table.
func Builtin() []Gene {
	genes, err := builtin()
	if err != nil {
		panic(fmt.Sprintf("genome: the table of genes in the program: %v", err))
	}
	return genes
}

func builtin() ([]Gene, error) {
	f, err := tables.Open("genes/grch38.tsv.gz")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	var out []Gene
	g := Gene{}
	for s := bufio.NewScanner(z); s.Scan(); {
		word := strings.Split(s.Text(), "\t")
		if len(word) != 4 {
			return nil, fmt.Errorf("a line of %d words", len(word))
		}
		if word[0] != "" {
			g.Chromosome, g.Start = word[0], 0
		}
		step, err1 := strconv.Atoi(word[1])
		length, err2 := strconv.Atoi(word[2])
		if err1 != nil || err2 != nil {
			return nil, fmt.Errorf("%q", s.Text())
		}
		g.Start += step
		g.End, g.Name = g.Start+max(length, 1)-1, word[3]
		out = append(out, g)
	}
	return out, nil
}
