package data

// A Fit says how an image that is not square becomes square. The zero value is FitPad.
type Fit string

const (
	FitPad     Fit = "pad"     // keep the aspect, black beside or above
	FitStretch Fit = "stretch" // scale both sides to the same length: torchvision's Resize((n, n))
)

// LeastBlur is the smallest standard deviation of a blur, pixels: SimCLR's (Chen et al. 2020, appendix A).
const LeastBlur = 0.1

// Augmentation says how images are varied in training: ranges and probabilities that each image draws from anew in each epoch.
// The zero value varies nothing. Package fundus applies it, in the order of the fields but for the blur, which comes first.
type Augmentation struct {
	CropScale      float64 `json:"crop_scale"`      // least share of the area that the random crop keeps, in (0, 1]; 0 or 1: no crop
	FlipHorizontal float64 `json:"flip_horizontal"` // probability of exchanging left and right
	FlipVertical   float64 `json:"flip_vertical"`   // probability of exchanging top and bottom
	Rotation       float64 `json:"rotation"`        // largest angle to either side, degrees
	Brightness     float64 `json:"brightness"`      // the factor lies in 1-x..1+x; the same for the next two
	Contrast       float64 `json:"contrast"`
	Saturation     float64 `json:"saturation"`
	Greyscale      float64 `json:"greyscale"`  // probability of losing all colour
	Blur           float64 `json:"blur"`       // probability of a Gaussian blur
	BlurSigma      float64 `json:"blur_sigma"` // largest standard deviation of the blur, pixels of the image before the crop
}

// Crops reports whether parts of images are cut out.
func (a Augmentation) Crops() bool { return a.CropScale > 0 && a.CropScale < 1 }
