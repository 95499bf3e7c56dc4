package gpu

// Copy copies src into dst, of the same type and shape.
func Copy(dst, src Tensor) {
	wantLike("Copy", "src", src, dst)
	switch {
	case dst.dev.gpu != nil:
		dst.dev.gpu.tally.add("copy", 0, dst, src)
		dst.dev.gpu.dev.Copy(dst.at, src.at, dst.Bytes())
		return
	case dst.dev.kind == plan:
		return
	}
	d, s := bytesOf(dst), bytesOf(src)
	cut(dst.dev, len(d), 8*blockLen, func(lo, hi int) { copy(d[lo:hi], s[lo:hi]) })
}

func bytesOf(t Tensor) []byte {
	return host[byte](Tensor{dev: t.dev, rank: 1, dims: [4]int{t.Bytes()}, mem: t.mem})
}
