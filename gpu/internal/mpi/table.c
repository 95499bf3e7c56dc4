//go:build linux && cgo

#define _GNU_SOURCE
#include "table.h"
#include <stddef.h>
#include <sys/mman.h>

struct contig_mpi contig_mpi;

#define NAME(sym, params, args) #sym,
static const char *const names[] = { CONTIG_MPI_FUNCTIONS(NAME) NULL };
#define OBJECT(field, name, standard, mpich, openmpi) #openmpi,
static const char *const objects[] = { CONTIG_MPI_HANDLES(OBJECT) NULL };

const char *contig_mpi_name(int i) { return names[i]; }
void contig_mpi_set(int i, void *p) { ((void **)&contig_mpi)[i] = p; }
const char *contig_mpi_object(int i) { return objects[i]; }
void contig_mpi_set_object(struct contig_constants *c, int i, void *p) { ((contig_handle *)c)[i] = (contig_handle)p; }

#define STANDARD(field, name, standard, mpich, openmpi) .field = standard,
#define MPICH(field, name, standard, mpich, openmpi) .field = mpich,
#define OPENMPI(field, name, standard, mpich, openmpi) .field = openmpi,
const struct contig_constants contig_mpi_standard = { CONTIG_MPI_HANDLES(STANDARD) CONTIG_MPI_NUMBERS(STANDARD) };
const struct contig_constants contig_mpi_mpich = { CONTIG_MPI_HANDLES(MPICH) CONTIG_MPI_NUMBERS(MPICH) };
const struct contig_constants contig_mpi_openmpi = { CONTIG_MPI_NUMBERS(OPENMPI) };

int contig_abi_version(void *f) {
	int major = -1, minor = -1;
	int code = ((int (*)(int *, int *))f)(&major, &minor);
	return code == 0 ? major : -1;
}

void *contig_staging(long bytes) {
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}
