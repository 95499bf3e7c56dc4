package gpu

// InfoNCESingle is InfoNCE on a GPU in its one-launch form; it reports false where that form does not fit.
func InfoNCESingle(loss, dz, dw, z, w, present, group, scale Tensor, spec InfoNCESpec) bool {
	c := z.dev.backend.(*gpu)
	rows := c.nceRows(z.Dim(0))
	if rows > 0 {
		c.infoNCESingle(&nce{loss, dz, dw, z, w, present, group, scale, spec}, rows)
	}
	return rows > 0
}

// InfoNCETiled is InfoNCE on a GPU in its tiled form, whatever the size.
func InfoNCETiled(loss, dz, dw, z, w, present, group, scale Tensor, spec InfoNCESpec) {
	z.dev.backend.(*gpu).infoNCETiled(&nce{loss, dz, dw, z, w, present, group, scale, spec})
}
