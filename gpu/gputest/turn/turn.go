// Package turn says which of the tests that take minutes are run. CONTIG_LONG asks for them: not set, or empty, for none; 1 for all; K/N, K from 1
// to N, for a share of N, which the name of each test chooses, so that N runs with every K run all.
package turn

import (
	"fmt"
	"hash/fnv"
	"os"
	"testing"
)

// Env names the environment variable.
const Env = "CONTIG_LONG"

// Long skips a test unless it is asked for: one that `go test` alone leaves out.
func Long(t testing.TB) {
	t.Helper()
	if os.Getenv(Env) == "" {
		t.Skipf("takes minutes: make test-kernels and %s=1 run it", Env)
	}
	Share(t)
}

// Share skips a test where a share is asked for that it is not in: one that `go test` alone runs.
func Share(t testing.TB) {
	t.Helper()
	if !mine(t) {
		t.Skipf("not in the share %s of the long tests", os.Getenv(Env))
	}
}

// Whole reports whether a test that has a short form runs whole.
func Whole(t testing.TB) bool { return os.Getenv(Env) != "" && mine(t) }

// Repeats is how often a test tries a statement about rates: all times where it runs whole, else few.
func Repeats(t testing.TB, few, all int) int {
	t.Helper()
	if Whole(t) {
		return all
	}
	return few
}

func mine(t testing.TB) bool {
	t.Helper()
	text := os.Getenv(Env)
	if text == "" || text == "1" {
		return true
	}
	var k, n uint32
	if m, err := fmt.Sscanf(text+"\n", "%d/%d\n", &k, &n); m != 2 || err != nil || k < 1 || k > n {
		t.Fatalf("%s is %q: want 1, or K/N for a share of N", Env, text)
	}
	h := fnv.New32a()
	h.Write([]byte(t.Name()))
	return h.Sum32()%n == k-1
}
