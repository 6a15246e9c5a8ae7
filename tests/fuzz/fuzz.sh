#!/bin/sh
# Runs the fuzz targets of the decoders one after the other, from seeds made by the usual tools.
#
#     tests/fuzz/fuzz.sh build-fuzz/tests/fuzz 600 [TARGET…]     seconds for each
#
# Corpora and findings are kept in fuzz-TARGET/ below the current folder.
set -eu
programs=$1
seconds=$2
shift 2
[ $# -gt 0 ] || set -- gzip zlib xz zstd seek deflate_walk decompress

# The first byte is for the target; none of these formats begins with a newline.
seed() {
    { printf '\n'; cat; } > "$corpus/$1"
}

seeds() {
    text=$corpus/../text
    { seq 1 400; head -c 300 /dev/urandom; } > "$text"
    for level in 1 6 9; do
        gzip -c -$level "$text" | seed "gzip$level"
        xz -c -$level "$text" | seed "xz$level"
    done
    xz -c --block-size=500 -T2 "$text" | seed xz-blocks
    xz -c --check=sha256 --block-size=700 -T1 "$text" | seed xz-sizeless
    xz -c --format=lzma "$text" | seed lzma
    { gzip -c "$text"; gzip -c "$text"; } | seed members
    gzip -c -N "$text" | seed named
    for tool in "pigz -ic" "pigz -zc" "pigz -izc" "bgzip -c" "zstd -c" "zstd -19c" "pzstd -cp2" \
        "bzip2 -c"; do
        if command -v "${tool%% *}" > /dev/null; then
            $tool "$text" 2> /dev/null | seed "$(echo "$tool" | tr -d ' -')"
        fi
    done
}

for target; do
    mkdir -p "fuzz-$target/corpus" "fuzz-$target/findings"
    corpus=fuzz-$target/corpus
    seeds
    echo "fuzz_$target: $seconds seconds"
    "$programs/fuzz_$target" -max_total_time="$seconds" -rss_limit_mb=0 -max_len=20000 \
        -artifact_prefix="fuzz-$target/findings/" -print_final_stats=1 "$corpus" \
        > "fuzz-$target/log" 2>&1 || { tail -n 40 "fuzz-$target/log"; exit 1; }
    grep -E 'Done|number_of_executed' "fuzz-$target/log"
done
