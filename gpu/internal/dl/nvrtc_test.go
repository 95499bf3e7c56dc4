//go:build linux && cgo

package dl

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// fakeNVRTC puts libraries of these names into a folder, each of which knows its own name.
func fakeNVRTC(t *testing.T, folder string, names ...string) {
	t.Helper()
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("no gcc: install it, cgo needs it too")
	}
	for _, name := range names {
		out, err := exec.Command(gcc, "-shared", "-fPIC", "-x", "c", "/dev/null", "-Wl,-soname,"+name, "-o", filepath.Join(folder, name)).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
}

// TestBuiltinsBesideNVRTC: after NVRTC is opened, its built-in functions are found by plain name, as NVRTC itself asks for them, also where
// only a link to NVRTC is in the loader's folder.
func TestBuiltinsBesideNVRTC(t *testing.T) {
	for name, linked := range map[string]bool{"beside": false, "behind a link": true} {
		t.Run(name, func(t *testing.T) {
			builtins := "libnvrtc-builtins.so.13." + map[bool]string{false: "77", true: "78"}[linked] // a library that is open stays open
			folder := t.TempDir()
			fakeNVRTC(t, folder, "libnvrtc.so.13", builtins, "libnvrtc-builtins.alt.so.13.77")
			path := filepath.Join(folder, "libnvrtc.so.13")
			alone(t)
			if linked {
				link := filepath.Join(t.TempDir(), "libnvrtc.so.13")
				if err := os.Symlink(path, link); err != nil {
					t.Fatal(err)
				}
				path = link
			}
			t.Setenv("CONTIG_LIBNVRTC", path)
			if _, err := open("test", builtins); err == nil {
				t.Fatalf("%s is open before NVRTC is", builtins)
			}
			if _, err := OpenNVRTC(); err != nil {
				t.Fatal(err)
			}
			if _, err := open("test", builtins); err != nil {
				t.Error(err)
			}
			if _, err := open("test", "libnvrtc-builtins.alt.so.13.77"); err == nil {
				t.Error("another library was opened too")
			}
		})
	}
}

// TestBrokenBuiltins are an error that names the file; none at all is no error.
func TestBrokenBuiltins(t *testing.T) {
	folder := t.TempDir()
	fakeNVRTC(t, folder, "libnvrtc.so.13")
	alone(t)
	t.Setenv("CONTIG_LIBNVRTC", filepath.Join(folder, "libnvrtc.so.13"))
	if _, err := OpenNVRTC(); err != nil {
		t.Errorf("without built-in functions: %v", err)
	}
	broken := filepath.Join(folder, "libnvrtc-builtins.so.13.0")
	if err := os.WriteFile(broken, []byte("cut"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenNVRTC(); err == nil || !strings.Contains(err.Error(), broken) {
		t.Errorf("error is %v, want one that names %s", err, broken)
	}
}
