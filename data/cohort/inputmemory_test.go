package cohort

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// hostilePath is the environment variable that makes the test open a cohort and tell what memory the process took.
const hostilePath = "CONTIG_TEST_HOSTILE"

// TestInputMemory: inputs of the kinds that take most for their size stay within what docs/file-formats.md states.
func TestInputMemory(t *testing.T) {
	if dir := os.Getenv(hostilePath); dir != "" {
		_, err := Open(Options{Manifest: filepath.Join(dir, "images.tsv"), DataTOML: filepath.Join(dir, "data.toml")})
		status, _ := os.ReadFile("/proc/self/status")
		_, peak, _ := strings.Cut(string(status), "VmHWM:")
		fmt.Printf("peak %s\nrefused %v\n", strings.Fields(peak + " 0")[0], err != nil)
		return
	}
	if testing.Short() {
		t.Skip("the race detector takes memory of its own: run without -race")
	}
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("this system does not tell how much memory a process took: run on Linux")
	}
	const line, text = 8 << 20, 1<<20 - 64
	many := func(piece string, most int) string { return strings.Repeat(piece, most/len(piece)) }
	var keys, header strings.Builder
	for i := 0; keys.Len() < text-20; i++ {
		fmt.Fprintf(&keys, "[a%d]\n", i)
	}
	for i := 0; header.Len() < line-20; i++ {
		fmt.Fprintf(&header, "\t%x", i)
	}
	for what, c := range map[string]struct {
		file, text string
		most       int // bytes
	}{
		"sections": {"data.toml", keys.String(), 96*text + 64<<20}, "paths": {"data.toml", "[snps]\nfiles = [" + many(`"a",`, text-20) + "]\n", 96*text + 64<<20},
		"lists": {"data.toml", "[x]\ntable = [" + many("[],", text-20) + "]\n", 96*text + 64<<20}, "fields": {"labs.tsv", "person_id\ta\n1" + many("\t1", line) + "\n", 40*line + 256<<20},
		"columns": {"labs.tsv", "person_id" + header.String() + "\n1\t1\n", 40*line + 256<<20}, "one name": {"labs.tsv", "person_id\t" + many("a", line) + "\n1\n", 40*line + 256<<20},
	} {
		w := newWorld(t)
		w.put(c.file, c.text)
		cmd := exec.Command(os.Args[0], "-test.run=^TestInputMemory$")
		cmd.Env = append(os.Environ(), hostilePath+"="+w.dir)
		out, err := cmd.Output()
		var peak int
		if _, scanned := fmt.Sscanf(string(out), "peak %d", &peak); err != nil || scanned != nil || !strings.Contains(string(out), "refused true") {
			t.Fatalf("%s: %v, %v\n%.500s", what, err, scanned, out)
		}
		if peak <<= 10; peak > c.most {
			t.Errorf("%s: %d MiB were taken of %d KiB, want at most %d MiB", what, peak>>20, len(c.text)>>10, c.most>>20)
		}
	}
}
