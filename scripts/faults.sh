#!/usr/bin/env bash
# faults.sh [PART/PARTS] [PATTERN]: injects faults into every verb and holds each to its promised end: full disks, failing system calls and kills by strace, folders that cannot be written, closed or full
# outputs, limits, signals, damaged files, paths that must not be replaced. A line for each fault: its name, what was promised, "holds", "BREAKS" or "skipped" with the reason. Ends with 1 where one breaks.
# With 2/5 it runs the faults 2, 7, 12, ...; PATTERN is an extended regular expression on names. Installs nothing; needs $CONTIG_GPU or ./contig-gpu. Full disks need root and tmpfs, injections strace.
set -uo pipefail
share=${1:-1/1} pattern=${2:-.}
part=${share%/*} parts=${share#*/}
work=$(mktemp -d)
bin=$work/contig-gpu # where any user may run it
cp "${CONTIG_GPU:-./contig-gpu}" "$bin" && chmod 755 "$bin" || exit 2
disk=$work/disk
mkdir "$disk"
trap 'umount -l "$disk" 2>/dev/null; chmod -R u+w "$work"; rm -rf "$work"' EXIT
export HOME=$work/home XDG_CACHE_HOME=$work/cache
mkdir "$HOME" "$XDG_CACHE_HOME"
chmod 755 "$work"
cd "$work" || exit 2

number=0 held=0 broken=0 skipped=0
reason=

# fault NAME PROMISE COMMAND...: runs the command in a folder t of its own; status 0 holds, 77 was skipped for $reason.
fault() {
    local name=$1 promise=$2 status
    shift 2
    number=$((number + 1))
    if (((number - part) % parts != 0)) || ! [[ $name =~ $pattern ]]; then return; fi
    chmod -R u+w t 2>/dev/null
    rm -rf t && mkdir t
    reason=
    "$@" >t.out 2>&1
    status=$?
    case $status in
    0) held=$((held + 1)) && printf '%-34s %-52s holds\n' "$name" "$promise" ;;
    77) skipped=$((skipped + 1)) && printf '%-34s %-52s skipped: %s\n' "$name" "$promise" "$(tail -n 1 t.out)" ;;
    *)
        broken=$((broken + 1))
        printf '%-34s %-52s BREAKS\n' "$name" "$promise"
        tail -n 6 t.out | cut -c 1-200 | sed 's/^/    | /'
        ;;
    esac
}

skip() { echo "$*"; return 77; }

# ends WANT COMMAND...: the command ends with a numbered error (E), with a status, or with one of several (0|E).
ends() {
    local want=$1 status=0 last
    shift
    (ulimit -v 8000000 2>/dev/null; exec timeout 60 "$@") >ends.out 2>ends.err || status=$? # an input without end may not take the machine along
    last=$(grep -aoE '^contig-gpu: E[0-9]+: ' ends.err | tail -n 1)
    cat ends.err
    for one in ${want//|/ }; do
        if [ "$one" = E ]; then
            if [ $status = 1 ] && [ -n "$last" ] && ! [[ $last =~ E800 ]]; then return 0; fi
        elif [ $status = "$one" ]; then return 0; fi
    done
    echo "ended with $status, not $want"
    return 1
}

# The cohort, and the ends of runs that are left alone.
"$bin" synth --out cohort --persons 40 --image-size 32 --seed 3 >/dev/null || exit 2
data=(--images "$work/cohort/images.tsv" --data "$work/cohort/data.toml")
train=("$bin" train "${data[@]}" --encoder resnet18 --image-size 32 --batch 8 --hidden 8 --embedding 8 --max-steps 9 --checkpoint-every 3 --keep 1 --seed 1 --device cpu)
"${train[@]}" --run reference >/dev/null 2>&1 || { "${train[@]}" --run reference; exit 2; }
model=reference/checkpoints/last.safetensors
embed=("$bin" embed --checkpoint "$work/$model" "${data[@]}" --device cpu)
"${embed[@]}" --out embedded >/dev/null 2>&1 || exit 2
"$bin" export --checkpoint "$model" --out exported.safetensors >/dev/null 2>&1 || exit 2
awk '{print $2, $5, NR}' cohort/cohort.bim >weights.txt
awk '{print "GENE" NR % 3, $2}' cohort/cohort.bim >sets.txt
pgs=("$bin" pgs --genotypes "$work/cohort/cohort" --scores "$work/weights.txt" --keep-ambiguous)
burden=("$bin" burden --genotypes "$work/cohort/cohort" --sets "$work/sets.txt" --aaf-bins 0.3,1)
"${pgs[@]}" --out scored >/dev/null 2>&1 || { "${pgs[@]}" --out scored; exit 2; }
"${burden[@]}" --out burdened.tsv.gz >/dev/null 2>&1 || { "${burden[@]}" --out burdened.tsv.gz; exit 2; }

# goes RUN: a run that was disturbed can be resumed or, where nothing was saved, begun again without --overwrite, and ends in the bytes of one left alone.
goes() {
    "${train[@]}" --run "$1" --resume >goes.log 2>&1 || "${train[@]}" --run "$1" >>goes.log 2>&1 || { cat goes.log; echo "neither resumed nor begun anew"; return 1; }
    cmp "$1/checkpoints/last.safetensors" "$model" && cmp "$1/checkpoints/best.safetensors" reference/checkpoints/best.safetensors || return 1
    if ls -A "$1" "$1/checkpoints" | grep -q '\.tmp'; then echo "temporary files are left"; return 1; fi
}

full() { # SIZE
    mount -t tmpfs -o "size=$1" none "$disk" 2>/dev/null || { skip "no tmpfs can be mounted here"; return; }
    local ok=0
    ends E "${train[@]}" --run "$disk/run" && mount -o remount,size=4g "$disk" && goes "$disk/run" || ok=1
    umount -l "$disk"
    return $ok
}

traced() { # WHAT COMMAND...: under strace with an injection
    command -v strace >/dev/null || { skip "strace is not installed"; return; }
    strace -f -qq -e signal=none -e trace="${1%%:*}" -o /dev/null true 2>/dev/null || { skip "strace may not trace here"; return; }
    local what=$1
    shift
    strace -f -qq -o /dev/null -e "trace=${what%%:*}" -e "inject=$what" "$@"
}

injected() { # WHAT: a training with it may end well or in a numbered error, and goes on
    local status=0
    traced "$1" "${train[@]}" --run t/run >t/log 2>&1 || status=$?
    cat t/log
    case $status in 0 | 1 | 137) ;; 77) return 77 ;; *) echo "ended with $status" && return 1 ;; esac
    if [ $status = 1 ] && { ! grep -aqE '^contig-gpu: E[0-9]+: ' t/log || grep -aq '^contig-gpu: E800' t/log; }; then echo "no numbered error" && return 1; fi
    goes t/run
}

killed() { # WHAT VERB: killed there, then run again: whole
    local status=0
    local -a verb
    case $2 in
    synth) verb=("$bin" synth --out t/out --persons 40 --image-size 32 --seed 3) ;;
    embed) verb=("${embed[@]}" --out t/out) ;;
    export) verb=("$bin" export --checkpoint "$model" --out t/out) ;;
    pgs) verb=("${pgs[@]}" --out t/out) ;;
    burden) verb=("${burden[@]}" --out t/out.gz) ;;
    esac
    traced "$1" "${verb[@]}" >t/log 2>&1 || status=$?
    case $status in 0 | 1 | 137) ;; 77) cat t/log && return 77 ;; *) cat t/log && echo "ended with $status" && return 1 ;; esac
    local want=cohort
    [ "$2" = embed ] && want=embedded
    [ "$2" = export ] && want=exported.safetensors
    [ "$2" = pgs ] && want=scored
    local out=out
    [ "$2" = burden ] && want=burdened.tsv.gz out=out.gz
    if [ -e t/$out ]; then diff -rq t/$out "$want" || return 1; fi # whole
    [ -e t/$out ] || "${verb[@]}" || return 1
    diff -rq t/$out "$want" || return 1
    rm -rf t/log
    [ "$(ls -A t)" = $out ] || { ls -A t && echo "something is left"; return 1; }
}

# replaced: a folder or file of others that is overwritten; it must still be there.
spared() { # PATH COMMAND...
    local path=$1 before after
    shift
    before=$(find "$path" -not -name '.lock' -exec stat -c '%n %F %s' {} + | sort | sha256sum)
    ends 'E|2' "$@"
    local ok=$?
    after=$(find "$path" -not -name '.lock' -exec stat -c '%n %F %s' {} + | sort | sha256sum)
    [ "$before" = "$after" ] || { echo "$path was changed"; return 1; }
    return $ok
}

nobody() { # COMMAND...: as a user who may not write
    [ "$(id -u)" = 0 ] || { skip "needs root, to become another user"; return; }
    command -v setpriv >/dev/null || { skip "setpriv is not installed"; return; }
    chmod 755 . && ends E setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=/nonexistent "$@"
}

signalled() { # NAME NUMBER
    "${train[@]}" --max-steps 4000 --run t/run >t/log 2>&1 &
    local pid=$! status=0 i
    for ((i = 0; i < 300; i++)); do [ -e t/run/checkpoints/last.safetensors ] && break; sleep 0.1; done
    kill -s "$1" $pid
    for ((i = 0; i < 200; i++)); do kill -0 $pid 2>/dev/null || break; sleep 0.1; done
    kill -9 $pid 2>/dev/null # it did not end in 20 s
    wait $pid || status=$?
    cat t/log
    [ $status = $((128 + $2)) ] || { echo "ended with $status, not $((128 + $2))"; return 1; }
    grep -aq 'stopped by' t/log || { echo "it did not save at the signal"; return 1; }
    "$bin" embed --checkpoint t/run/checkpoints/last.safetensors "${data[@]}" --out t/out --device cpu
}

limited() { # ULIMIT...: a numbered error or a training that works
    ( # without the limit of ends: this one counts
        ulimit "$@" || exit 77
        timeout 120 "${train[@]}" --run t/run >t/log 2>&1
        status=$?
        cat t/log
        [ $status = 0 ] || { [ $status = 1 ] && grep -aqE '^contig-gpu: E[0-9]+: ' t/log; }
    )
}

# damaged EDIT [CHECKPOINT]: a run that was killed once it had a checkpoint, changed by an edit, is resumed to the same end.
damaged() {
    "${train[@]}" --max-steps 9 --run t/run >/dev/null 2>t/log &
    local pid=$! i
    for ((i = 0; i < 300; i++)); do [ -e t/run/checkpoints/${2:-last}.safetensors ] && [ -e t/run/checkpoints/last.safetensors ] && break; sleep 0.05; done
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    (cd t/run && eval "$1")
    goes t/run
}

# input EDIT: a copy of the cohort, changed; check and train end in a numbered error in time.
input() {
    cp -r cohort t/cohort
    (cd t/cohort && eval "$1")
    ends E "$bin" check --images t/cohort/images.tsv --data t/cohort/data.toml && ends E "${train[@]}" --images t/cohort/images.tsv --data t/cohort/data.toml --run t/run
}

# genotypes EDIT: pgs and burden of a changed cohort, scores or sets end in a numbered error in time.
genotypes() {
    cp cohort/cohort.bed cohort/cohort.bim cohort/cohort.fam weights.txt sets.txt t
    (cd t && eval "$1")
    if [ -e t/weights.txt ]; then ends E "$bin" pgs --genotypes t/cohort --scores t/weights.txt --keep-ambiguous --out t/out || return 1; fi
    if [ -e t/sets.txt ]; then ends E "$bin" burden --genotypes t/cohort --sets t/sets.txt --out t/out.gz || return 1; fi
    [ ! -e t/out ] && [ ! -e t/out.gz ]
}

# checkpoint EDIT: embed and export of a changed checkpoint end in a numbered error.
checkpoint() {
    cp "$model" t/model.safetensors
    (cd t && eval "$1")
    ends E "$bin" embed --checkpoint t/model.safetensors "${data[@]}" --out t/out --device cpu && ends E "$bin" export --checkpoint t/model.safetensors --torchvision --out t/x
}

output() { # WANT COMMAND: by the shell, with its redirection
    eval "$2" 2>t/err
    local status=$?
    cat t/err
    [ $status = "$1" ] || { echo "ended with $status, not $1"; return 1; }
}

for size in 4k 16k 64k 1m 60m 100m 140m 170m 200m 260m 320m; do fault "disk of $size" "numbered error; with room the same bytes" full $size; done
for what in fsync:error=EIO:when=1 fsync:error=EIO:when=2 fsync:error=EIO:when=4 fsync:error=ENOSPC:when=6 rename,renameat,renameat2:error=EACCES:when=1 rename,renameat,renameat2:error=EACCES:when=2 \
    rename,renameat,renameat2:error=ENOSPC:when=3 write:error=EIO:when=9 write:error=ENOSPC:when=40 write:error=EINTR:when=12 ftruncate:error=EIO:when=1 openat:error=EMFILE:when=60 openat:error=EACCES:when=90 \
    read:error=EIO:when=80 pread64:error=EIO:when=3 mkdirat:error=EROFS:when=1 close:error=EDQUOT:when=70 unlinkat:error=EIO:when=1; do
    fault "train, $what" "ends numbered or well; then the same bytes" injected "$what"
done
for n in 1 2 3 4 5 6; do fault "train, killed at rename $n" "resumed or begun anew to the same bytes" injected "rename,renameat,renameat2:signal=KILL:when=$n"; done
for n in 1 3; do fault "train, killed at fsync $n" "resumed or begun anew to the same bytes" injected "fsync:signal=KILL:when=$n"; done
for verb in synth embed export pgs burden; do
    for n in 1 2; do fault "$verb, killed at rename $n" "whole or not at all; nothing left" killed "rename,renameat,renameat2:signal=KILL:when=$n" $verb; done
    fault "$verb, killed at fsync 1" "whole or not at all; nothing left" killed "fsync:signal=KILL:when=1" $verb
    fault "$verb, full disk at write 30" "whole or not at all; nothing left" killed "write:error=ENOSPC:when=30" $verb
    fault "$verb, EIO at fsync" "whole or not at all; nothing left" killed "fsync:error=EIO:when=1" $verb
done
fault "train as nobody" "numbered error" nobody "${train[@]}" --run "$work/none/run"
fault "synth as nobody" "numbered error" nobody "$bin" synth --out "$work/none" --persons 20
fault "embed as nobody" "numbered error" nobody "${embed[@]}" --out "$work/none"
fault "export as nobody" "numbered error" nobody "$bin" export --checkpoint "$work/$model" --out "$work/none"
fault "pgs as nobody" "numbered error" nobody "${pgs[@]}" --out "$work/none"
fault "burden as nobody" "numbered error" nobody "${burden[@]}" --out "$work/none.gz"
fault "bad-list as nobody" "numbered error" nobody "$bin" check "${data[@]}" --bad-list "$work/none/x"
fault "train, stdout closed" "goes on" output 0 '"${train[@]}" --run t/run >&-'
fault "train, stdout /dev/full" "goes on" output 0 '"${train[@]}" --run t/run >/dev/full'
fault "train, stdout to head" "goes on" output 0 '"${train[@]}" --run t/run | head -n 1 >/dev/null; (exit ${PIPESTATUS[0]})'
fault "train, everything closed" "goes on" output 0 '"${train[@]}" --run t/run <&- >&- 2>&-'
fault "check, stdout /dev/full" "numbered error" output 1 '"$bin" check "${data[@]}" >/dev/full'
fault "embed, stdout /dev/full" "ends, and leaves no half folder" output 1 '"${embed[@]}" --out t/out >/dev/full; s=$?; [ ! -e t/out ] || diff -rq t/out embedded; (exit $s)'
fault "pgs, stdout /dev/full" "ends, and leaves no half folder" output 1 '"${pgs[@]}" --out t/out >/dev/full; s=$?; [ ! -e t/out ] || diff -rq t/out scored; (exit $s)'
fault "burden, stdout /dev/full" "ends, and leaves no half file" output 1 '"${burden[@]}" --out t/out.gz >/dev/full; s=$?; [ ! -e t/out.gz ] || cmp t/out.gz burdened.tsv.gz; (exit $s)'
for v in 2000000 2500000 4000000; do # Go and the C library take 1.7 GB of addresses before the program begins
    fault "ulimit -v $v" "numbered error, or works" limited -v $v
done
fault "ulimit -n 24" "numbered error, or works" limited -n 24
fault "ulimit -f 100" "numbered error" limited -f 100
for s in INT:2 TERM:15 HUP:1 USR1:10; do fault "train, SIG${s%:*}" "saves, status $((128 + ${s#*:}))" signalled "${s%:*}" "${s#*:}"; done
fault "metrics.jsonl removed" "resumed to the same bytes" damaged 'rm metrics.jsonl'
fault "metrics.jsonl cut" "resumed to the same bytes" damaged 'truncate -s 20 metrics.jsonl'
fault "metrics.jsonl garbled" "resumed to the same bytes" damaged 'sed -i "1s/./x/" metrics.jsonl'
fault "config.toml empty" "resumed to the same bytes" damaged ': >config.toml'
fault "config.toml cut" "resumed to the same bytes" damaged 'truncate -s 100 config.toml'
fault "config.toml removed" "resumed to the same bytes" damaged 'rm config.toml'
fault "train.log removed" "resumed to the same bytes" damaged 'rm -f train.log'
fault "last removed" "resumed from another, to the same bytes" damaged 'rm checkpoints/last.safetensors' best
fault "last cut" "resumed from another, to the same bytes" damaged 'head -c 1000000 checkpoints/last.safetensors >x && mv x checkpoints/last.safetensors' best # best is another name of the same bytes
fault "table is a FIFO" "numbered error in time" input 'rm burden.tsv; mkfifo burden.tsv'
fault "table is /dev/zero" "numbered error in time" input 'ln -sf /dev/zero burden.tsv'
fault "manifest is a folder" "numbered error" input 'rm images.tsv; mkdir images.tsv'
fault "data.toml of brackets" "numbered error" input 'head -c 2000000 /dev/zero | tr "\0" "[" >data.toml'
fault "braces without end" "numbered error" input 'printf "[s]\nfiles = \"x{1..999999999}\"\n" >data.toml'
fault ".bed cut" "numbered error" input 'truncate -s 40 cohort.bed'
fault "table with NUL" "numbered error" input 'printf "\0" >>burden.tsv'
fault "genotypes cut" "numbered error, nothing written" genotypes 'truncate -s 40 cohort.bed'
fault "genotypes: a .bim without end" "numbered error in time" genotypes 'ln -sf /dev/zero cohort.bim'
fault "genotypes: a .fam cut within a line" "numbered error" genotypes 'truncate -s -9 cohort.fam'
fault "genotypes: one byte of the .bim" "numbered error" genotypes 'printf "\377" | dd of=cohort.bim bs=1 seek=30 conv=notrunc 2>/dev/null'
fault "scores are a FIFO" "numbered error in time" genotypes 'rm weights.txt sets.txt; mkfifo weights.txt'
fault "scores with NUL" "numbered error" genotypes 'rm sets.txt; printf "\0" >>weights.txt'
fault "scores of other variants" "numbered error" genotypes 'rm sets.txt; sed -i "s/^/x/" weights.txt'
fault "sets are a FIFO" "numbered error in time" genotypes 'rm weights.txt sets.txt; mkfifo sets.txt'
fault "sets of other variants" "numbered error" genotypes 'rm weights.txt; sed -i "s/ / x/" sets.txt'
fault "checkpoint /dev/zero" "numbered error in time" checkpoint 'ln -sf /dev/zero model.safetensors'
fault "checkpoint a FIFO" "numbered error in time" checkpoint 'rm model.safetensors; mkfifo model.safetensors'
fault "checkpoint cut" "numbered error" checkpoint 'truncate -s -5 model.safetensors'
fault "checkpoint, one bit" "numbered error" checkpoint 'printf "\xff" | dd of=model.safetensors bs=1 seek=900000 conv=notrunc 2>/dev/null'
fault "checkpoint of NaN" "numbered error" checkpoint 'yes "$(printf "\377\377\377\177")" | tr -d "\n" | head -c 400000 | dd of=model.safetensors bs=1000 seek=900 conv=notrunc 2>/dev/null'
fault "embed over home" "refused, nothing lost" spared "$HOME" "${embed[@]}" --out "$HOME" --overwrite
fault "embed over its cohort" "refused, nothing lost" spared "$work/cohort" "${embed[@]}" --out "$work/cohort" --overwrite
fault "embed over its run" "refused, nothing lost" spared "$work/reference" "${embed[@]}" --out "$work/reference" --overwrite
fault "pgs over its cohort" "refused, nothing lost" spared "$work/cohort" "${pgs[@]}" --out "$work/cohort" --overwrite
fault "pgs over home" "refused, nothing lost" spared "$HOME" "${pgs[@]}" --out "$HOME" --overwrite
fault "burden over its genotypes" "refused, nothing lost" spared "$work/cohort" "${burden[@]}" --out "$work/cohort/cohort.bed" --overwrite
fault "synth over home's parent" "refused, nothing lost" spared "$work/cohort" "$bin" synth --out "$work" --persons 20 --overwrite
fault "export over a checkpoint" "refused, nothing lost" spared "$work/reference" "$bin" export --checkpoint "$model" --out "$model"
fault "export over a file of others" "refused, nothing lost" spared "$work/cohort" "$bin" export --checkpoint "$model" --out cohort/images.tsv
mknod "$work/null" c 1 3 2>/dev/null || : >"$work/null"
fault "export over a device" "refused, nothing lost" spared "$work/null" "$bin" export --checkpoint "$model" --out "$work/null"
fault "overflowing --hidden" "numbered error or usage" ends 'E|2' "${train[@]}" --hidden 3000000000 --run t/run
fault "lr that diverges" "numbered error" ends 'E|2' "${train[@]}" --lr 1e308 --run t/run
echo "$held hold, $broken break, $skipped skipped"
[ $broken = 0 ]
