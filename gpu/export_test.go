package gpu

// InfoNCESingle is InfoNCE on a GPU in its one-launch form; it reports false where that form does not fit.
func InfoNCESingle(loss, du, dv, u, v, present, group, scale Tensor, spec InfoNCESpec) bool {
	c := u.dev.card
	rows := c.nceRows(u.Dim(0))
	if rows > 0 {
		c.infoNCESingle(newNCE(loss, du, dv, u, v, present, group, scale, spec), rows)
	}
	return rows > 0
}

// InfoNCETiled is InfoNCE on a GPU in its tiled form, whatever the size.
func InfoNCETiled(loss, du, dv, u, v, present, group, scale Tensor, spec InfoNCESpec) {
	u.dev.card.infoNCETiled(newNCE(loss, du, dv, u, v, present, group, scale, spec))
}
