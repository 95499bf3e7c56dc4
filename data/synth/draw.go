package synth

import (
	"image"
	"math"
	"math/rand/v2"
)

// supersample is the number of drawn points per pixel, along each axis.
const supersample = 2

// A look is what an image shows, in the units of a disc of radius 1 around the centre of the fundus.
type look struct {
	colour                       [3]float64 // of the fundus, 0 to 1
	discX, discY, discR, cup     float64
	width, branching             float64 // of vessels; branches per unit of length
	maculaDark, gradient, rim    float64
	texture, haze                float64
	spots                        int
	turn, shiftX, shiftY, bright float64 // of this one photograph
	mirrored                     bool
}

// newLook maps traits (standard normal) to what is seen, continuously; r draws what differs between photographs.
func newLook(traits []float64, mirrored bool, r *rand.Rand) look {
	t := func(k int, mid, slope float64) float64 { return mid + slope*min(max(traits[k], -2.4), 2.4) }
	light := math.Exp(t(pigment, 0, -0.13))
	l := look{colour: [3]float64{t(hue, 0.84, -0.02) * light, t(hue, 0.42, 0.055) * light, t(saturation, 0.2, 0.055) * light},
		discX: 0.46, discY: t(discHeight, 0, 0.11), discR: t(discSize, 0.22, 0.038), cup: t(cupRatio, 0.46, 0.13),
		width: 0.027 * math.Exp(t(vesselWidth, 0, 0.27)), branching: math.Exp(t(vesselDensity, 0.75, 0.4)),
		maculaDark: t(macula, 0.4, 0.15), gradient: t(gradient, 0, 0.13), rim: t(vignette, 0.26, 0.09),
		texture: t(tessellation, 0.095, 0.038), haze: t(haze, 0.17, 0.06), spots: int(math.Round(max(0, t(exudates, 9, 5)))),
		turn: 0.05 * r.NormFloat64(), shiftX: 0.015 * r.NormFloat64(), shiftY: 0.015 * r.NormFloat64(),
		bright: 1 + 0.02*r.NormFloat64(), mirrored: mirrored}
	return l
}

// A canvas covers [-1.04, 1.04] in both directions with points; vein and artery hold how much of each point they hide.
type canvas struct {
	n            int
	vein, artery []float32 // [n*n]
	spot         []float32 // [n*n]
	colour       []float32 // [n*n*3]
}

const extent = 1.04

func newCanvas(n int) *canvas {
	return &canvas{n: n, vein: make([]float32, n*n), artery: make([]float32, n*n), spot: make([]float32, n*n), colour: make([]float32, n*n*3)}
}

// stamp lays a soft dot onto a layer: the darker of it and what is there.
func (c *canvas) stamp(layer []float32, x, y, radius, strength float64) {
	perUnit := float64(c.n) / (2 * extent)
	cx, cy, rad := (x+extent)*perUnit-0.5, (y+extent)*perUnit-0.5, radius*perUnit
	lo := func(v float64) int { return max(0, int(math.Floor(v-rad-1))) }
	hi := func(v float64) int { return min(c.n-1, int(math.Ceil(v+rad+1))) }
	for j := lo(cy); j <= hi(cy); j++ {
		for i := lo(cx); i <= hi(cx); i++ {
			d := math.Hypot(float64(i)-cx, float64(j)-cy)
			a := float32(strength * min(max(rad-d+0.5, 0), 1))
			layer[j*c.n+i] = max(layer[j*c.n+i], a)
		}
	}
}

// drawImage paints a look of one person's eye: shape draws what stays the same in each photograph of it.
func drawImage(l look, size int, shape, noise *rand.Rand) *image.RGBA {
	c := newCanvas(size * supersample)
	c.vessels(l, shape)
	c.spots(l, shape)
	c.shade(l, newTexture(shape))
	return c.photograph(size, l, noise)
}

func (c *canvas) spots(l look, r *rand.Rand) {
	for range l.spots {
		angle, far := 2*math.Pi*r.Float64(), 0.2+0.45*math.Sqrt(r.Float64())
		c.stamp(c.spot, maculaX+far*math.Cos(angle), maculaY+far*math.Sin(angle), 0.016+0.02*r.Float64(), 0.6)
	}
}

// The macula, and how far its darkness reaches.
const (
	maculaX, maculaY = -0.12, 0.04
	maculaReach      = 0.2
)

// shade computes the colour of every point inside the fundus.
func (c *canvas) shade(l look, tex texture) {
	perUnit := float64(c.n) / (2 * extent)
	for j := range c.n {
		for i := range c.n {
			x, y := (float64(i)+0.5)/perUnit-extent, (float64(j)+0.5)/perUnit-extent
			if x*x+y*y < 1 {
				c.point(j*c.n+i, x, y, l, tex)
			}
		}
	}
}

func (c *canvas) point(at int, x, y float64, l look, tex texture) {
	r2 := x*x + y*y
	d2 := (x-maculaX)*(x-maculaX) + (y-maculaY)*(y-maculaY)
	dark := 1 - l.maculaDark*math.Exp(-d2/(2*maculaReach*maculaReach))
	dark *= 1 + l.texture*tex.at(x, y)*min(1, d2/0.1)
	rgb := [3]float64{l.colour[0] * (0.2 + 0.8*dark), l.colour[1] * dark, l.colour[2] * dark}
	fromDisc := l.fromDisc(x, y)
	mix(&rgb, [3]float64{0.95, 0.72, 0.42}, 0.16*math.Exp(-sq(fromDisc/(1.7*l.discR)))+0.8*edge(l.discR-fromDisc, 0.035))
	mix(&rgb, [3]float64{1, 0.97, 0.84}, 0.85*edge(l.discR*l.cup-fromDisc, 0.03))
	mix(&rgb, [3]float64{0.98, 0.9, 0.5}, float64(c.spot[at]))
	vein, artery := float64(c.vein[at]), float64(c.artery[at])
	for k, absorbed := range [3][2]float64{{0.36, 0.2}, {0.66, 0.5}, {0.55, 0.42}} {
		v := rgb[k] * (1 - absorbed[0]*vein) * (1 - absorbed[1]*artery)
		rgb[k] = v
	}
	mix(&rgb, [3]float64{0.72, 0.66, 0.56}, l.haze)
	light := l.bright * (1 + l.gradient*y) * (1 - l.rim*r2) * edge(1-math.Sqrt(r2), 0.02)
	for k, v := range rgb {
		c.colour[3*at+k] = float32(light * v)
	}
}

// fromDisc returns how far a point is from the centre of the disc, which is a little higher than wide.
func (l look) fromDisc(x, y float64) float64 { return math.Hypot(x-l.discX, (y-l.discY)*0.9) }

func sq(x float64) float64 { return x * x }

// edge is 0 well outside and 1 well inside, smooth over a width.
func edge(inside, width float64) float64 {
	t := min(max(inside/width+0.5, 0), 1)
	return t * t * (3 - 2*t)
}

func mix(rgb *[3]float64, with [3]float64, share float64) {
	share = min(max(share, 0), 1)
	for k := range rgb {
		rgb[k] += share * (with[k] - rgb[k])
	}
}

// A texture is a sum of plane waves, bent: the choroid shining through.
type texture [6]struct{ kx, ky, phase float64 }

func newTexture(r *rand.Rand) texture {
	var t texture
	for i := range t {
		angle, k := math.Pi*r.Float64(), 13+9*r.Float64()
		t[i].kx, t[i].ky, t[i].phase = k*math.Cos(angle), k*math.Sin(angle), 2*math.Pi*r.Float64()
	}
	return t
}

func (t *texture) at(x, y float64) float64 {
	sum := 0.0
	for _, w := range t {
		sum += math.Sin(w.kx*x + w.ky*y + w.phase + 0.8*math.Sin(3*y+w.phase))
	}
	return sum * 0.6
}

// photograph turns, shifts and mirrors the canvas, averages its points to pixels and adds the sensor's noise.
func (c *canvas) photograph(size int, l look, noise *rand.Rand) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, size, size))
	for j := range size {
		for i := range size {
			rgb := c.pixel(i, j, l)
			lit := rgb[0] + rgb[1] + rgb[2]
			for k, v := range rgb {
				if lit > 0.02 {
					v += 0.012 * noise.NormFloat64()
				}
				img.Pix[j*img.Stride+4*i+k] = uint8(255*min(max(v, 0), 1) + 0.5)
			}
			img.Pix[j*img.Stride+4*i+3] = 255
		}
	}
	return img
}

// pixel averages the points that fall into one pixel of the photograph.
func (c *canvas) pixel(i, j int, l look) (rgb [3]float64) {
	half, sin, cos := float64(c.n)/2, math.Sin(l.turn), math.Cos(l.turn)
	for s := range supersample * supersample {
		x := float64(i*supersample+s%supersample) + 0.5 - half*(1+l.shiftX)
		y := float64(j*supersample+s/supersample) + 0.5 - half*(1+l.shiftY)
		if l.mirrored {
			x = -x
		}
		px, py := int(math.Floor(cos*x+sin*y+half)), int(math.Floor(cos*y-sin*x+half))
		if px < 0 || py < 0 || px >= c.n || py >= c.n {
			continue
		}
		at := 3 * (py*c.n + px)
		for k := range rgb {
			rgb[k] += float64(c.colour[at+k]) / (supersample * supersample)
		}
	}
	return rgb
}
