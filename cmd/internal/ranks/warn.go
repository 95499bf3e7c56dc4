package ranks

import (
	"fmt"
	"slices"
	"strings"
)

// A Warning is what one or several ranks other than the first warn of.
type Warning struct {
	Text string
	Of   []Member
}

func (w Warning) String() string {
	var of []string
	for _, m := range w.Of {
		of = append(of, fmt.Sprintf("%d (%s)", m.Rank, m.Host))
	}
	word := "rank"
	if len(of) > 1 {
		word = "ranks"
	}
	return fmt.Sprintf("%s [%s %s]", w.Text, word, strings.Join(of, ", "))
}

// Warn tells rank 0, which speaks for all, what the user is to know of this rank.
func (c *Crew) Warn(text string) {
	for _, p := range c.others() {
		_ = p.send(note{Kind: kindWarn, Text: text}) // if rank 0 is gone, listen says so
	}
}

// warnedBy keeps a peer's warning.
func (c *Crew) warnedBy(p *peer, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.warnings, func(w Warning) bool { return w.Text == text })
	if i < 0 {
		i = len(c.warnings)
		c.warnings = append(c.warnings, Warning{Text: text})
	}
	c.warnings[i].Of = append(c.warnings[i].Of, p.Member)
}

// Warned returns, on rank 0, what the others have warned of since it was last asked, each text once.
func (c *Crew) Warned() []Warning {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.warnings
	c.warnings = nil
	for _, w := range all {
		slices.SortFunc(w.Of, func(a, b Member) int { return a.Rank - b.Rank })
	}
	return all
}
