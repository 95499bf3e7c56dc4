package setting

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// The recipes.
const (
	Default = "default" // what we think is right
	Paper   = "paper"   // what the authors ran
)

// A Row is one setting. Make it with New or Not.
type Row struct {
	Name  string   // of the flag, and of the key in configuration files
	Usage string   // what it means, for help; {} stands for the values that it may have
	Group string   // heading in help; "" is none
	Also  []string // other names of the flag

	to   reflect.Value // the field
	not  bool          // the setting is the opposite of the field
	want Want

	// Of type string, int, float64 or bool, or nil.
	standard any // default
	paper    any // of recipe Paper; nil: the same
	before   any // see Before; nil: as in the recipe
}

// New returns the setting called name, whose value lies at to and is standard unless something else is said.
func New[T ~string | ~int | ~uint64 | ~float64 | ~bool](name string, to *T, standard T, want Want, usage string) Row {
	return Row{Name: name, Usage: usage, to: reflect.ValueOf(to).Elem(), want: want, standard: base(reflect.ValueOf(standard))}
}

// Not returns the setting called name, false by default, that is the opposite of what lies at to.
func Not(name string, to *bool, usage string) Row {
	r := New(name, to, false, Any(), usage)
	r.not = true
	return r
}

// Paper gives the setting another default in recipe Paper. It panics where v is of another type.
func (r Row) Paper(v any) Row {
	r.paper = r.like(v)
	return r
}

// Before says what runs did that did not know the setting yet, where this is not the default of their recipe: what their
// checkpoints are read with. It panics where v is of another type.
func (r Row) Before(v any) Row {
	r.before = r.like(v)
	return r
}

// Saying returns the setting with another usage.
func (r Row) Saying(usage string) Row {
	r.Usage = usage
	return r
}

// AlsoNamed returns the setting with another name of its flag.
func (r Row) AlsoNamed(name string) Row {
	r.Also = append(slices.Clone(r.Also), name)
	return r
}

// Group puts rows under a heading of the help.
func Group(name string, rows ...Row) []Row {
	for i := range rows {
		rows[i].Group = name
	}
	return rows
}

// Of returns those of rows whose values lie at the given pointers, in their order. It panics where there is none.
func Of(rows []Row, to ...any) []Row {
	out := make([]Row, len(to))
	for i, p := range to {
		found := false
		for _, r := range rows {
			if r.To() == p {
				out[i], found = r, true
			}
		}
		if !found {
			panic(fmt.Sprintf("setting: no row for %T number %d", p, i))
		}
	}
	return out
}

// Apply gives every setting its default in a recipe, Default or Paper.
func Apply(rows []Row, recipe string) {
	for _, r := range rows {
		if recipe == Paper && r.paper != nil {
			r.put(r.paper)
		} else {
			r.put(r.standard)
		}
	}
}

// Earlier gives every setting with Before the value stated there.
func Earlier(rows []Row) {
	for _, r := range rows {
		if r.before != nil {
			r.put(r.before)
		}
	}
}

// To returns the pointer that the row was made with.
func (r Row) To() any { return r.to.Addr().Interface() }

// Value returns the value, of type string, int, float64 or bool.
func (r Row) Value() any {
	v := base(r.to)
	if r.not {
		return !v.(bool)
	}
	return v
}

// Words returns what text the setting may be, where it may not be any.
func (r Row) Words() []string { return slices.Clone(r.want.words) }

// Bool reports whether the setting is true or false.
func (r Row) Bool() bool { return r.to.Kind() == reflect.Bool }

// Help returns the usage, with the values that the setting may have.
func (r Row) Help() string { return strings.ReplaceAll(r.Usage, "{}", r.want.String()) }

// put sets the value, which is of the type that Value returns.
func (r Row) put(v any) {
	if r.not {
		v = !v.(bool)
	}
	r.to.Set(reflect.ValueOf(v).Convert(r.to.Type()))
}

// like returns v as what Value returns. A whole number will do for a number.
func (r Row) like(v any) any {
	b := base(reflect.ValueOf(v))
	if n, whole := b.(int); whole && r.to.Kind() == reflect.Float64 {
		b = float64(n)
	}
	if reflect.TypeOf(b) != reflect.TypeOf(r.Value()) {
		panic(fmt.Sprintf("setting: %s is %T, not %T", r.Name, r.Value(), v))
	}
	return b
}

// base returns a value as a string, int, float64 or bool.
func base(v reflect.Value) any {
	switch v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return v.Bool()
	case reflect.Float64:
		return v.Float()
	case reflect.Int:
		return int(v.Int())
	case reflect.Uint64:
		return int(v.Uint())
	}
	panic("setting: a value of type " + v.Type().String())
}
