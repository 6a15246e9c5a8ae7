# shellcheck shell=bash
# What the scripts share: installing what is missing, and building. To be sourced by bash; moves to
# the project's folder.
set -euo pipefail
export LC_ALL=C.UTF-8
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

# The compiler and what it builds with, then what the tests and the demonstration compare us to. Of
# "a|b", either will do; a is installed if neither is there. (Debian's two versions of Boost exclude
# each other, and satchel builds with both.)
packages=(
    g++ cmake ninja-build ccache
    libfmt-dev zlib1g-dev libbz2-dev liblzma-dev libdeflate-dev libisal-dev libzstd-dev
    libcli11-dev doctest-dev
    libssl-dev nlohmann-json3-dev "libboost-dev|libboost1.81-dev"
    python3 gzip bzip2 xz-utils zstd
)
# Boost's serialization library, for a test: of the version that is there.
if [[ -e /usr/share/doc/libboost1.81-dev ]]; then
    packages+=(libboost-serialization1.81-dev)
else
    packages+=(libboost-serialization-dev)
fi

# stop SENTENCE: ends the script, saying why.
stop() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    exit 1
}

# Installs those of `packages` that are missing. Never removes one.
install_missing() {
    if ! command -v apt-get >/dev/null; then
        printf 'No apt-get here; going on with what there is. Debian calls what is needed: %s\n' \
            "${packages[*]}"
        return
    fi
    local missing=() package
    for package in "${packages[@]}"; do
        is_installed "$package" || missing+=("${package%%|*}")
    done
    if ((${#missing[@]} == 0)); then return; fi

    printf 'Installing from Debian: %s\n' "${missing[*]}"
    if ((EUID != 0)) && ! command -v sudo >/dev/null; then
        stop "run this as root: apt-get install --no-install-recommends ${missing[*]}"
    fi
    if ! can_install "${missing[@]}" >/dev/null; then
        update_lists
        can_install "${missing[@]}" >/dev/null || explain_refusal "${missing[@]}"
    fi
    as_root apt-get -q install -y --no-install-recommends --no-remove "${missing[@]}" ||
        # The lists may be older than what the archive still has.
        { update_lists &&
            as_root apt-get -q install -y --no-install-recommends --no-remove "${missing[@]}"; } ||
        stop "apt-get could not install ${missing[*]}; see above"
}

# install_if_possible PACKAGE…: installs those that are missing and can be had without a question;
# goes on without the others.
install_if_possible() {
    command -v apt-get >/dev/null || return 0
    local package possible=() left_out=()
    for package; do
        if is_installed "$package"; then continue; fi
        if { ((EUID == 0)) || sudo -n true 2>/dev/null; } && can_install "$package" >/dev/null; then
            possible+=("$package")
        else
            left_out+=("$package")
        fi
    done
    if ((${#possible[@]} > 0)); then
        printf 'Installing from Debian: %s\n' "${possible[*]}"
        as_root apt-get -q install -y --no-install-recommends --no-remove "${possible[@]}" ||
            left_out+=("${possible[@]}")
    fi
    if ((${#left_out[@]} > 0)); then
        printf 'Going on without what these packages have: %s\n' "${left_out[*]}"
    fi
}

# is_installed PACKAGE[|PACKAGE…]: whether one of them is.
is_installed() {
    local names
    IFS='|' read -ra names <<<"$1"
    [[ " $(dpkg-query -W -f='${db:Status-Status} ' "${names[@]}" 2>/dev/null)" \
        == *' installed '* ]]
}

# Whether a source that does not answer, perhaps somebody else's, matters, shows when something is
# installed.
update_lists() {
    as_root apt-get -q update ||
        printf 'apt-get update did not succeed; going on with the lists that there are\n' >&2
}

as_root() {
    local sudo=()
    ((EUID == 0)) || sudo=(sudo)
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive "$@"
}

# Whether apt-get would install the packages without removing others; prints what it says.
can_install() {
    apt-get -s install --no-install-recommends --no-remove "$@" 2>&1
}

# Stops, with the reason for which `can_install` said no.
explain_refusal() {
    local answer removed
    answer=$(can_install "$@") || true
    removed=$(sed -n '/will be REMOVED:$/,/^[^ ]/s/^  *//p' <<<"$answer" | tr '\n' ' ')
    if [[ -n $removed ]]; then
        stop "installing $* would remove ${removed% }, so remove that yourself if you agree"
    fi
    printf '%s\n' "$answer" >&2
    stop "apt-get cannot install $*; see above"
}

# build PRESET [TARGET…]: configures and builds, in build/PRESET.
build() {
    local preset=$1 log targets=()
    shift
    if (($# > 0)); then targets=(--target "$@"); fi
    printf 'Building satchel in build/%s\n' "$preset"
    log=$(cmake --preset "$preset" 2>&1) || {
        printf '%s\n' "$log" >&2
        stop "cmake --preset $preset did not succeed; see above"
    }
    cmake --build --preset "$preset" --parallel "$(nproc)" "${targets[@]}" ||
        stop "the build did not succeed; see above"
}
