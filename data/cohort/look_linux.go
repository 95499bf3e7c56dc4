package cohort

import (
	"fmt"
	"io/fs"
	"syscall"
	"time"
)

// lookOf returns all by which a change of a file shows without reading it: device, inode, size and both times, of the
// content and of the inode, of which the second cannot be set back. changed is the later one.
func lookOf(info fs.FileInfo) (look string, changed time.Time, ok bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", time.Time{}, false
	}
	content, inode := time.Unix(st.Mtim.Unix()), time.Unix(st.Ctim.Unix())
	if changed = content; inode.After(content) {
		changed = inode
	}
	return fmt.Sprint(st.Dev, st.Ino, st.Size, content.UnixNano(), inode.UnixNano()), changed, true
}

// An identity tells files apart, under whatever names. Size and time stand in it because there are file systems whose inodes do not.
type identity struct {
	dev, inode uint64
	size, time int64
}

// identityOf returns the identity of a file, and false where its file system numbers none.
func identityOf(info fs.FileInfo) (identity, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Ino == 0 {
		return identity{}, false
	}
	return identity{st.Dev, st.Ino, st.Size, st.Mtim.Nano()}, true
}
