//go:build linux && cgo

#include "table.h"

struct contig_nccl contig_nccl;

#define NAME(sym, params, args) #sym,
static const char *const names[] = { CONTIG_NCCL_FUNCTIONS(NAME) CONTIG_NCCL_TEXTS(NAME) NULL };

const char *contig_nccl_name(int i) { return names[i]; }
void contig_nccl_set(int i, void *p) { ((void **)&contig_nccl)[i] = p; }
