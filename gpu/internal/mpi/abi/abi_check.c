// Compares abi.h with an installed mpi.h: mpicc -DFACE=mpich -DCONTIG_HANDLE_TYPE=int abi_check.c, or -DFACE=openmpi, or -DFACE=standard
// for the interface of MPI 5. The program prints what differs and returns how much.
#include <mpi.h>
#include <stdio.h>
#include "../abi.h"

// In MPICH's interface every handle is an int, so that whole prototypes can be compared; elsewhere each is a type of its own.
#define mpich_prototypes(FN) CONTIG_MPI_FUNCTIONS(FN)
#define openmpi_prototypes(FN)
#define standard_prototypes(FN)
#define PROTOTYPE(sym, params, args) static int (*const same_##sym) params __attribute__((unused)) = sym;

#define JOIN(a, b) a##b
#define OF(face, what) JOIN(face, what)
OF(FACE, _prototypes)(PROTOTYPE)

#define standard_value(standard, mpich, openmpi) (uintptr_t)(standard)
#define mpich_value(standard, mpich, openmpi) (uintptr_t)(mpich)
#define openmpi_value(standard, mpich, openmpi) (uintptr_t)&openmpi
#define openmpi_number(standard, mpich, openmpi) (uintptr_t)(openmpi)
#define standard_number standard_value
#define mpich_number mpich_value

#define HANDLE(field, name, standard, mpich, openmpi) \
	if ((CONTIG_HANDLE_TYPE)(uintptr_t)(name) != (CONTIG_HANDLE_TYPE)OF(FACE, _value)(standard, mpich, openmpi)) bad += !!printf("%s is another\n", #name);
#define NUMBER(field, name, standard, mpich, openmpi) \
	if ((uintptr_t)(name) != OF(FACE, _number)(standard, mpich, openmpi)) bad += !!printf("%s is another\n", #name);

int main(void) {
	int bad = 0;
	CONTIG_MPI_HANDLES(HANDLE)
	CONTIG_MPI_NUMBERS(NUMBER)
	return bad;
}
