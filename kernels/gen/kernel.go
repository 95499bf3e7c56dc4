package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A kernel is an entry point.
type kernel struct {
	name   string
	params []param
}

// A param is a parameter as Go sees it.
type param struct{ name, goType string }

// A family are the kernels that differ in the element type only.
type family struct {
	name    string
	members []string // sorted
	params  []param
}

var (
	global = regexp.MustCompile(`extern\s+"C"\s+__global__\s+void\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?(\w+)\s*\(`)
	export = regexp.MustCompile(`\bEXPORT_KERNEL\(\s*(\w+)\s*\)`)
	suffix = regexp.MustCompile(`^(\w+)_(f32|bf16|f16|f64|i32|u8)$`)
	star   = regexp.MustCompile(`\*\s*(?:__restrict__\s+)?(\w+)$`)
	plain  = regexp.MustCompile(`^(?:const\s+)?([\w ]+?)\s+(\w+)$`)
)

// goTypes are the types that a parameter may have beside pointers; they have one size and alignment everywhere.
func goTypes() map[string]string {
	return map[string]string{
		"int": "int32", "unsigned": "uint32", "u32": "uint32", "i64": "int64", "long long": "int64", "u64": "uint64",
		"unsigned long long": "uint64", "float": "float32", "double": "float64",
	}
}

// read returns the kernels of a file.
func read(path string) ([]kernel, error) {
	text, err := expanded(path)
	if err != nil {
		return nil, err
	}
	exported := map[string]bool{}
	for _, m := range export.FindAllStringSubmatch(text, -1) {
		exported[m[1]] = true
	}
	var ks []kernel
	for _, at := range global.FindAllStringSubmatchIndex(text, -1) {
		k := kernel{name: text[at[2]:at[3]]}
		if k.params, err = parameters(text, at[1]-1); err != nil {
			return nil, fmt.Errorf("kernel %s: %w", k.name, err)
		}
		if !exported[k.name] {
			return nil, fmt.Errorf("kernel %s: EXPORT_KERNEL(%s) is missing", k.name, k.name)
		}
		delete(exported, k.name)
		ks = append(ks, k)
	}
	for name := range exported {
		return nil, fmt.Errorf("EXPORT_KERNEL(%s) of no kernel, or a second time", name)
	}
	return ks, nil
}

func parameters(text string, at int) ([]param, error) {
	list, _, err := arguments(text, at)
	if err != nil {
		return nil, err
	}
	var ps []param
	for _, s := range list {
		p, err := parameter(strings.Join(strings.Fields(s), " "))
		if err != nil {
			return nil, err
		}
		ps = append(ps, p)
	}
	return ps, nil
}

func parameter(s string) (param, error) {
	if m := star.FindStringSubmatch(s); m != nil {
		return param{m[1], "uint64"}, nil
	}
	m := plain.FindStringSubmatch(s)
	if m == nil {
		return param{}, fmt.Errorf("parameter %q has no type or no name", s)
	}
	t, ok := goTypes()[m[1]]
	if !ok {
		return param{}, fmt.Errorf("parameter %q: want a pointer, int, unsigned, i64, u64, float or double", s)
	}
	return param{m[2], t}, nil
}

// families groups kernels, sorted by name.
func families(all []kernel) ([]family, error) {
	slices.SortFunc(all, func(a, b kernel) int { return strings.Compare(a.name, b.name) })
	by := map[string]*family{}
	var names []string
	for i, k := range all {
		if i > 0 && all[i-1].name == k.name {
			return nil, fmt.Errorf("two kernels have the name %s", k.name)
		}
		m := suffix.FindStringSubmatch(k.name)
		if m == nil {
			return nil, fmt.Errorf("kernel %s: the name does not end in a type: f32, bf16, f16, f64, i32 or u8", k.name)
		}
		f := by[m[1]]
		if f == nil {
			f = &family{name: m[1], params: k.params}
			by[m[1]], names = f, append(names, m[1])
		}
		if !slices.Equal(f.params, k.params) {
			return nil, fmt.Errorf("kernel %s has other parameters than %s", k.name, f.members[0])
		}
		f.members = append(f.members, k.name)
	}
	slices.Sort(names)
	var fs []family
	for _, n := range names {
		fs = append(fs, *by[n])
	}
	return fs, nil
}

// sizes are the bytes of each argument, a digit each.
func (f family) sizes() string {
	var b strings.Builder
	for _, p := range f.params {
		if strings.HasSuffix(p.goType, "32") {
			b.WriteByte('4')
		} else {
			b.WriteByte('8')
		}
	}
	return b.String()
}

// bytes is the length of the packed arguments: each at the next multiple of its size, nothing behind the last.
func (f family) bytes() int {
	n := 0
	for _, c := range f.sizes() {
		size := int(c - '0')
		n = (n+size-1)/size*size + size
	}
	return n
}
