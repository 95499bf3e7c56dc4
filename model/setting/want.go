package setting

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// A Want says which values make sense. Numbers must be finite, whatever it says.
type Want struct {
	words []string           // of text; nil: any
	empty bool               // text may also be ""
	text  string             // of numbers, after "a number"; "" is any
	ok    func(float64) bool // of numbers; nil: any
	alone bool               // text says that it is a number
	share bool               // "5%" is another form of 0.05
	most  float64            // of numbers, which text does not name: a bound that nobody meets but by mistake; 0: none
}

// Any takes all values.
func Any() Want { return Want{} }

// OneOf takes the given words.
func OneOf[T ~string](words ...T) Want {
	w := Want{}
	for _, s := range words {
		w.words = append(w.words, string(s))
	}
	return w
}

// OrEmpty takes empty text too.
func (w Want) OrEmpty() Want {
	w.empty = true
	return w
}

// Between takes numbers from lo to hi. Bounds that nobody meets but by mistake, MostNumber and that of Count, are named only to who does.
func Between(lo, hi float64) Want {
	if hi == MostNumber || hi == math.MaxInt32 {
		w := AtLeast(lo)
		w.most, w.ok = hi, func(x float64) bool { return x >= lo && x <= hi }
		return w
	}
	return Want{text: fmt.Sprintf("from %.15g to %.15g", lo, hi), ok: func(x float64) bool { return x >= lo && x <= hi }}
}

// MostSize is the most of what makes shapes: widths, and persons of a reference. Bytes are products of few of them and of the batch, and fit an int; what a
// machine has is compared with the product before any of it is taken.
const MostSize = 1 << 20

// Size takes whole numbers from lo to MostSize.
func Size(lo int) Want { return Between(float64(lo), MostSize) }

// MostNumber is the most of numbers that have no range of their own: float32 holds it, and its products with values of a usual size.
const MostNumber = 1e30

// Count takes whole numbers from lo to 2^31-1.
func Count(lo int) Want { return Between(float64(lo), math.MaxInt32) }

// Above takes numbers greater than lo, up to MostNumber.
func Above(lo float64) Want {
	return Want{text: fmt.Sprintf("above %g", lo), most: MostNumber, ok: func(x float64) bool { return x > lo && x <= MostNumber }}
}

// AboveTo takes numbers greater than lo up to hi.
func AboveTo(lo, hi float64) Want {
	return Want{text: fmt.Sprintf("above %g, at most %g", lo, hi), ok: func(x float64) bool { return x > lo && x <= hi }}
}

// AtLeast takes numbers from lo on.
func AtLeast(lo float64) Want {
	return Want{text: fmt.Sprintf("of at least %g", lo), ok: func(x float64) bool { return x >= lo }}
}

// Below takes numbers from lo to below hi.
func Below(lo, hi float64) Want {
	return Want{text: fmt.Sprintf("from %g to below %g", lo, hi), ok: func(x float64) bool { return x >= lo && x < hi }}
}

// OrZero takes 0 too, of whole numbers.
func (w Want) OrZero() Want {
	ok := w.ok
	return Want{text: "0 or a whole number " + w.text, alone: true, most: w.most, ok: func(x float64) bool { return x == 0 || ok(x) }}
}

// ShareOrCount takes a share of something, from 0 to below 1, also as a percentage, or a count of at least 2. It refuses 1,
// which could be either.
func ShareOrCount() Want {
	return Want{
		text:  "0, a share below 1 such as 0.05 or 5%, or a whole number of at least 2 (1 could be either)",
		alone: true,
		ok:    func(x float64) bool { return x >= 0 && x < 1 || x >= 2 && x <= math.MaxInt32 && x == math.Trunc(x) },
		share: true,
	}
}

// tooLarge reports whether v is a number beyond a bound that text does not name.
func (w Want) tooLarge(v any) bool {
	switch x := v.(type) {
	case int:
		return w.most > 0 && float64(x) > w.most
	case float64:
		return w.most > 0 && x > w.most
	}
	return false
}

// String returns the words, or the range of numbers.
func (w Want) String() string {
	if n := len(w.words); n > 1 {
		return strings.Join(w.words[:n-1], ", ") + " or " + w.words[n-1]
	}
	return strings.Join(w.words, "") + w.text
}

// takes reports whether v, of the types that Row.Value returns, makes sense.
func (w Want) takes(v any) bool {
	switch x := v.(type) {
	case string:
		return w.words == nil || w.empty && x == "" || slices.Contains(w.words, x)
	case int:
		return w.ok == nil || w.ok(float64(x))
	case float64:
		return !math.IsNaN(x) && !math.IsInf(x, 0) && (w.ok == nil || w.ok(x))
	}
	return true
}
