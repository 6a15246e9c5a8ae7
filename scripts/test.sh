#!/usr/bin/env bash
# Builds satchel and runs all of its tests; installs what is missing on Debian.
#
#   scripts/test.sh         optimised, with assertions
#   scripts/test.sh asan    under AddressSanitizer and UndefinedBehaviorSanitizer
#   scripts/test.sh tsan    under ThreadSanitizer
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

preset=${1:-ci}
[[ $# -le 1 && $preset =~ ^(ci|asan|tsan)$ ]] || stop "usage: scripts/test.sh [asan|tsan]"

install_missing
# What satchel is compared with where it is there.
install_if_possible pigz tabix lbzip2 pbzip2 pixz isal graphviz
build "$preset"
ctest --preset "$preset" --parallel "$(nproc)"
