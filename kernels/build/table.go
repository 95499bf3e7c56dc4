package main

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"contig-gpu/kernels"
)

// A row is a kernel's line of the table.
type row struct {
	name     string
	use      map[int]resource // by architecture
	hot      loop
	elements int // of 16 bits that a turn of the loop is for; 0: not on a ResNet's path
}

const rowArch = 90 // whose machine code is looked at

// measure compiles the unit in dir and returns the table, by kernel.
func (n nvcc) measure(dir string) ([]row, error) {
	rows := map[string]*row{}
	for _, arch := range imageArchs() {
		c, err := n.cubin(dir, arch)
		if err != nil {
			return nil, fmt.Errorf("sm_%d: %w", arch, err)
		}
		var sass map[string]*code
		if arch == rowArch {
			if sass, err = n.disassemble(c); err != nil {
				return nil, err
			}
		}
		for name, u := range c.used {
			r := rows[name]
			if r == nil {
				r = &row{name: name, use: map[int]resource{}}
				rows[name] = r
			}
			r.use[arch] = u
			if k := sass[name]; k != nil {
				r.hot = k.hot()
				r.elements = elements(name, r.hot)
			}
		}
	}
	var all []row
	for _, r := range rows {
		all = append(all, *r)
	}
	slices.SortFunc(all, func(a, b row) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

// read has the kernels of 16 bits on a ResNet's path that go over activations, and of how many tensors each reads 16 bytes for
// eight elements.
func read() map[string]int {
	return map[string]int{
		"batchnorm_forward": 2, "batchnorm_reduce": 3, "batchnorm_backward": 3, "batchnorm_statistics": 1,
		"batchnorm_plain": 1, "batchnorm_relu": 1, "batchnorm_addrelu": 2, "batchnorm_both": 2,
		"batchnorm_plain_reduce": 2, "batchnorm_relu_reduce": 2, "batchnorm_line_reduce": 2, "batchnorm_both_reduce": 3,
		"batchnorm_plain_backward": 2, "batchnorm_relu_backward": 2, "batchnorm_line_backward": 2, "batchnorm_summed_backward": 2, "batchnorm_addrelu_backward": 2, "batchnorm_both_backward": 3,
		"add_forward": 2, "relu_forward": 1, "relu_backward": 2, "cast_add": 3, "maskrows_forward": 1, "globalavgpool_forward": 1,
	}
}

// elements returns how many elements a turn of a kernel's loop is for.
func elements(name string, hot loop) int {
	stem, ok := strings.CutSuffix(name, "_bf16")
	if !ok {
		stem, ok = strings.CutSuffix(name, "_f16")
	}
	if n := read()[stem]; ok && n > 0 {
		return 8 * hot.loads["128"] / n
	}
	return 0
}

// perElement returns the instructions for an element, 0 where that is not known.
func (r row) perElement() float64 {
	if r.elements == 0 {
		return 0
	}
	return float64(r.hot.instructions) / float64(r.elements)
}

const (
	tableBegins = "<!-- resources: written by make kernels-table -->"
	tableEnds   = "<!-- end of resources -->"
	tableHead   = "| kernel | threads | shared | registers | blocks | occupancy | loads | stores | per element |\n|---|---|---|---|---|---|---|---|---|\n"
)

// String is the row's line.
func (r row) String() string {
	var regs, blocks, occupancy []string
	for _, arch := range imageArchs() {
		u := r.use[arch]
		regs, blocks = append(regs, strconv.Itoa(u.registers)), append(blocks, strconv.Itoa(u.blocks(arch)))
		occupancy = append(occupancy, strconv.Itoa(u.occupancy(arch)))
	}
	per := ""
	if n := r.perElement(); n > 0 {
		per = fmt.Sprintf("%.1f", n)
	}
	u := r.use[rowArch]
	return fmt.Sprintf("| %s | %d | %d | %s | %s | %s | %s | %s | %s |\n", r.name, u.threads, u.shared, strings.Join(regs, " "), strings.Join(blocks, " "),
		strings.Join(occupancy, " "), widths(r.hot.loads), widths(r.hot.stores), per)
}

// widths prints accesses by their bits, the widest first.
func widths(n map[string]int) string {
	var parts []string
	for _, w := range []string{"128", "64", "32", "16", "8"} {
		if n[w] > 0 {
			parts = append(parts, fmt.Sprintf("%dx%s", n[w], w))
		}
	}
	return strings.Join(parts, " ")
}

// writeTable writes the table into a document, between its marks.
func writeTable(path string) error {
	n, err := findNVCC()
	if err != nil {
		return err
	}
	dir, err := writeSources()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	rows, err := n.measure(dir)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(text), tableBegins)
	_, after, ok2 := strings.Cut(rest, tableEnds)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no %q and %q", path, tableBegins, tableEnds)
	}
	var b strings.Builder
	b.WriteString(before + tableBegins + "\n" + n.mark() + "\n\n" + tableHead)
	for _, r := range rows {
		b.WriteString(r.String())
	}
	return os.WriteFile(path, []byte(b.String()+tableEnds+after), 0o666)
}

// mark is the table's line of what it was measured from: a digest of the kernels' sources, the compiler and its flags.
func (n nvcc) mark() string {
	h, files := sha256.New(), kernels.Sources()
	files[unitName] = kernels.Unit()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(h, "%s %d\n%s", name, len(files[name]), files[name])
	}
	fmt.Fprint(h, n.version(), nvccFlags())
	return fmt.Sprintf("<!-- of sources and compiler %x -->", h.Sum(nil)[:16])
}

var recordedLine = regexp.MustCompile(`(?m)^\| (\w+_\w+) \| \d+ \| \d+ \| [\d ]+ \| [\d ]+ \| (\d+) (\d+) (\d+) \|.*?([\d.]*) \|$`)

// A record is what the document has of a kernel.
type record struct {
	occupancy  map[int]int // by architecture
	perElement float64     // 0: not known
}

// readTable returns the table of a document, by kernel.
func readTable(text string) (map[string]record, error) {
	_, rest, _ := strings.Cut(text, tableBegins)
	table, _, ok := strings.Cut(rest, tableEnds)
	if !ok {
		return nil, fmt.Errorf("no %q and %q", tableBegins, tableEnds)
	}
	all := map[string]record{}
	for _, m := range recordedLine.FindAllStringSubmatch(table, -1) {
		r := record{occupancy: map[int]int{}}
		for i, arch := range imageArchs() {
			r.occupancy[arch], _ = strconv.Atoi(m[2+i]) // digits
		}
		r.perElement, _ = strconv.ParseFloat(m[5], 64) // "" is 0
		all[m[1]] = r
	}
	return all, nil
}

// worse returns what is worse than recorded of the kernels: occupancy on any architecture, instructions for an element by more
// than a tenth; and kernels that stand on one side only.
func worse(rows []row, recorded map[string]record) []string {
	var faults []string
	left := map[string]bool{}
	for name := range recorded {
		left[name] = true
	}
	for _, r := range rows {
		was, ok := recorded[r.name]
		delete(left, r.name)
		if !ok {
			faults = append(faults, r.name+" is not in the table")
			continue
		}
		for _, arch := range imageArchs() {
			if now := r.use[arch].occupancy(arch); now < was.occupancy[arch] {
				faults = append(faults, fmt.Sprintf("%s has %d %% of the warps of sm_%d, had %d %%", r.name, now, arch, was.occupancy[arch]))
			}
		}
		if now := r.perElement(); was.perElement > 0 && (now > 1.1*was.perElement || now == 0) {
			faults = append(faults, fmt.Sprintf("%s takes %.1f instructions an element, took %.1f", r.name, now, was.perElement))
		}
	}
	for name := range left {
		faults = append(faults, name+" is in the table, but no kernel")
	}
	slices.Sort(faults)
	return faults
}
