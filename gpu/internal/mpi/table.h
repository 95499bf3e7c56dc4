// The functions of abi.h as a table of pointers, filled once per process, a C function contig_<symbol> for each, and what differs
// between the interfaces.
#ifndef CONTIG_MPI_TABLE_H
#define CONTIG_MPI_TABLE_H
#include "abi.h"

#define CONTIG_FIELD(sym, params, args) int (*sym) params;
extern struct contig_mpi { CONTIG_MPI_FUNCTIONS(CONTIG_FIELD) } contig_mpi;
#undef CONTIG_FIELD
#define CONTIG_CALL(sym, params, args) static inline int contig_##sym params { return contig_mpi.sym args; }
CONTIG_MPI_FUNCTIONS(CONTIG_CALL)
#undef CONTIG_CALL

#define CONTIG_HANDLE(field, name, standard, mpich, openmpi) contig_handle field;
#define CONTIG_NUMBER(field, name, standard, mpich, openmpi) intptr_t field;
struct contig_constants { CONTIG_MPI_HANDLES(CONTIG_HANDLE) CONTIG_MPI_NUMBERS(CONTIG_NUMBER) };
#undef CONTIG_HANDLE
#undef CONTIG_NUMBER

// The name of the i-th function, or of the i-th object of Open MPI, NULL behind the last; and setting its address.
const char *contig_mpi_name(int i);
void contig_mpi_set(int i, void *p);
const char *contig_mpi_object(int i);
void contig_mpi_set_object(struct contig_constants *c, int i, void *p);

// The constants of the interfaces; of Open MPI without the objects.
extern const struct contig_constants contig_mpi_standard, contig_mpi_mpich, contig_mpi_openmpi;

// contig_abi_version calls f, which is MPI_Abi_get_version, and returns the interface's major version, -1 where it gives none.
int contig_abi_version(void *f);
// contig_staging maps bytes of memory that Go's collector never sees; NULL where there is none.
void *contig_staging(long bytes);
// contig_in_place is the constant as an address.
static inline void *contig_in_place(const struct contig_constants *c) { return (void *)c->in_place; }
#endif
