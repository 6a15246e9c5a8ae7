#!/usr/bin/env bash
# Builds satchel and runs all of its tests; installs what is missing on Debian.
#
#   scripts/test.sh         optimised, with assertions
#   scripts/test.sh asan    under AddressSanitizer and UndefinedBehaviorSanitizer
#   scripts/test.sh tsan    under ThreadSanitizer
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

preset=${1:-ci}
[[ $# -le 1 && $preset =~ ^(ci|asan|tsan)$ ]] || stop "usage: scripts/test.sh [asan|tsan]"

install_missing
build "$preset"
ctest --preset "$preset" --parallel "$(nproc)"
