// Package convolution has the shape of a convolution and its passes, as every floor of package gpu takes them.
package convolution

// A Shape is a convolution of x [N, H, W, C] with w [K, R, S, C] to y [N, OH, OW, K]: cross-correlation, as everywhere in deep
// learning. Stride and the zeros of Pad on every side are the same in both directions.
type Shape struct {
	N, H, W, C  int
	K, R, S     int
	Stride, Pad int
}

// OH returns the height of y.
func (c Shape) OH() int { return Out(c.H, c.R, c.Stride, c.Pad) }

// OW returns the width of y.
func (c Shape) OW() int { return Out(c.W, c.S, c.Stride, c.Pad) }

// Flops returns the operations of one pass, an addition and a multiplication being two.
func (c Shape) Flops() int { return 2 * c.N * c.OH() * c.OW() * c.K * c.R * c.S * c.C }

// Out returns how many places a window of k has on n pixels, pad zeros being on either side.
func Out(n, k, stride, pad int) int { return (n+2*pad-k)/stride + 1 }

// A Pass is a direction of a convolution, or a form of one that takes memory of its own.
type Pass uint8

const (
	Forward        Pass   = iota // y from x and w
	Data                         // dx from dy and w
	Weight                       // dw, added to, from dy and x
	DataAdd                      // Data added to dx
	ForwardStats                 // Forward with the sums over y and its squares
	NormForward                  // ForwardStats of relu(scale x + shift)
	NormAddForward               // NormForward of a norm that something is added to before the ReLU, and what comes of that
	NormWeight                   // Weight of NormForward
	NormData                     // Data of that where the ReLU let through, with the sums that the norm's gradient wants
	NormDataAdd                  // DataAdd, of a norm that something is added to before the ReLU
	Passes         = iota        // how many there are
)
