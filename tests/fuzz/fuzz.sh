#!/bin/sh
# Runs the fuzz targets one after the other, all of them if none is named.
#
#     tests/fuzz/fuzz.sh build-fuzz/tests/fuzz 600 [TARGET…]     seconds for each
#
# Corpora and findings are kept in fuzz-TARGET/ below the current folder.
set -eu
programs=$1
seconds=$2
shift 2
if [ $# -eq 0 ]; then
    for program in "$programs"/fuzz_*; do
        if [ -f "$program" ] && [ -x "$program" ]; then set -- "$@" "${program##*/fuzz_}"; fi
    done
fi

for target; do
    mkdir -p "fuzz-$target/corpus" "fuzz-$target/findings"
    "$programs/replay_$target" --seeds "fuzz-$target/corpus"
    echo "fuzz_$target: $seconds seconds"
    "$programs/fuzz_$target" -max_total_time="$seconds" -rss_limit_mb=0 -max_len=20000 \
        -artifact_prefix="fuzz-$target/findings/" -print_final_stats=1 "fuzz-$target/corpus" \
        > "fuzz-$target/log" 2>&1 || { tail -n 40 "fuzz-$target/log"; exit 1; }
    grep -E 'Done|number_of_executed' "fuzz-$target/log"
done
