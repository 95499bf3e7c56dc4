#!/usr/bin/env bash
# Makes packs of cuDNN's plans for GPUs that are not there, by the version of cuDNN that a machine with PyTorch has: scripts/cuda_wheels.sh torch
# fetches it, or $CONTIG_LIBCUDNN names another. On a GPU of that kind the program then compiles nothing: it loads what lies in the folder
# plans beside it, or what $CONTIG_PLAN_PACKS names.
#
#   scripts/plan_pack.sh [-o FOLDER] GPU/ENCODER/SIZE/BATCH/PRECISION...
#
# such as h200/resnet50/448/64/bf16, which serves an H100 too. FOLDER is build/plans; a pack that is there is not made again. $CONTIG_GPU is the
# program (./contig-gpu). Needs gcc; some minutes of a processor for each pack.
set -euo pipefail
cd "$(dirname "$0")/.."

out=build/plans
while getopts o: option; do
  case $option in
    o) out=$OPTARG ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
fail() { echo "plan_pack.sh: $*" >&2; exit 1; }
[ $# -gt 0 ] || fail "which packs? such as h200/resnet50/448/64/bf16"
bin=${CONTIG_GPU:-./contig-gpu}
[ -x "$bin" ] || fail "$bin is not there: make build, or name the program with CONTIG_GPU"

if [ -z "${CONTIG_LIBCUDNN:-}" ]; then
  torch=$(scripts/cuda_wheels.sh torch)
  wheels=$(scripts/cuda_wheels.sh libraries)
  export CONTIG_LIBCUDNN=$torch/nvidia/cudnn/lib/libcudnn.so.9 CONTIG_LIBNVRTC=$torch/nvidia/cu13/lib/libnvrtc.so.13
  export CONTIG_LIBCUBLASLT=$wheels/nvidia/cu13/lib/libcublasLt.so.13 CONTIG_LIBCUBLAS=$wheels/nvidia/cu13/lib/libcublas.so.13
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# cuDNN looks for a driver before it compiles an engine at run time; where there is none, a stand-in will do.
gcc -shared -fPIC -Wl,-soname,libcuda.so.1 gpu/internal/dnn/testdata/libcuda_stub.c -o "$work/libcuda.so.1"
export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$work
mkdir -p "$out"
for pack; do
  IFS=/ read -r gpu encoder size batch precision more <<<"$pack"
  [ -n "$precision" ] && [ -z "$more" ] || fail "$pack is not GPU/ENCODER/SIZE/BATCH/PRECISION"
  file=$out/$gpu-$encoder-$size-$batch-$precision.zip
  if [ -e "$file" ]; then echo "$file is there"; continue; fi
  echo "== $file"
  "$bin" plan --gpu "$gpu" --encoder "$encoder" --image-size "$size" --batch "$batch" --precision "$precision" --write-plans "$file" | grep -A1 '^wrote'
done
