package data

import "strings"

// longestMissing is the length of the longest of the words that Missing knows.
const longestMissing = len("#n/a n/a")

// Missing reports whether a field of a text file says that there is no value. It is the one rule for all files: nothing, a dot (plink),
// NA (R), and the words that pandas takes for missing (read_csv's na_values), without regard to case or to white space around them.
// What stands for a missing value by agreement, such as plink's -9, is not among them: it may be a value.
func Missing(field string) bool {
	field = strings.TrimSpace(field)
	if len(field) > longestMissing {
		return false
	}
	switch field {
	case "", ".", "NA":
		return true
	}
	switch strings.ToLower(field) {
	case "na", "n/a", "nan", "-nan", "<na>", "null", "none",
		"#n/a", "#n/a n/a", "#na", // spreadsheets
		"1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan": // C on Windows
		return true
	}
	return false
}
