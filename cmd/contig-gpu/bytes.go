package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

func bytesText(n int) string {
	if n < 1<<30 {
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
}

// parseBytes reads 16G, 512M or a number of bytes, the text of --memory.
func parseBytes(s string) (int, error) {
	number, shift := strings.TrimSuffix(strings.ToUpper(s), "B"), 0
	for suffix, n := range map[string]int{"K": 10, "M": 20, "G": 30, "T": 40} {
		if cut, ok := strings.CutSuffix(number, suffix); ok {
			number, shift = cut, n
			break
		}
	}
	f, err := strconv.ParseFloat(number, 64)
	if f = math.Floor(math.Ldexp(f, shift)); err != nil || !(f >= 1 && f < math.MaxInt64) {
		return 0, usagef("plan: --memory: want a size such as 16G or 512M, at least 1 byte and less than 8388608T, found %q", s)
	}
	return int(f), nil
}
