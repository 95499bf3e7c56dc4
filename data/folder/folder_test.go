package folder

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"contig-gpu/data"
)

// publish replaces dir, a cohort.
func publish(dir string, fill func(string) error) error {
	return Target{Dir: dir, Kind: Cohort, Overwrite: true}.Publish(fill)
}

// file returns a fill that writes one file.
func file(text string) func(string) error {
	return func(temp string) error { return os.WriteFile(filepath.Join(temp, "file"), []byte(text), 0o600) }
}

func wantFile(t *testing.T, dir, text string) {
	t.Helper()
	if b, err := os.ReadFile(filepath.Join(dir, "file")); err != nil || string(b) != text {
		t.Errorf("%q, %v, want %q", b, err, text)
	}
}

// names lists what stands in a folder.
func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

func wantCode(t *testing.T, err error, code int) {
	t.Helper()
	var p *data.Problem
	if !errors.As(err, &p) || p.Code != code {
		t.Errorf("got %v, want E%d", err, code)
	}
}

func TestPublishReplacesWholly(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "a", "b", "cohort")
	if err := publish(dir, file("one")); err != nil {
		t.Fatal(err)
	}
	wantFile(t, dir, "one")
	wantCode(t, Target{Dir: dir, Kind: Cohort}.Check(), codeOccupied)
	if err := os.WriteFile(filepath.Join(dir, "more"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantCode(t, publish(dir, file("two")), codeForeign)
	if n := names(t, dir); n != MarkName+" file more" {
		t.Errorf("a refusal left %s", n)
	}
	if err := os.Remove(filepath.Join(dir, "more")); err != nil {
		t.Fatal(err)
	}
	if err := publish(dir, file("two")); err != nil {
		t.Fatal(err)
	}
	wantFile(t, dir, "two")
	if n := names(t, dir) + "; " + names(t, filepath.Dir(dir)); n != MarkName+" file; cohort" {
		t.Errorf("left %s", n)
	}
}

func TestFailureLeavesWhatWas(t *testing.T) {
	parent := t.TempDir()
	fails := errors.New("fails")
	for _, dir := range []string{filepath.Join(parent, "a", "b", "cohort"), filepath.Join(parent, "cohort")} {
		err := publish(dir, func(temp string) error { return errors.Join(file("half")(temp), fails) })
		wantCode(t, err, codeUnwritable)
		if n := names(t, parent); !errors.Is(err, fails) || n != "" {
			t.Errorf("left %s, %v", n, err)
		}
	}
	dir := filepath.Join(parent, "cohort")
	if err := publish(dir, file("whole")); err != nil {
		t.Fatal(err)
	}
	problem := &data.Problem{Code: 201}
	wantCode(t, publish(dir, func(string) error { return problem }), problem.Code)
	wantFile(t, dir, "whole")
	wantCode(t, publish(filepath.Join(dir, "file"), file("x")), codeOccupied)
	wantCode(t, publish(filepath.Join(dir, "file", "below"), file("x")), codeUnwritable)
	t.Chdir(dir)
	wantCode(t, publish(".", file("x")), codeProtected)
	wantFile(t, dir, "whole")
}

// childDir names the environment variable that makes TestChild publish and never end.
const childDir = "CONTIG_FOLDER_TEST_DIR"

func TestChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		t.Skip("the process that TestKilled kills; run that one")
	}
	t.Error(publish(dir, func(temp string) error {
		if err := file("half")(temp); err != nil {
			return err
		}
		os.Stdout.WriteString("ready\n")
		time.Sleep(time.Hour)
		return nil
	}))
}

// startChild runs a test of this program as a process of its own, with an environment variable, and returns when it says that it
// is ready. It is killed when t ends, if not before.
func startChild(t *testing.T, test, variable, value string) *exec.Cmd {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^"+test+"$")
	child.Env = append(os.Environ(), variable+"="+value)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { child.Process.Kill() })
	if _, err := out.Read(make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	return child
}

// TestKilled: what a killed process leaves is removed by the next, what a living one is writing is not.
func TestKilled(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "cohort")
	child := startChild(t, "TestChild", childDir, dir)
	if err := publish(dir, file("living")); err != nil {
		t.Fatal(err)
	}
	wantFile(t, dir, "living")
	if n := strings.Count(names(t, parent), ".tmp-"); n != 1 {
		t.Errorf("%d temporary folders beside the living process, want its own: %s", n, names(t, parent))
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	child.Wait()
	wantFile(t, dir, "living")
	if err := publish(dir, file("next")); err != nil {
		t.Fatal(err)
	}
	wantFile(t, dir, "next")
	if n := names(t, parent); n != "cohort" {
		t.Errorf("the killed process left %s", n)
	}
}
