//go:build unix

package ranks

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

// warn has all ranks but the first warn of the same, and the last of something else; the first prints what it has heard once all have told it.
func warn(t *Team) error {
	if t.Rank > 0 {
		t.Warn("W999: all of us")
	}
	if t.Rank == t.Size-1 {
		t.Warn("W998: the last")
	}
	_, err := t.Any(false) // words come behind what was sent before
	for _, w := range t.Warned() {
		fmt.Println(w)
	}
	if t.Warned() != nil {
		err = errors.Join(err, errors.New("a warning is told of twice"))
	}
	return err
}

// TestWarnings: rank 0 hears of what others warn of, each text once, with the ranks whose it is.
func TestWarnings(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{fmt.Sprintf("\nW999: all of us [ranks 1 (%[1]s), 2 (%[1]s)]\n", host), fmt.Sprintf("\nW998: the last [rank 2 (%s)]\n", host)}
	for _, s := range crew(t, 3, "warn", port(t), nil) {
		if s.err != nil || strings.Count(s.out, "W99") != map[bool]int{true: 2}[s.rank == 0] {
			t.Errorf("rank %d: %v %s", s.rank, s.err, s.out)
		}
		for _, w := range want {
			if s.rank == 0 && !strings.Contains(s.out, w) {
				t.Errorf("rank 0 does not say %q: %s", w, s.out)
			}
		}
	}
}
