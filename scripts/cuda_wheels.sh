#!/usr/bin/env bash
# Installs the vendor's compiler, headers and libraries from Python wheels, without a GPU and without root, and
# prints the folder that then holds nvidia/: $CONTIG_WHEELS, else the user cache folder contig-gpu/wheels.
# Usage: scripts/cuda_wheels.sh [compile] [libraries] | torch
#   compile    nvcc, ptxas and what they need: make kernels; nvdisasm, which shows what they made: make kernels-table
#   libraries  headers, cuBLASLt, NVRTC, cuDNN, NCCL: the tests against the real libraries, gpu/gorgonia
#   torch      alone, into a folder of its own whose name ends in -torch: the cuDNN, NVRTC and NCCL that PyTorch 2.11 for CUDA 13.0 brings, which is what
#              a machine with PyTorch has; for make plan-pack, the tests of plans and those of NCCL's declarations
# Without a word it installs the first two. What is there already, in these versions, is left alone. nvidia/ appears as a
# whole or not at all; several runs at once wait for each other. Needs bash, flock and python3 with pip.
set -euo pipefail

# Version 13.0 is that of the oldest driver that the kernel image is for.
compile=(nvidia-cuda-nvcc==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-runtime==13.0.96
  nvidia-cuda-cccl==13.0.85 nvidia-cuda-nvdisasm==13.5.37)
libraries=(nvidia-cuda-crt==13.0.88 nvidia-cuda-runtime==13.0.96 nvidia-cuda-cccl==13.0.85 nvidia-cublas==13.0.2.14
  nvidia-cuda-nvrtc==13.0.88 nvidia-cudnn-cu13==9.26.0.51 nvidia-nccl-cu13==2.32.3)
torch=(nvidia-cudnn-cu13==9.19.0.56 nvidia-cuda-nvrtc==13.0.88 nvidia-nccl-cu13==2.28.9)
hashes=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/requirements/cuda.txt
if [ "$*" = torch ]; then hashes=${hashes%/*}/torch.txt; fi
stamp=contig-gpu.versions # in the folder: what is installed, a line each

fail() { echo "cuda_wheels.sh: $*" >&2; exit 1; }

wanted() {
  [ $# -gt 0 ] || set -- compile libraries
  for set in "$@"; do
    case $set in
      compile) printf '%s\n' "${compile[@]}" ;;
      libraries) printf '%s\n' "${libraries[@]}" ;;
      torch) [ $# -eq 1 ] || fail "torch has a folder of its own: ask for it alone"
        printf '%s\n' "${torch[@]}" ;;
      *) fail "unknown set '$set': compile, libraries or nothing for both; or torch" ;;
    esac
  done | sort -u
}

# missing prints the lines of its standard input that the stamp lacks.
missing() {
  if [ -f "$folder/$stamp" ]; then grep -vxFf "$folder/$stamp" || true; else cat; fi
}

# outdated tells whether another version of a package to install is there: then nothing old is kept.
outdated() {
  local package
  for package in "$@"; do
    if grep -q "^${package%%==*}==" "$folder/$stamp" 2>/dev/null; then return 0; fi
  done
  return 1
}

# pinned prints the requirements of packages with the hashes of their files.
pinned() {
  local package
  for package in "$@"; do
    awk -v want="$package" '$1 == want { on = 1; print; next } on && /^ +--hash/ { print; next } { on = 0 }' "$hashes" | grep . ||
      fail "$hashes has no $package: edit cuda.in there and run scripts/pin.sh cuda"
  done
}

install() {
  local new=$folder.new.$$ old=$folder.old.$$
  trap 'rm -rf "$folder.new.$$" "$folder.old.$$"' EXIT
  mkdir "$new"
  if outdated "$@"; then
    mapfile -t all <<<"$whole"
    set -- "${all[@]}"
  elif [ -d "$folder" ]; then
    cp -al "$folder/." "$new/" # hard links: cheap, and the old folder stays whole until the new one is
  fi
  echo "cuda_wheels.sh: installing $* in $folder" >&2
  pinned "$@" >"$new/pinned"
  # A folder of its own for pip, which refuses to add to nvidia/ where that is there.
  PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --no-deps --only-binary :all: --no-compile --no-cache-dir --disable-pip-version-check \
    --target "$new/pip" --require-hashes --requirement "$new/pinned" >&2 || fail "pip could not install $*; its reason is above. No network, a registry that lacks a package, or a full disk?"
  cp -al "$new/pip/." "$new/"
  rm -rf "$new/pip" "$new/pinned"
  printf '%s\n' "$@" >>"$new/$stamp"
  if [ -e "$folder" ]; then mv -T "$folder" "$old"; fi
  mv -T "$new" "$folder"
  rm -rf "$old"
}

folder=${CONTIG_WHEELS:-${XDG_CACHE_HOME:-$HOME/.cache}/contig-gpu/wheels}
folder=$(realpath -m "$folder")
list=$(wanted "$@") whole=$(wanted) # whole: all that belongs into the folder
if [ "$*" = torch ]; then folder=$folder-torch whole=$list; fi
if [ -e "$folder" ] && [ ! -f "$folder/$stamp" ] && [ -n "$(ls -A "$folder")" ]; then
  fail "$folder holds something else: it has files but no $stamp. Remove it, or name another with CONTIG_WHEELS"
fi
mkdir -p "$(dirname "$folder")"
exec 9>"$folder.lock"
flock 9
mapfile -t todo < <(missing <<<"$list")
if [ ${#todo[@]} -gt 0 ]; then
  command -v python3 >/dev/null || fail "python3 is not on PATH; it installs the wheels (${todo[*]})"
  python3 -m pip --version >/dev/null 2>&1 || fail "python3 has no pip; it installs the wheels (${todo[*]})"
  install "${todo[@]}"
fi
echo "$folder"
