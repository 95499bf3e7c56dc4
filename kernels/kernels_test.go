package kernels

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unsafe"
)

func TestEntryPoints(t *testing.T) {
	names := Names()
	if len(names) == 0 || !slices.IsSorted(names) {
		t.Errorf("names %v, want some, sorted", names)
	}
	for _, e := range EntryPoints() {
		if e.ArgBytes%4 != 0 || e.ArgBytes > 4096 {
			t.Errorf("%s has %d bytes of arguments; a driver takes 4096", e.Name, e.ArgBytes)
		}
		last := len(e.ArgSizes) - 1
		if at := e.ArgOffsets(); at[last]+int(e.ArgSizes[last]-'0') != e.ArgBytes {
			t.Errorf("%s: arguments of %s bytes at %v end elsewhere than at %d", e.Name, e.ArgSizes, at, e.ArgBytes)
		}
	}
}

// The offsets are those of Go's own layout of the structs.
func TestArgOffsets(t *testing.T) {
	var a AdamForward
	want := []int{0, 8, 16, 24, 32, 40, 48, 56, 60, 64, 68, 72, 76, 80, int(unsafe.Offsetof(a.N))}
	for _, e := range EntryPoints() {
		if got := e.ArgOffsets(); e.Name == "adam_forward_f32" && !slices.Equal(got, want) {
			t.Errorf("%s: arguments at %v, want %v", e.Name, got, want)
		}
	}
}

func TestUnitIncludesAllSources(t *testing.T) {
	unit := string(Unit())
	for name, text := range Sources() {
		if len(text) == 0 {
			t.Errorf("%s is empty", name)
		}
		if strings.Contains(unit, `"`+name+`"`) != strings.HasSuffix(name, ".cu") {
			t.Errorf("the translation unit is\n%s\nof %s", unit, name)
		}
	}
}

func TestImageIsUsedOnlyWhereItFits(t *testing.T) {
	const manifest = `{"Sources": "abc", "Compiler": "nvcc", "File": "k.fatbin", "Cubins": [80, 90], "PTX": 100}`
	full := fstest.MapFS{"image/manifest.json": {Data: []byte(manifest)}, "image/k.fatbin": {Data: []byte("code")}}
	for _, c := range []struct {
		files fstest.MapFS
		hash  string
		arch  int
		want  error
	}{
		{full, "abc", 80, nil}, {full, "abc", 86, nil}, {full, "abc", 90, nil}, {full, "abc", 120, nil},
		{full, "abc", 75, ErrNoImage}, {full, "abd", 90, ErrStaleImage}, {fstest.MapFS{}, "abc", 90, ErrNoImage},
	} {
		image, err := imageIn(c.files, "image", c.hash, c.arch)
		if !errors.Is(err, c.want) || (err == nil) != (string(image) == "code") {
			t.Errorf("image for %d of sources %s: %q, %v, want error %v", c.arch, c.hash, image, err, c.want)
		}
	}
}

// TestBuiltImage says when the image of this checkout is stale.
func TestBuiltImage(t *testing.T) {
	_, err := Image(90)
	if errors.Is(err, ErrNoImage) {
		t.Skip("no image here: make kernels builds one")
	}
	if err != nil {
		t.Error(err)
	}
}
