package folder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"contig-gpu/data"
)

func taken(t *testing.T, dir string) *Lock {
	t.Helper()
	l, err := Take(dir)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// released releases l and holds what is left below parent against want.
func released(t *testing.T, l *Lock, parent, want string) {
	t.Helper()
	if err := l.Release(); err != nil {
		t.Error(err)
	}
	if n := names(t, parent); n != want {
		t.Errorf("left %q, want %q", n, want)
	}
}

func TestTakeKeepsOthersOut(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "a", "run")
	l := taken(t, dir)
	_, err := Take(dir)
	wantCode(t, err, codeHeld)
	host, _ := os.Hostname()
	for _, want := range []string{dir, fmt.Sprintf("process %d on host %q, since 20", os.Getpid(), host), "wait until"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %s", err, want)
		}
	}
	wantCode(t, publish(dir, file("x")), codeHeld)
	if n := names(t, dir); n != lockName {
		t.Errorf("the refused have left %s", n)
	}
	released(t, l, parent, "")
	released(t, l, parent, "") // again
	l = taken(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil || l.Left() || l.Note() != "" || l.Dir() != dir {
		t.Errorf("%v; lock %+v", err, l)
	}
	released(t, l, dir, "file")
}

func TestReleaseLeavesWhatWasThere(t *testing.T) {
	parent := t.TempDir()
	released(t, taken(t, filepath.Join(parent, "a", "b")), parent, "")
	if err := os.Mkdir(filepath.Join(parent, "a"), 0o700); err != nil {
		t.Fatal(err)
	}
	released(t, taken(t, filepath.Join(parent, "a", "b")), parent, "a")
	released(t, taken(t, filepath.Join(parent, "a")), parent, "a")
}

func TestTakeRefused(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{plain, filepath.Join(plain, "run"), "/proc/none/none"} {
		_, err := Take(dir)
		var p *os.PathError
		if !errors.As(err, &p) || p.Path != dir {
			t.Errorf("%s: %v", dir, err)
		}
		if _, err := TakeNew(filepath.Join(dir, "run")); err == nil {
			t.Errorf("a new folder in %s", dir)
		}
	}
}

// TestOneAtATime: whatever the moment at which holders come and go, there is one at a time.
func TestOneAtATime(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "runs", "run")
	var holders, had atomic.Int32
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 50 {
				l, err := Take(dir)
				var p *data.Problem
				if errors.As(err, &p) && p.Code == codeHeld {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if had.Add(1); holders.Add(1) != 1 {
					t.Error("two holders")
				}
				holders.Add(-1)
				if err := l.Release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	_, err := os.Stat(filepath.Join(dir, lockName)) // an empty folder may stay: each thinks it another's
	if had.Load() < 2 || !os.IsNotExist(err) {
		t.Errorf("%d times held; lock file: %v", had.Load(), err)
	}
}

// TestFileGoesAway: who opens the file while its holder removes it, the folder with it, or takes it for abandoned, gets
// another.
func TestFileGoesAway(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "runs", "run")
	goes := []func(string) error{os.Remove, func(string) error { return os.RemoveAll(filepath.Dir(dir)) }}
	l, err := take(dir, func(f *os.File) error {
		if len(goes) > 0 {
			if err := goes[0](f.Name()); err != nil {
				return err
			}
			goes = goes[1:]
		}
		return flock(f)
	}, func() ([]string, error) { return parents(dir) })
	if err != nil || len(goes) > 0 || !at(l.f, filepath.Join(dir, lockName)) {
		t.Fatalf("lock %+v, %v", l, err)
	}
	released(t, l, parent, "")
	made := 0
	f, err := temporary(func() (*os.File, error) {
		made++
		f, err := os.Create(filepath.Join(parent, fmt.Sprint(made)))
		if err == nil && made == 1 {
			err = os.Remove(f.Name())
		}
		return f, err
	})
	if err != nil || made != 2 || !at(f, filepath.Join(parent, "2")) {
		t.Errorf("%d files made, %v", made, err)
	}
	f.Close()
}

func TestTakeNewGivesEachItsOwn(t *testing.T) {
	parent := t.TempDir()
	if err := os.MkdirAll(filepath.Join(parent, "runs", "run-2"), 0o700); err != nil {
		t.Fatal(err)
	}
	const n = 12
	locks := make([]*Lock, n)
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			var err error
			if locks[i], err = TakeNew(filepath.Join(parent, "runs", "run")); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	seen := map[string]bool{}
	for _, l := range locks {
		seen[filepath.Base(l.Dir())] = true
	}
	if len(seen) != n || seen["run-2"] || !seen["run-1"] || !seen["run-13"] {
		t.Errorf("dealt out %v", seen)
	}
	for _, l := range locks {
		if err := l.Release(); err != nil {
			t.Error(err)
		}
	}
	if left := names(t, filepath.Join(parent, "runs")); left != "run-2" {
		t.Errorf("left %s", left)
	}
}

// TestWithoutLocks: where the file system has none, whoever makes the lock file has the folder, and what a dead process leaves
// is told of, not taken.
func TestWithoutLocks(t *testing.T) {
	for _, no := range []error{syscall.ENOLCK, syscall.ENOSYS, syscall.EOPNOTSUPP} {
		dir := t.TempDir()
		none := func(*os.File) error { return no }
		weak := func() (*Lock, error) {
			return take(dir, none, func() ([]string, error) { return nil, nil })
		}
		l, err := weak()
		if err != nil || !strings.Contains(l.Note(), "has no locks") || !strings.Contains(l.Note(), lockName) {
			t.Fatalf("%v, note %q", err, l.Note())
		}
		_, err = weak()
		wantCode(t, err, codeHeld)
		if !strings.Contains(err.Error(), "remove "+filepath.Join(dir, lockName)) {
			t.Errorf("%v does not say what to do", err)
		}
		if !strings.Contains(err.Error(), fmt.Sprintf("process %d on host", os.Getpid())) {
			t.Errorf("%v does not say who has the folder", err)
		}
		wantCode(t, inUse(dir, none), codeHeld)
		released(t, l, dir, "")
		if err := inUse(dir, none); err != nil {
			t.Errorf("a folder that nobody has: %v", err)
		}
	}
}

// lockDir names the environment variable that makes TestLockChild take a folder and never end.
const lockDir = "CONTIG_FOLDER_TEST_LOCK"

func TestLockChild(t *testing.T) {
	dir := os.Getenv(lockDir)
	if dir == "" {
		t.Skip("the process that TestKilledHolder kills; run that one")
	}
	taken(t, dir)
	os.Stdout.WriteString("ready\n")
	time.Sleep(time.Hour)
}

// TestKilledHolder: a lock ends with its process, and the next holder is told that it was left.
func TestKilledHolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	child := startChild(t, "TestLockChild", lockDir, dir)
	_, err := Take(dir)
	wantCode(t, err, codeHeld)
	if !strings.Contains(err.Error(), fmt.Sprintf("process %d on", child.Process.Pid)) {
		t.Errorf("%v does not name process %d", err, child.Process.Pid)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	child.Wait()
	l := taken(t, dir)
	if !l.Left() {
		t.Error("the lock file of the killed process was not noticed")
	}
	released(t, l, dir, "")
}
