// The loader's calls, each with its error text taken on the same thread (dlerror is per thread, and a goroutine may
// change threads between two calls from Go). Messages are malloc'd.
#ifndef CONTIG_DL_H
#define CONTIG_DL_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

static inline char *dl_message(void) {
	const char *m = dlerror();
	return strdup(m ? m : "the loader gives no reason");
}

static inline void *dl_open(const char *path, char **msg) {
	void *h = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
	if (!h) *msg = dl_message();
	return h;
}

// dl_path is the file that h came from; NULL if the loader does not say.
static inline const char *dl_path(void *h) {
	struct link_map *m = NULL;
	return dlinfo(h, RTLD_DI_LINKMAP, &m) == 0 && m ? m->l_name : NULL;
}

// dl_symbol sets *msg also for a symbol that is there with the value NULL: nothing could be called through it.
static inline void *dl_symbol(void *h, const char *name, char **msg) {
	void *p = dlsym(h, name);
	if (!p) *msg = dl_message();
	return p;
}
#endif
