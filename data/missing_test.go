package data_test

import (
	"testing"

	"contig-gpu/data"
)

// TestMissing knows all of pandas's words (its documentation of read_csv, na_values), plink's dot, and other cases of them.
func TestMissing(t *testing.T) {
	for _, word := range []string{"", " ", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
		"NULL", "NaN", "None", "n/a", "nan", "null", ".", "na", "Na", "NAN", "none", "<na>", "\tNA ", "  "} {
		if !data.Missing(word) {
			t.Errorf("%q is a value", word)
		}
	}
	for _, word := range []string{"0", "-9", "-", "NA12878", "NANA", "nano", "N", "A", "1.#INF", "inf", "Nathan", "nonesuch", "NA NA", "..", "#", "N/A N/A", "\u00a0x", "0.0"} {
		if data.Missing(word) {
			t.Errorf("%q is missing", word)
		}
	}
}
