package fundus

// The mean and standard deviation of ImageNet's channels, red first, of values 0..1 (torchvision's
// transforms for its pre-trained models).
const (
	meanR, meanG, meanB = .485, .456, .406
	stdR, stdG, stdB    = .229, .224, .225
)

// affine returns k and b so that k*v + b is the normalised value of grey level v, per channel.
func affine() (k, b [3]float32) {
	mean, std := [3]float64{meanR, meanG, meanB}, [3]float64{stdR, stdG, stdB}
	for c := range 3 {
		k[c], b[c] = float32(1/(255*std[c])), float32(-mean[c]/std[c])
	}
	return k, b
}

// Normalise writes (v/255 - mean) / std of each value of src [H, W, 3] to dst of the same shape.
func Normalise(dst []float32, src []uint8) {
	mean, std := [3]float64{meanR, meanG, meanB}, [3]float64{stdR, stdG, stdB}
	var table [3][256]float32
	for c := range 3 {
		for v := range 256 {
			table[c][v] = float32((float64(v)/255 - mean[c]) / std[c])
		}
	}
	for i := 0; i+2 < len(src); i += 3 {
		dst[i], dst[i+1], dst[i+2] = table[0][src[i]], table[1][src[i+1]], table[2][src[i+2]]
	}
}
