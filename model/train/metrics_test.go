package train

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	var p pace
	now := time.Now()
	p.begin(now)
	// The third step ends when the second is told of.
	for i, c := range []struct {
		after, images int
		want          float64
	}{{2, 8, 4}, {4, 8, 4}, {4, 8, 8}, {8, 8, 4}} {
		if got := p.step(c.images, now.Add(time.Duration(c.after)*time.Second)); got != c.want {
			t.Errorf("step %d: %g images per second, want %g", i+1, got, c.want)
		}
	}
}
