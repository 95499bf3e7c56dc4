// The part of MPI that is used, declared by hand, so that no MPI is needed to build. One table of functions serves its three binary
// interfaces: a handle (communicator, type, operation) is passed as 64 bits, of which a callee of MPICH's interface, where handles are
// ints, reads the lower half; x86-64 and arm64 pass both in one register. No MPI_Status is read. abi/abi_check.c compares with headers.
// Sources: MPI 5.0, chapter 20 (the standard interface); MPICH's mpi.h, whose numbers its ABI initiative keeps; Open MPI's mpi.h,
// whose handles are addresses of exported objects.
#ifndef CONTIG_MPI_ABI_H
#define CONTIG_MPI_ABI_H
#include <stdint.h>

#ifndef CONTIG_HANDLE_TYPE // the check against MPICH's header has its own
#define CONTIG_HANDLE_TYPE uintptr_t
#endif
typedef CONTIG_HANDLE_TYPE contig_handle;

// FN(symbol, parameters, arguments): int symbol parameters.
#define CONTIG_MPI_FUNCTIONS(FN) \
	FN(MPI_Init_thread, (int *argc, char ***argv, int required, int *provided), (argc, argv, required, provided)) \
	FN(MPI_Finalize, (void), ()) \
	FN(MPI_Get_library_version, (char *text, int *len), (text, len)) \
	FN(MPI_Error_string, (int code, char *text, int *len), (code, text, len)) \
	FN(MPI_Comm_set_errhandler, (contig_handle comm, contig_handle handler), (comm, handler)) \
	FN(MPI_Comm_rank, (contig_handle comm, int *rank), (comm, rank)) \
	FN(MPI_Comm_size, (contig_handle comm, int *size), (comm, size)) \
	FN(MPI_Comm_split_type, (contig_handle comm, int type, int key, contig_handle info, contig_handle *out), (comm, type, key, info, out)) \
	FN(MPI_Comm_free, (contig_handle *comm), (comm)) \
	FN(MPI_Bcast, (void *buf, int n, contig_handle type, int root, contig_handle comm), (buf, n, type, root, comm)) \
	FN(MPI_Allreduce, (const void *src, void *dst, int n, contig_handle type, contig_handle op, contig_handle comm), (src, dst, n, type, op, comm)) \
	FN(MPI_Allgather, (const void *src, int n, contig_handle type, void *dst, int each, contig_handle like, contig_handle comm), (src, n, type, dst, each, like, comm))

// FN(field, name in mpi.h, value in the standard interface, in MPICH's, object of Open MPI).
#define CONTIG_MPI_HANDLES(FN) \
	FN(world, MPI_COMM_WORLD, 0x101, 0x44000000, ompi_mpi_comm_world) \
	FN(errors_return, MPI_ERRORS_RETURN, 0x143, 0x54000001, ompi_mpi_errors_return) \
	FN(info_null, MPI_INFO_NULL, 0x130, 0x1c000000, ompi_mpi_info_null) \
	FN(byte, MPI_BYTE, 0x247, 0x4c00010d, ompi_mpi_byte) \
	FN(f32, MPI_FLOAT, 0x210, 0x4c00040a, ompi_mpi_float) \
	FN(f64, MPI_DOUBLE, 0x214, 0x4c00080b, ompi_mpi_double) \
	FN(sum, MPI_SUM, 0x21, 0x58000003, ompi_mpi_op_sum)

// FN(field, name in mpi.h, standard, MPICH, Open MPI).
#define CONTIG_MPI_NUMBERS(FN) \
	FN(in_place, MPI_IN_PLACE, 1, -1, 1) \
	FN(serialized, MPI_THREAD_SERIALIZED, 2048, 2, 2) \
	FN(shared, MPI_COMM_TYPE_SHARED, 221, 1, 0)
#endif
