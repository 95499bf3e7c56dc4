//go:build unix

package ranks

import (
	"net"
	"strings"
	"testing"
)

// TestAgentStore: where torchrun's agent listens at MASTER_PORT, the ranks meet beside it.
func TestAgentStore(t *testing.T) {
	agent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer agent.Close()
	_, taken, err := net.SplitHostPort(agent.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range crew(t, 3, "end", taken, func(int) []string { return []string{agentStoreEnv + "=True"} }) {
		if s.err != nil || !strings.HasSuffix(s.out, "went well\n") {
			t.Errorf("rank %d: %v %s", s.rank, s.err, s.out)
		}
	}
}
