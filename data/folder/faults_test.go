package folder

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// faultDir names the environment variable that makes TestFaultChild replace a folder.
const faultDir = "CONTIG_FOLDER_TEST_FAULT"

func TestFaultChild(t *testing.T) {
	dir := os.Getenv(faultDir)
	if dir == "" {
		t.Skip("the process that TestFaults traces; run that one")
	}
	if err := publish(dir, several("new", "below")); err != nil {
		t.Fatal(err)
	}
}

// traced runs TestFaultChild under strace, with faults injected, and returns the calls that it made and whether it succeeded.
func traced(t *testing.T, dir string, faults ...string) (calls string, ok bool) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "calls")
	args := []string{"-f", "-y", "-o", log, "-e", "trace=fsync,rename,renameat,renameat2"}
	for _, f := range faults {
		args = append(args, "-e", "inject="+f)
	}
	c := exec.Command("strace", append(args, os.Args[0], "-test.run=^TestFaultChild$")...)
	c.Env = append(os.Environ(), faultDir+"="+dir)
	_, err := c.CombinedOutput()
	text, _ := os.ReadFile(log)
	return string(text), err == nil
}

// TestFaults: whatever call fails or is the last before a kill, the folder is the old or the new one, whole, and the next process
// replaces it and leaves nothing else; also where folders cannot be exchanged. All files and folders are synced before that.
func TestFaults(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("no strace: apt-get install strace")
	}
	fresh := func() string {
		dir := filepath.Join(t.TempDir(), "dir")
		if err := publish(dir, several("old", "below")); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	dir := fresh()
	calls, ok := traced(t, dir)
	if !ok && !strings.Contains(calls, "fsync") {
		t.Skipf("strace may not trace here, which a container allows with --cap-add SYS_PTRACE: %s", calls)
	}
	before, _, exchanged := strings.Cut(calls, "RENAME_EXCHANGE")
	for _, name := range []string{"/file>", "/below>", "/below/file>", "/below/new>", "/" + MarkName} {
		if !exchanged || !strings.Contains(before, name) {
			t.Errorf("%s is not synced before the exchange:\n%s", name, calls)
		}
	}
	const noExchange = "renameat2:error=EINVAL"
	for _, faults := range [][]string{
		{"fsync:error=EIO:when=1"}, {"fsync:error=EIO:when=3"}, {"fsync:error=EIO:when=7"}, {"renameat2:error=EACCES"}, {"renameat2:signal=KILL"}, {"rename,renameat:signal=KILL:when=1"},
		{noExchange}, {noExchange, "rename,renameat:signal=KILL:when=2"}, {noExchange, "rename,renameat:signal=KILL:when=3"}, {noExchange, "rename,renameat:error=EIO:when=2"},
		{noExchange, "rename,renameat:error=EIO:when=3"}, {noExchange, "fsync:signal=KILL:when=9"},
	} {
		dir := fresh()
		calls, ok := traced(t, dir, faults...)
		found := dir
		if _, err := os.Stat(dir); err != nil { // between two renames: the old copy has another name
			found = oldName(dir)
		}
		b, err := os.ReadFile(filepath.Join(found, "file"))
		if err != nil || !Whole(found, Cohort) || string(b) != "old" && string(b) != "new" || ok && string(b) != "new" {
			t.Errorf("%v: %q, %v, success %v\n%s", faults, b, err, ok, calls)
		}
		fails := os.ErrInvalid
		publish(dir, func(string) error { return fails }) // puts back, and does no more
		if !Whole(dir, Cohort) {
			t.Errorf("%v: the old copy is lost", faults)
		}
		if err := publish(dir, several("next", "below")); err != nil || names(t, filepath.Dir(dir)) != "dir" {
			t.Errorf("%v: next: %v, left %s", faults, err, names(t, filepath.Dir(dir)))
		}
	}
}
