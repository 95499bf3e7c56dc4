//go:build linux && cgo

package dl

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const env = "CONTIG_LIBDLTEST"

// alone leaves Open no place to look at but those that the test makes.
func alone(t *testing.T) {
	t.Helper()
	for _, v := range []string{env, "CUDA_HOME", "VIRTUAL_ENV", "CONTIG_WHEELS"} {
		t.Setenv(v, "")
	}
	t.Setenv("PATH", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
}

// libm is the file of a library that every glibc system has.
func libm(t *testing.T) string {
	t.Helper()
	l, err := Open("the C mathematics library", "libm.so.6", env)
	if err != nil {
		t.Fatal(err)
	}
	return l.Path()
}

// link puts libm under another name, so that only the place under test has it.
func link(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(libm(t), path); err != nil {
		t.Fatal(err)
	}
}

func TestOpenBySoname(t *testing.T) {
	alone(t)
	path := libm(t)
	if !filepath.IsAbs(path) || filepath.Base(path) != "libm.so.6" {
		t.Errorf("path is %q, want the absolute path of libm.so.6", path)
	}
}

func TestEveryPlaceIsFound(t *testing.T) {
	const soname = "libcontig-dl-test.so.1"
	for variable, below := range map[string]string{
		"CUDA_HOME":      "lib64",
		"VIRTUAL_ENV":    "lib/python3.12/site-packages/nvidia/cu13/lib",
		"CONTIG_WHEELS":  "nvidia/cudnn/lib",
		"XDG_CACHE_HOME": "contig-gpu/wheels/nvidia/cu13/lib",
	} {
		t.Run(variable, func(t *testing.T) {
			alone(t)
			folder := t.TempDir()
			link(t, filepath.Join(folder, below, soname))
			t.Setenv(variable, folder)
			l, err := Open("test", soname, env)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := l.Symbol("cos"); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestPythonPath has a python3 that answers with a folder of packages.
func TestPythonPath(t *testing.T) {
	alone(t)
	const soname = "libcontig-dl-python.so.1"
	site := t.TempDir()
	link(t, filepath.Join(site, "nvidia", "cu13", "lib", soname))
	asked := filepath.Join(t.TempDir(), "asked")
	script := "#!/bin/sh\necho once >>" + asked + "\necho /nowhere\necho " + site + "\n"
	if err := os.WriteFile(filepath.Join(os.Getenv("PATH"), "python3"), []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := Open("test", soname, env); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := os.ReadFile(asked); err != nil || string(b) != "once\n" {
		t.Errorf("python3 was started %d times, %v; want once a process", strings.Count(string(b), "once"), err)
	}
}

// TestOverrideIsFinal: where the user names a file, another one in its stead would be a surprise.
func TestOverrideIsFinal(t *testing.T) {
	alone(t)
	t.Setenv(env, "/nowhere/libm.so.6")
	_, err := Open("test", "libm.so.6", env)
	wantTried(t, err, "/nowhere/libm.so.6")
	t.Setenv(env, "")
	t.Setenv(env, libm(t))
	if _, err := Open("test", "libcontig-dl-missing.so.1", env); err != nil {
		t.Error(err)
	}
}

func TestMissing(t *testing.T) {
	alone(t)
	home, wheels := t.TempDir(), t.TempDir()
	if err := os.MkdirAll(filepath.Join(wheels, "nvidia"), 0o777); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CUDA_HOME", home)
	t.Setenv("CONTIG_WHEELS", wheels)
	const soname = "libcontig-dl-missing.so.1"
	_, err := Open("test library", soname, env)
	places := []string{soname, filepath.Join(home, "lib64", soname)}
	for _, folder := range systemFolders() {
		places = append(places, filepath.Join(folder, soname))
	}
	wantTried(t, err, append(places, filepath.Join(wheels, "nvidia", "*", "lib", soname))...)
	for _, want := range []string{"test library", soname, env, "cannot open shared object file"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}

func TestNotALibrary(t *testing.T) {
	alone(t)
	file := filepath.Join(t.TempDir(), "libtext.so")
	if err := os.WriteFile(file, []byte("no ELF header here"), 0o666); err != nil {
		t.Fatal(err)
	}
	t.Setenv(env, file)
	_, err := Open("test", "libtext.so", env)
	wantTried(t, err, file)
	if !strings.Contains(err.Error(), "ELF") && !strings.Contains(err.Error(), "too short") {
		t.Errorf("%q does not hold the loader's text", err)
	}
}

// wantTried checks that err lists exactly these places, each with a reason.
func wantTried(t *testing.T, err error, places ...string) {
	t.Helper()
	var failed *OpenError
	if !errors.As(err, &failed) {
		t.Fatalf("error %v, want an OpenError", err)
	}
	if len(failed.Tried) != len(places) {
		t.Fatalf("tried %v, want %v", failed.Tried, places)
	}
	for i, a := range failed.Tried {
		if a.Path != places[i] || a.Reason == "" {
			t.Errorf("tried %+v, want %s with a reason", a, places[i])
		}
	}
}

func TestSymbol(t *testing.T) {
	alone(t)
	l, err := Open("the C mathematics library", "libm.so.6", env)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := l.Symbol("cos"); err != nil || p == nil {
		t.Errorf("cos is at %v, %v", p, err)
	}
	_, err = l.Symbol("cuNotInHere")
	if err == nil {
		t.Fatal("a symbol that is not there was found")
	}
	for _, want := range []string{"the C mathematics library", l.Path(), "cuNotInHere", "undefined symbol"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}
