package gpu

// Copy copies src into dst, of the same type and shape.
func Copy(dst, src Tensor) {
	wantLike("Copy", "src", src, dst)
	dst.dev.copy(dst, src)
}

func copyHost(dst, src Tensor) {
	d, s := bytesOf(dst), bytesOf(src)
	cut(dst.dev, len(d), 8*blockLen, func(lo, hi int) { copy(d[lo:hi], s[lo:hi]) })
}

func bytesOf(t Tensor) []byte {
	return host[byte](Tensor{dev: t.dev, rank: 1, dims: [4]int{t.Bytes()}, mem: t.mem})
}
