# For gpu_report.sh and gpu_first.sh, which source it: what they run, and where the vendor's tools are.

fail() { echo "${0##*/}: $*" >&2; exit 1; }

# prepare sets report, bin, python and here, and what programs and tests read. $CONTIG_REPORT names the folder of make gpu-report-build.
prepare() {
  here=$PWD/scripts
  report=$(realpath -m "${CONTIG_REPORT:-build/report}")
  bin=$report/contig-gpu
  if [ ! -d "$report" ] && [ -f "$report.tgz" ]; then tar -C "$(dirname "$report")" -xzf "$report.tgz" || fail "$report.tgz cannot be unpacked: carry it over again"; fi
  [ -x "$bin" ] || fail "$report is not built: run make gpu-report-build where Go is"
  python=${PYTHON:-python3}
  command -v "$python" >/dev/null || fail "$python is needed"
  export CONTIG_DEVICE=cuda:0 CONTIG_GPU=$bin
  # The tests carry the repository's golden cases; more may have come along.
  if [ -z "${CONTIG_GOLDEN:-}" ] && [ -d "$report/golden" ]; then export CONTIG_GOLDEN=$report/golden; fi
}

# emulate makes the emulator the GPU, where CONTIG_EMULATOR names it. A library that the caller has named stays.
emulate() {
  [ -n "${CONTIG_EMULATOR:-}" ] || return 0
  local name
  for name in CUDA NVRTC CUBLASLT CUBLAS CUDNN NCCL; do
    name=CONTIG_LIB$name
    if [ -z "${!name:-}" ]; then export "$name=$(realpath "$CONTIG_EMULATOR")"; fi
  done
}

# tool prints the path of one of the vendor's tools: on PATH, in a toolkit, in wheels, or what make gpu-report-sanitizer made.
tool() {
  command -v "$1" && return
  local found
  for found in "${CUDA_HOME:-/usr/local/cuda}/bin/$1" /usr/local/cuda*/compute-sanitizer/"$1" /usr/local/cuda*/bin/"$1" /opt/nvidia/nsight-compute/*/"$1" \
    $("$python" -c 'import glob, sys; [print(f) for p in sys.path for f in glob.glob(p + "/nvidia/**/" + sys.argv[1], recursive=True)]' "$1"); do
    [ -f "$found" ] && [ -x "$found" ] && { echo "$found"; return; }
  done
  if [ "$1" = compute-sanitizer ] && [ -f "$report/sanitizer.tgz" ]; then
    mkdir -p "$work/sanitizer" && tar -C "$work/sanitizer" -xzf "$report/sanitizer.tgz" && echo "$work/sanitizer/compute-sanitizer" && return
  fi
  return 1
}

# sanitized TOOL PATH makes of command what runs a tool of compute-sanitizer, which is at PATH, over the conformance suite: on our own kernels alone, since
# what the vendor's do is not ours to mend. Calls of the driver that a program expects to fail are no errors.
sanitized() {
  local tool=$1 found=$2 calls=()
  if [ "$tool" = memcheck ]; then calls=(--report-api-errors no); fi
  command=(env CONTIG_DEVICE='cuda:0 portable' "$found" --tool "$tool" "${calls[@]}" --error-exitcode 9
    ./gpu.test -test.v -test.short -test.run 'Conformance' -test.skip ConformanceRanks)
}
