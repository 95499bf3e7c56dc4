package table

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// endless is a compressed file of 20 GB of one character, in as many members or frames as it takes.
func endless(t *testing.T, pack func(string) string, char string) string {
	t.Helper()
	const member = 64 << 20
	return write(t, "t.tsv", strings.Repeat(pack(strings.Repeat(char, member)), 20<<30/member))
}

// slow skips a test of a great deal of memory under the race detector, which takes many times as much.
func slow(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: go test without it runs this")
	}
}

func plain(s string) string { return s }

func TestLongLines(t *testing.T) {
	slow(t)
	long := strings.Repeat("x", mostLine)
	for _, end := range []string{"", "\n", "\r\n"} {
		text := long[len(strings.TrimSuffix(end, "\n")):] + end
		l, err := Open(write(t, "t.tsv", "a\n"+text))
		if err != nil {
			t.Fatal(err)
		}
		first, second := l.Next(), l.Next()
		if !first || !second || len(l.Text()) != len(strings.TrimSpace(text)) || l.Next() || l.Err() != nil {
			t.Errorf("a line of %d bytes and %q: %v", len(text), end, l.Err())
		}
		l.Close()
	}
	for what, pack := range map[string]func(string) string{"plain": plain, "gzip": gzipped, "zstd": zstandard} {
		for _, end := range []string{"x", "x\n", "xx\ny\n"} {
			_, err := ReadWide(write(t, "t.tsv", pack("person_id\ta\n1\t1\n"+long+end)), Selection{})
			wantCode(t, err, 119, 3)
			if strings.Contains(err.Error(), "fill memory") != (what != "plain") {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
}

// TestLongLinesThatAreNoText: what a long line shows is said rather than that it is long.
func TestLongLinesThatAreNoText(t *testing.T) {
	slow(t)
	for what, c := range map[string]struct {
		text string
		code int
	}{
		"old Mac": {strings.Repeat("1\t2\t3\r", mostLine/6+100), 103}, "NUL": {"\x00" + strings.Repeat("x", mostLine), 103}, "Latin-1": {"gr\xf6\xdfe" + strings.Repeat("x", mostLine), 103},
		"two bytes a character": {strings.Repeat("é", mostLine/2+1e6), 119}, "three": {strings.Repeat("€", mostLine/3+1e6), 119}, "four": {strings.Repeat("𝛼", mostLine/4+1e6), 119},
		"three, shifted": {"a" + strings.Repeat("€", mostLine/3+1e6), 119}, "four, shifted": {"a" + strings.Repeat("𝛼", mostLine/4+1e6), 119}, "four, by two": {"ab" + strings.Repeat("𝛼", mostLine/4+1e6), 119},
	} {
		t.Run(what, func(t *testing.T) {
			_, err := ReadWide(write(t, "t.tsv", c.text), Selection{})
			wantCode(t, err, c.code, 1)
		})
	}
}

const endlessFile = "CONTIG_TEST_ENDLESS"

// TestEndless reads files that unpack to more than memory, each in a process of its own.
func TestEndless(t *testing.T) {
	if path := os.Getenv(endlessFile); path != "" {
		_, err := ReadWide(path, Selection{})
		wantCode(t, err, 119, 1)
		fmt.Println(string(peak(t)))
		return
	}
	slow(t)
	for what, pack := range map[string]func(string) string{"gzip": gzipped, "zstd": zstandard} {
		for _, char := range []string{"0", "\t"} {
			path := endless(t, pack, char)
			cmd := exec.Command(os.Args[0], "-test.run=^TestEndless$")
			cmd.Env = append(os.Environ(), endlessFile+"="+path)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%s of %q: %v\n%s", what, char, err, out)
			}
			var kib int
			fmt.Sscanf(string(out), "VmHWM: %d kB", &kib)
			const most = 512 << 10
			t.Logf("%s of %q: %d MiB", what, char, kib>>10)
			if kib == 0 || kib > most {
				t.Errorf("%s of %q took %d KiB, want at most %d\n%s", what, char, kib, most, out)
			}
		}
	}
}

// peak returns the line of the system that says how much memory this process took at most.
func peak(t *testing.T) []byte {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("this system does not tell how much memory a process took")
	}
	_, line, _ := bytes.Cut(status, []byte("\nVmHWM:"))
	line, _, _ = bytes.Cut(line, []byte("\n"))
	return append([]byte("VmHWM:"), line...)
}

// TestWideWindow: a frame that wants more to look back into than 128 MiB is refused before it gets it.
func TestWideWindow(t *testing.T) {
	const text = "person_id\ta\nx\t1\n"
	for what, c := range map[string]struct {
		header string // descriptor of the frame and, by it, window or length of the content
		fits   bool
	}{
		"128 MiB": {"\x00" + string([]byte{(27 - 10) << 3}), true}, "144 MiB": {"\x00" + string([]byte{(27-10)<<3 | 1}), false}, "2 GiB": {"\x00" + string([]byte{(31 - 10) << 3}), false},
		"all of 18 bytes": {"\x20" + string([]byte{byte(len(text))}), true}, "all of 3 GiB": {"\xa0\x00\x00\x00\xc0", false},
	} {
		block := string([]byte{1 | byte(len(text))<<3, byte(len(text) >> 5), 0}) // the last one, not compressed
		_, err := ReadWide(write(t, "t.tsv.zst", "\x28\xb5\x2f\xfd"+c.header+block+text), Selection{})
		if c.fits {
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
			continue
		}
		wantCode(t, err, 104, 0)
		if !strings.Contains(err.Error(), "--long") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestReadText(t *testing.T) {
	path := write(t, "t", "\ufeffa\r\n\r\n \n\nb # c\n\nd")
	text, notes, err := ReadText(path)
	if err != nil || text != "a\n\n\n\nb # c\n\nd\n" || len(notes) != 3 {
		t.Errorf("%q %q %v", text, notes, err)
	}
	for what, c := range map[string]struct {
		text string
		line int
	}{
		"lines": {strings.Repeat("0123456\n", mostText/8+1), mostText/8 + 1}, "blank lines": {strings.Repeat("\n", mostText) + "a", mostText + 1}, "one line": {strings.Repeat("x", mostText), 1},
	} {
		_, _, err := ReadText(write(t, "t", gzipped(c.text)))
		t.Log(what)
		wantCode(t, err, 119, c.line)
	}
	if text, _, err := ReadText(write(t, "t", strings.Repeat("0123456\n", mostText/8))); err != nil || len(text) != mostText {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	_, _, err = ReadText(filepath.Join(t.TempDir(), "absent"))
	wantCode(t, err, 104, 0)
}

// TestSplit holds the cutting of lines to its plain form.
func TestSplit(t *testing.T) {
	g := rand.New(rand.NewPCG(3, 3))
	pieces := []string{"\t", "\t", "\t", "1", "0", " ", "NA", "\u00a0", "é", ",", "-1.5e-3", "\v", "\u2003"}
	var got []string
	for range 20000 {
		var line string
		for range g.IntN(12) {
			line += pieces[g.IntN(len(pieces))]
		}
		want := strings.Split(line, "\t")
		for i := range want {
			want[i] = strings.TrimSpace(want[i])
		}
		if got = (Splitter{'\t'}).Split(line, got); !slices.Equal(got, want) {
			t.Fatalf("%q: %q, want %q", line, got, want)
		}
	}
}
