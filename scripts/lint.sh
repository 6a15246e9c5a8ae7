#!/usr/bin/env bash
# Checks how the sources are written, beyond what the tests check.
#
#   scripts/lint.sh           the layout, the scripts, and clang-tidy; minutes
#   scripts/lint.sh format    the layout alone; seconds
#   scripts/lint.sh fix       lays the sources out
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

# Version 14 is Debian 12's; others break lines elsewhere.
lay_out() {
    find "${folders[@]}" -name '*.[ch]pp' -print0 | xargs -0 clang-format-14 "$@"
}

folders=(engine tasks workloads examples tests benchmarks)
case ${1:-all} in
format) lay_out --dry-run -Werror ;;
fix) lay_out -i ;;
all)
    packages+=(clang-format-14 clang-tidy-19 shellcheck)
    install_missing
    lay_out --dry-run -Werror
    shellcheck -x -P scripts scripts/*.sh .ci/run
    cmake --preset dev >/dev/null
    ours="^$PWD/($(IFS='|' && echo "${folders[*]}"))/"
    run-clang-tidy-19 -quiet -p build/dev -j "$(nproc)" "$ours"
    ;;
*) stop "usage: scripts/lint.sh [format|fix]" ;;
esac
