#!/usr/bin/env bash
# release.sh [OUT [OS/ARCH...]]: archives of the program for Linux, macOS and Windows, with SHA256SUMS and a bill of materials, into OUT (build/release). The same
# commit, Go and C compiler give the same bytes. Linux on amd64 is built with cgo, for --device cuda; the others compute on the CPU.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-build/release}
targets=(linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64)
[ $# -lt 2 ] || targets=("${@:2}")
epoch=$(git log -1 --format=%ct)
version=$(go run ./cmd/contig-gpu version --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["version"])')
rm -rf "$out"
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

program() { # OS ARCH CGO FILE
    GOOS=$1 GOARCH=$2 CGO_ENABLED=$3 go build -trimpath -buildvcs=true -ldflags "-s -w -buildid=" -o "$4" ./cmd/contig-gpu
}

for target in "${targets[@]}"; do
    IFS=/ read -r os arch <<<"$target"
    cgo=0
    [ "$target" != linux/amd64 ] || cgo=1
    case $os in darwin) label=macos ;; *) label=$os ;; esac
    name=contig-gpu-$version-$label-$arch
    mkdir "$work/$name"
    program "$os" "$arch" "$cgo" "$work/$name/contig-gpu$([ "$os" = windows ] && echo .exe || true)"
    cp README.md CHANGELOG.md LICENSE THIRD_PARTY_NOTICES.md CITATION.cff SECURITY.md "$work/$name/"
    go run ./cmd/contig-gpu man >"$work/$name/contig-gpu.1"
    cp -r docs "$work/$name/docs"
    python3 scripts/archive.py "$epoch" "$work/$name" "$out/$name.$([ "$os" = windows ] && echo zip || echo tar.gz)"
done
program linux amd64 0 "$work/program" # all are made of the same modules
go run github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0 bin -json -noserial -notimestamp -output "$out/contig-gpu-$version.sbom.json" "$work/program" 2>/dev/null
(cd "$out" && sha256sum -- contig-gpu-* >SHA256SUMS)
cat "$out/SHA256SUMS"
