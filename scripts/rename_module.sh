#!/usr/bin/env bash
# rename_module.sh NEWPATH [FOLDER]: gives the module another path, such as github.com/NAME/contig-gpu, everywhere: go.mod, imports of all Go files, and the places that
# name packages by their path. FOLDER is the repository (this one). The program and its folder cmd/contig-gpu keep their name.
set -euo pipefail
new=${1:?usage: scripts/rename_module.sh NEWPATH [FOLDER]}
cd "${2:-$(dirname "$0")/..}"
old=$(go list -m)
[[ $new =~ ^[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*$ ]] || { echo "rename_module.sh: $new is no path of a module"; exit 2; }
[ "$new" != "$old" ] || { echo "rename_module.sh: $old is its path already"; exit 2; }
go mod edit -module "$new"
# An import, or a path in a test or script, is a quoted text that begins with the path and a folder of the module; cmd/contig-gpu is none.
folders='cmd|data|gpu|kernels|model'
git ls-files -z --cached --others --exclude-standard -- '*.go' '*.sh' '*.py' '.ci/run' Makefile 'gpu/gorgonia/*' |
    OLD=$old NEW=$new FOLDERS=$folders xargs -0 perl -pi -e '
        BEGIN { $old = quotemeta $ENV{OLD}; $f = $ENV{FOLDERS} }
        s{(?<=["`\x27 =(])$old/(?=(?:$f)\b)}{$ENV{NEW}/}g;
        s{(["`])$old/(["`])}{$1$ENV{NEW}/$2}g;'
git ls-files -z --cached --others --exclude-standard -- '*.go' | xargs -0 gofmt -w
go build ./...
go vet ./cmd/internal/arch ./data/...
echo "the module is $new now; contig-gpu, the program, keeps its name"
