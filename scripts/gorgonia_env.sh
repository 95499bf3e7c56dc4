#!/usr/bin/env bash
# Prints the environment in which cgo builds and runs gpu/gorgonia, as lines for eval:
#   eval "$(scripts/gorgonia_env.sh [wheels])"
#   go build -tags gorgonia ./...
# wheels is the folder that scripts/cuda_wheels.sh prints (the default); the CUDA and cuDNN headers and libraries are
# taken from there. Packages of gorgonia.org/cu link to the libraries by their plain names, which wheels do not have:
# build/gorgonia/link of the project gets links with these names, and a stand-in for libcuda.so that has every function
# of the header and does nothing, for machines without a driver. It is linked to, never loaded: at run time the loader
# takes the driver's libcuda.so.1. With CONTIG_EMULATOR set to the emulator's library it also prints LD_LIBRARY_PATH and
# more, under which the same binary runs on the emulator instead. Needs gcc.
set -euo pipefail

fail() { echo "gorgonia_env.sh: $*" >&2; exit 1; }

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
wheels=${1:-$("$root/scripts/cuda_wheels.sh" libraries)}
cuda=$wheels/nvidia/cu13
cudnn=$wheels/nvidia/cudnn
for file in "$cuda/include/cuda.h" "$cuda/lib/libcublas.so.13" "$cudnn/include/cudnn.h" "$cudnn/lib/libcudnn.so.9"; do
  [ -e "$file" ] || fail "there is no $file: give the folder that scripts/cuda_wheels.sh libraries prints"
done

# stub writes the stand-in for the driver, unless it is there.
stub() {
  [ -e "$1/libcuda.so" ] && return
  echo '#include <cuda.h>' | gcc -E -P -I "$cuda/include" - | grep -oE '\<cu[A-Z][A-Za-z0-9_]* *\(' | tr -d ' (' | sort -u |
    sed 's/.*/int &(void) { return 3; }/' | # CUDA_ERROR_NOT_INITIALIZED
    gcc -shared -fPIC -Wl,-soname,libcuda.so.1 -x c - -o "$1/libcuda.so.$$"
  mv "$1/libcuda.so.$$" "$1/libcuda.so"
}

link=$root/build/gorgonia/link
mkdir -p "$link"
stub "$link"
ln -sfn "$cuda/lib/libcublas.so.13" "$link/libcublas.so"
ln -sfn "$cudnn/lib/libcudnn.so.9" "$link/libcudnn.so"
if [ -n "${CONTIG_EMULATOR:-}" ]; then
  emulated=$root/build/gorgonia/emulated
  mkdir -p "$emulated"
  for name in libcuda.so.1 libcublas.so.13 libcublasLt.so.13 libcudnn.so.9; do
    ln -sfn "$(realpath "$CONTIG_EMULATOR")" "$emulated/$name"
  done
  printf 'export CONTIG_LIBNVRTC=%q\n' "$(realpath "$CONTIG_EMULATOR")"
  printf 'export XDG_CACHE_HOME=%q\n' "$root/build/gorgonia/cache" # kernels of a GPU that does not exist
  printf 'export LD_LIBRARY_PATH=%q\n' "$emulated${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
fi
printf 'export CONTIG_WHEELS=%q\n' "$wheels"
printf 'export CGO_ENABLED=1\n'
printf 'export CGO_CFLAGS=%q\n' "-O2 -I$root/gpu/gorgonia/overlay -I$cuda/include -I$cuda/include/cccl -I$cudnn/include"
printf 'export CGO_LDFLAGS=%q\n' "-L$link -Wl,-rpath,$cuda/lib:$cudnn/lib -Wl,--no-as-needed -Wl,--allow-shlib-undefined"
printf 'export CGO_LDFLAGS_ALLOW=%q\n' '-Wl,(--no-as-needed|--allow-shlib-undefined)'
