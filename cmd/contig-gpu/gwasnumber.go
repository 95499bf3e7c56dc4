package main

import (
	"math"
	"strconv"
)

// assocDigits are written of effects and -log10 P.
const assocDigits = 7

// digitPairs are 00 to 99.
const digitPairs = "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849" +
	"5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899"

// appendValue writes a value with assocDigits digits as strconv.AppendFloat does in the form 'g', NA for NaN and Inf for infinity.
func appendValue(dst []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, "NA"...)
	case math.IsInf(v, 0):
		return append(dst, "Inf"...)
	}
	if out, ok := appendDigits(dst, v); ok {
		return out
	}
	return strconv.AppendFloat(dst, v, 'g', assocDigits, 64)
}

// appendDigits does so where the value is of middling size and its digits are beyond doubt: times a power of ten, rounded once, it is not near the middle between two integers.
func appendDigits(dst []byte, v float64) ([]byte, bool) {
	const doubt, most = 1e-6, 1e7
	a := math.Abs(v)
	if !(a >= 1e-4 && a < 1e6) {
		return dst, false
	}
	powers := [...]float64{1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1e3, 1e4, 1e5}
	before, scale := 6, 10.0 // digits before the point, or minus the zeros behind it
	for a < powers[before+3] {
		before--
		scale *= 10
	}
	x := a * scale
	n := uint64(x)
	half := x - float64(n) - 0.5
	if half > 0 {
		n++
	}
	if math.Abs(half) < doubt || n >= most || n < most/10 {
		return dst, false
	}
	var text [assocDigits]byte
	rest := uint32(n)
	for i := assocDigits - 2; i > 0; i -= 2 {
		pair := 2 * (rest % 100)
		rest /= 100
		text[i], text[i+1] = digitPairs[pair], digitPairs[pair+1]
	}
	text[0] = byte('0' + rest)
	end := assocDigits
	for text[end-1] == '0' {
		end--
	}
	if v < 0 {
		dst = append(dst, '-')
	}
	switch {
	case before <= 0:
		return append(append(dst, "0.000"[:2-before]...), text[:end]...), true
	case end <= before:
		return append(dst, text[:before]...), true
	}
	return append(append(append(dst, text[:before]...), '.'), text[before:end]...), true
}
