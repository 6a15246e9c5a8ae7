#!/usr/bin/env bash
# Builds satchel and compresses a real file with it, beside the usual way: read all, compress in one
# call, write. Does it again with worker processes, as on a cluster. Then decompresses, by satchel
# and by the format's standard tool, and compares bytes.
# The file is the guide's: numbered lines that repeat, and so compress better than most text does.
#
#   scripts/demo.sh          a file of 100 MB
#   scripts/demo.sh 1GB      another size
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

size=${1:-100MB}
[[ $# -le 1 && $size == [0-9]* ]] || stop "usage: scripts/demo.sh [SIZE], as in scripts/demo.sh 1GB"

# The interpreter of the package, whatever else is on the PATH: it has all of the codecs.
python=/usr/bin/python3

if [[ -t 1 ]]; then
    bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
else
    bold='' green='' red='' plain=''
fi

# compress_in_one_call EXPRESSION INPUT OUTPUT: the guide's sequential program, in Python.
compress_in_one_call() {
    "$python" - "$2" "$3" <<END
import bz2, gzip, lzma, sys, zlib
with open(sys.argv[1], "rb") as file:
    data = file.read()
with open(sys.argv[2], "wb") as file:
    file.write($1)
END
}

# decompress_zlib FILE: to the standard output, by the only standard tool that reads this format.
decompress_zlib() {
    "$python" -c 'import sys, zlib
with open(sys.argv[1], "rb") as file:
    sys.stdout.buffer.write(zlib.decompress(file.read()))' "$1"
}

# timed COMMAND…: runs it and sets `elapsed` to the microseconds that it took.
timed() {
    local start=${EPOCHREALTIME/./} status=0
    "$@" || status=$?
    elapsed=$((${EPOCHREALTIME/./} - start))
    return "$status"
}

# row FORMAT WHAT MICROSECONDS BYTES REMARK
row() {
    printf '%-7s %-40s %6d.%02d %8d.%02d%s\n' "$1" "$2" $(($3 / 1000000)) $(($3 / 10000 % 100)) \
        $(($4 / 1000000)) $(($4 / 10000 % 100)) "${5:+  $5}"
}

# same_bytes COMMAND…: whether what it prints is the sample.
same_bytes() {
    "$@" | cmp -s - "$sample"
}

# differs: notes that something is not as it must be, for the row and for the end.
differs() {
    remark="${red}DIFFERENT$plain"
    is_right=false
}

# verify WHAT COMMAND…: a row that says whether COMMAND gives the sample back.
verify() {
    local what=$1 remark="${green}equal$plain"
    shift
    timed same_bytes "$@" || differs
    row '' "$what" "$elapsed" "$(stat -c %s "$sample")" "$remark"
}

# demonstrate FORMAT SUFFIX EXPRESSION TOOL COMMAND…: the rows of one format.
demonstrate() {
    local format=$1 ours=$sample.$2 theirs=$folder/one_call.$2 expression=$3 tool=$4 one_call
    local by_workers=$folder/by_workers.$2 remark
    shift 4
    timed compress_in_one_call "$expression" "$sample" "$theirs"
    one_call=$elapsed
    row "$format" "python3: $expression" "$elapsed" "$(stat -c %s "$theirs")" ''
    timed satchel compress --keep --quiet --format "$format" "$sample"
    row '' "satchel compress --format $format" "$elapsed" "$(stat -c %s "$ours")" \
        "${bold}speed-up $((one_call / elapsed)).$((one_call * 10 / elapsed % 10))$plain"
    timed satchel compress --quiet --format "$format" --workers 4 -o "$by_workers" "$sample"
    remark="${green}the same file$plain"
    cmp -s "$ours" "$by_workers" || differs
    row '' "satchel compress --workers 4" "$elapsed" "$(stat -c %s "$by_workers")" "$remark"
    verify "satchel decompress" satchel decompress --stdout --quiet "$ours"
    verify "$tool" "$@" "$ours"
    rm "$ours" "$theirs" "$by_workers"
}

install_missing
build release satchel_cli
PATH=$PWD/build/release/bin:$PATH

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
sample=$folder/sample.txt
is_right=true

satchel generate "$sample" --size "$size"
printf '\n%s of text (lines that repeat, and so compress very well), %s threads\n\n' \
    "$size" "$(nproc)"
printf '%s%-7s %-40s %9s %11s%s\n' "$bold" format what seconds MB "$plain"
demonstrate zlib zz 'zlib.compress(data, level=6)' 'python3: zlib.decompress' decompress_zlib
demonstrate gzip gz 'gzip.compress(data, 6)' 'gzip -dc' gzip -dc
demonstrate bz2 bz2 'bz2.compress(data, 9)' 'bzip2 -dc' bzip2 -dc
demonstrate xz xz 'lzma.compress(data, preset=6)' 'xz -dc' xz -dc

[[ $is_right == true ]] || stop "a file did not come back as it was"
printf '\nEvery file came back byte for byte, from satchel and from the standard tools.\n'
printf 'The speed-up is over the row above it: one call, on one thread, of the usual library.\n'
