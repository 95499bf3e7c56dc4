//go:build linux && cgo

package dl

/*
#include "dl.h"
static inline void *dl_open_local(const char *path, char **msg) {
	void *h = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
	if (!h) *msg = dl_message();
	return h;
}
*/
import "C"

import "unsafe"

// OpenLocal opens a file, or what the loader finds under a plain name, to be looked at and not worked with: its symbols are visible to no other library,
// so that libraries which have the same ones can be open beside each other.
func OpenLocal(name, file string) (*Library, error) {
	c := C.CString(file)
	defer C.free(unsafe.Pointer(c))
	var msg *C.char
	h := C.dl_open_local(c, &msg)
	if h == nil {
		return nil, taken(msg)
	}
	path := file
	if p := C.dl_path(h); p != nil && *p != 0 {
		path = C.GoString(p)
	}
	return &Library{name: name, path: path, handle: h}, nil
}
